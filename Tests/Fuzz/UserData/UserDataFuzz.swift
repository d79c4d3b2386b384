// SPDX-License-Identifier: Apache-2.0
import FuzzDriver
import Glibc

@testable import CloudConfig

/// What one run of the fuzzer feeds; `CORACLE_FUZZ_TARGET` names it.
enum UserDataFuzz: String {
  /// User-data as it is stored.
  case userdata
  /// What stands below `#cloud-config`.
  case cloudconfig
  /// What stands below the headers of a multipart message.
  case multipart
  /// Packed bytes.
  case gzip

  static let chosen = getenv("CORACLE_FUZZ_TARGET").flatMap { UserDataFuzz(rawValue: String(cString: $0)) } ?? .userdata

  func feed(_ bytes: [UInt8]) {
    switch self {
    case .userdata: Self.read(bytes)
    case .cloudconfig: Self.read(Array("#cloud-config\n".utf8) + bytes)
    case .multipart: Self.read(Array("Content-Type: multipart/mixed; boundary=b\n\n".utf8) + bytes)
    case .gzip:
      let limit = 1 << 20
      if let unpacked = try? Gzip.unpack(bytes, limit: limit) {
        precondition(unpacked.count <= limit, "no more comes out than is allowed")
        Self.read(bytes)
      }
    }
  }

  private static func read(_ bytes: [UInt8]) {
    let document = CloudConfigDocument(
      reading: bytes,
      addresses: AddressTokens(publicIPv4: "203.0.113.7", privateIPv4: "10.0.0.7"),
      specifiers: .placeholders
    )
    let findings = document.findings
    precondition(document.hasErrors == findings.contains { $0.severity == .error }, "no plan comes with an error only")
    precondition(zip(findings, findings.dropFirst()).allSatisfy { $0.mark <= $1.mark }, "findings are sorted")
    let lines = Gzip.isPacked(bytes) ? Int.max : LineOrigins.bound(ofLinesIn: bytes)
    for finding in findings {
      precondition((1...lines).contains(finding.mark.line) && finding.mark.column > 0, "a finding is in the file")
      precondition(!finding.message.contains { $0.isNewline }, "a finding is one line")
    }
    if let plan = document.plan { check(plan) }
  }

  private static func check(_ plan: BootPlan) {
    let system = plan.system
    for file in system.files {
      precondition(PlanBuilder.isAbsolutePath(file.path) && file.permissions <= 0o7777, "a file stays where it says")
    }
    for user in system.users { precondition(PlanBuilder.isAccountName(user.name), "a user has a name") }
    for unit in plan.localUnits + system.networkUnits {
      precondition(!unit.name.contains("/") && unit.name.first != ".", "a unit's name is no path")
      precondition(
        unit.dropIns.allSatisfy { !$0.name.contains("/") && $0.name.hasSuffix(".conf") },
        "nor is a drop-in's"
      )
    }
    for variable in system.update + system.locksmith + system.flannel + system.oem {
      precondition(!variable.value.contains { $0.isNewline }, "a variable is one line")
    }
    for key in system.sshAuthorizedKeys { precondition(!key.contains { $0.isNewline }, "a key is one line") }
  }
}

/// The entry that libFuzzer calls for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  UserDataFuzz.chosen.feed(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

/// The main of this program.
@_cdecl("coracle_fuzz_userdata_main")
public func fuzzMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  LibFuzzer.run(count, arguments) { fuzzOneInput($0, $1) }
}
