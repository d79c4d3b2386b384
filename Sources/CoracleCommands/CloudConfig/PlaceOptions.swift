// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CloudConfig
import CloudInit
import Glibc

/// Which cloud-config is carried out, and where.
struct PlaceOptions: ParsableArguments {
  @Argument(help: "The cloud-config; - is standard input.") var file: String

  @Option(help: "Change the tree of files below this directory instead of this computer; nothing is run then.")
  var root = "/"

  @Option(help: "The node's data directory, for scripts.") var dataDir = "/var/lib/coracle"

  @Option(help: "Value of $public_ipv4 (default: detected).") var publicIp: String?

  @Option(help: "Value of $private_ipv4 (default: detected).") var privateIp: String?

  /// Reads the document, prints what is to be said about it, and looks at the computer.
  func application(changes: Bool) async throws -> (plan: BootPlan, application: SystemApplication) {
    do {
      let userData = try await UserData.read(file)
      let plan = try read(userData)
      let place = SystemApplication.Place(
        root: root,
        dataDirectory: dataDir,
        environment: environmentVariables(),
        scriptVariables: Dictionary(plan.system.addresses.map { ($0.name, $0.value) }) { $1 }
      )
      let application = try await SystemApplication(plan, at: place, changes: changes)
      if changes, !SystemApplication.setsOwners {
        CommandOutput.standard.errorLine("warning: only root can give files away; everything belongs to this user")
      }
      return (plan, application)
    } catch let error as CloudInitError {
      let cause = error.cause.map { ": \($0)" } ?? ""
      CommandOutput.standard.errorLine("\(error.message)\(cause)")
      throw ExitCode(1)
    } catch let error as ExitCode {
      throw error
    } catch {
      CommandOutput.standard.errorLine("\(error)")
      throw ExitCode(1)
    }
  }

  private func read(_ userData: UserData) throws -> BootPlan {
    let environment = environmentVariables()
    var addresses = AddressTokens.detect(environment: environment)
    addresses.publicIPv4 = publicIp ?? addresses.publicIPv4
    addresses.privateIPv4 = privateIp ?? addresses.privateIPv4
    let document = CloudConfigDocument.forThisComputer(
      userData.bytes,
      addresses: addresses,
      machineID: Self.machineID(dataDir),
      environment: environment,
      isApplied: true
    )
    // What the document changes is what this is about; only what may be wrong with it is said.
    for finding in document.findings where finding.severity != .info {
      CommandOutput.standard.errorLine(finding.rendered(file: userData.name))
    }
    guard let plan = document.plan else { throw ExitCode(1) }
    return plan
  }

  /// The id that a node here has, or would take.
  private static func machineID(_ dataDirectory: String) -> String {
    for path in ["\(dataDirectory)/machine-id", "/etc/machine-id"] {
      guard let text = try? LocalFiles.text(path) else { continue }
      let id = text.filter { !$0.isWhitespace }
      if id.utf8.count == 32 { return id }
    }
    return MachineSpecifiers.placeholders.machineID
  }

  static func count(_ number: Int, _ noun: String) -> String {
    number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
  }
}
