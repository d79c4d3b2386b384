// SPDX-License-Identifier: Apache-2.0

/// The characters of user-data that is known to be a cloud-config.
///
/// Source: coreos-cloudinit's order of tests; specs/cloud-config.md §1.
struct UserDataText {
  /// The text with `\n` for every line break.
  let scalars: [Unicode.Scalar]

  init(_ bytes: [UInt8]) throws(YAMLError) {
    try Self.refuseOtherKinds(bytes)
    guard bytes.count <= YAMLLimits.documentBytes else {
      throw YAMLError(.start, "user-data of \(bytes.count) bytes; at most \(YAMLLimits.documentBytes) are read")
    }
    scalars = try Self.decode(bytes)
    let firstLine = scalars.prefix { $0 != "\n" }
    var header = String.UnicodeScalarView()
    header.append(contentsOf: firstLine)
    guard String(header).trimmingBlanks() == "#cloud-config" else { throw Self.headerError(String(header)) }
  }

  /// The lines of the text.
  var lines: [ArraySlice<Unicode.Scalar>] {
    scalars.split(separator: "\n", omittingEmptySubsequences: false)
  }

  private static func refuseOtherKinds(_ bytes: [UInt8]) throws(YAMLError) {
    let kinds: [(prefix: [UInt8], message: String)] = [
      ([0x1f, 0x8b], "gzip-compressed user-data is not supported yet; unpack it first"),
      ([0xef, 0xbb, 0xbf], "a byte order mark stands before the header; save the file without one"),
      (Array("#!".utf8), "a script as user-data is not supported yet; only \"#cloud-config\" is"),
      (Array("Content-Type:".utf8), "multipart user-data is not supported yet; only \"#cloud-config\" is"),
      (Array("MIME-Version:".utf8), "multipart user-data is not supported yet; only \"#cloud-config\" is"),
      (Array("#include".utf8), "#include is not supported; only \"#cloud-config\" is"),
      (
        Array("{".utf8),
        "JSON without header: for Ignition use another tool, for a cloud-config put \"#cloud-config\" first"
      ),
    ]
    guard !bytes.isEmpty else {
      throw YAMLError(.start, "user-data is empty; its first line must be \"#cloud-config\"")
    }
    for kind in kinds where bytes.starts(with: kind.prefix) { throw YAMLError(.start, kind.message) }
  }

  private static func headerError(_ line: String) -> YAMLError {
    var hint = ""
    if line.contains("cloud-config") {
      hint = ", exactly so, with nothing else on the line"
    } else if line.trimmingBlanks().isEmpty {
      hint = "; this line is blank"
    }
    return YAMLError(.start, "the first line must be \"#cloud-config\"\(hint)")
  }

  private static func decode(_ bytes: [UInt8]) throws(YAMLError) -> [Unicode.Scalar] {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(bytes.count)
    var mark = SourceMark.start
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    var isAfterReturn = false
    decoding: while true {
      switch decoder.decode(&iterator) {
      case .emptyInput: break decoding
      case .error: throw YAMLError(mark, "this is not UTF-8")
      case .scalarValue("\n") where isAfterReturn: isAfterReturn = false
      case .scalarValue(let scalar):
        isAfterReturn = scalar == "\r"
        guard isAllowed(scalar) else {
          throw YAMLError(
            mark,
            "a control character (U+\(String(scalar.value, radix: 16, uppercase: true))) stands here"
          )
        }
        if scalar == "\n" || scalar == "\r" {
          scalars.append("\n")
          mark = SourceMark(line: mark.line + 1, column: 1)
        } else {
          scalars.append(scalar)
          mark.column += 1
        }
      }
    }
    return scalars
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0a, 0x0d, 0x85: true
    case 0..<0x20, 0x7f..<0xa0, 0xfffe, 0xffff: false
    default: true
    }
  }
}
