// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import FoundationEssentials
import Glibc

/// How far the logs of units' containers are in the journals, as the unit-host knows that writes them.
///
/// The node reads the logs and may be killed at any moment: between reading a line and sending it, or between sending it
/// and writing down that it has. So what counts is how far the journals are: the next node asks, and goes on from there.
///
/// A unit-host that has nothing left to own ends, and leaves this in a file for the one that comes after it.
struct ContainerLogs: Codable {
  /// Containers of a unit that are remembered: those of its last runs, which may still be read.
  static let limit = 8

  private struct Log: Codable {
    var container: String
    var cursor: LogCursor
  }

  /// By unit, the one that was written to last at the end.
  private var logs: [String: [Log]] = [:]

  /// By container.
  var cursors: [String: LogCursor] {
    Dictionary(logs.values.joined().map { ($0.container, $0.cursor) }) { $1 }
  }

  /// A line of a unit's container has been written.
  mutating func note(_ origin: LogOrigin, of unit: String) {
    var ofUnit = logs[unit] ?? []
    var log: Log
    if let index = ofUnit.firstIndex(where: { $0.container == origin.container }) {
      log = ofUnit.remove(at: index)
    } else {
      log = Log(container: origin.container, cursor: LogCursor())
      if ofUnit.count >= Self.limit { ofUnit.removeFirst() }
    }
    log.cursor[origin.stream] = origin.place
    ofUnit.append(log)
    logs[unit] = ofUnit
  }

  /// A unit is gone.
  mutating func forget(_ unit: String) {
    logs[unit] = nil
  }

  // MARK: From one unit-host to the next

  private static let limitBytes = 16 << 20

  private static func path(_ stateDirectory: String) -> String { "\(stateDirectory)/container-logs.json" }

  /// What the unit-host before this one left; empty when it was killed.
  static func taken(from stateDirectory: String) -> ContainerLogs {
    let path = path(stateDirectory)
    guard let bytes = readFile(path, limitBytes: limitBytes) else { return ContainerLogs() }
    _ = unlink(path)
    return (try? JSONDecoder().decode(ContainerLogs.self, from: Data(bytes))) ?? ContainerLogs()
  }

  /// Leaves it for the next unit-host.
  func leave(in stateDirectory: String) {
    guard !logs.isEmpty, let data = try? JSONEncoder().encode(self) else { return }
    let path = Self.path(stateDirectory)
    let descriptor = open("\(path).new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    let written = data.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    if written == data.count { _ = rename("\(path).new", path) }
  }
}
