// SPDX-License-Identifier: Apache-2.0
import APIClients
import FleetWire
import SSHTunnel

/// Asks the machine of a unit over SSH what the API cannot tell: with nodes of fleet itself, which tell nothing of a
/// unit's processes, and with machines that no other node can ask.
///
/// Source: specs/fleet.md §8.3. Differs: the API is asked first.
struct RemoteUnitQuestions: Sendable {
  let shell: RemoteShell
  let node: NodeClient
  let usesSudo: Bool

  enum Question: Equatable {
    case status
    case journal(lines: Int, follow: Bool, style: JournalStyle)
  }

  /// Asks a question.
  ///
  /// - Parameters:
  ///   - question: What is asked.
  ///   - unit: The unit's name.
  ///   - error: What the API answered.
  ///   - fleet: Knows where the unit is.
  /// - Returns: The status of the command there; nil when there is nobody to ask.
  /// - Throws: What went wrong on the way there.
  func ask(
    _ question: Question,
    about unit: String,
    after error: FleetAPIError,
    _ fleet: any FleetAPI
  ) async throws -> Int32? {
    guard await isWorthAsking(after: error) else { return nil }
    guard let id = try? await fleet.unit(named: unit).machineID,
      let machine = try? await fleet.machines().first(where: { $0.id == id })
    else { return nil }
    return try await shell.run([Self.commandLine(question, unit, usesSudo: usesSudo)], on: machine, hasInput: false)
  }

  /// A node of ours that does not know the unit knows that nobody does; one of fleet's has never heard of the question.
  private func isWorthAsking(after error: FleetAPIError) async -> Bool {
    switch error {
    case .failed: true
    case .notFound, .methodNotAllowed, .unexplained(httpStatus: 404, _), .unexplained(httpStatus: 405, _):
      (try? await node.nodeStatus()) == nil
    default: false
    }
  }

  /// The command for a machine with coracle, or else with systemd.
  static func commandLine(_ question: Question, _ unit: String, usesSudo: Bool) -> String {
    let unit = ShellWord.quoted(unit)
    let sudo = usesSudo ? "sudo " : ""
    let ours: String
    let systemd: String
    switch question {
    case .status:
      ours = "coracle unit status \(unit)"
      systemd = "systemctl status -l \(unit)"
    case .journal(let lines, let follow, let style):
      let tail = "\(lines)\(follow ? " -f" : "")"
      ours = "coracle unit journal \(unit) --output \(style.rawValue) -n \(tail)"
      systemd = "journalctl --unit \(unit) --no-pager --output \(style.rawValue) -n \(tail)"
    }
    return "if command -v coracle >/dev/null 2>&1; then exec \(sudo)\(ours); else exec \(sudo)\(systemd); fi"
  }
}
