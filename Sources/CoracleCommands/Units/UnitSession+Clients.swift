// SPDX-License-Identifier: Apache-2.0
import APIClients
import Glibc

extension UnitSession {
  /// A session with a cluster behind clients.
  init(_ clients: CommandClients, output: CommandOutput = .standard) {
    self.init(
      fleet: clients.fleet,
      inspection: clients.node,
      output: output,
      readFile: { path throws(CommandFailure) in try LocalFiles.text(path) },
      sleep: { try await Task.sleep(for: $0) },
      operations: clients.node,
      inspectionAt: { url in (try? Endpoint(url)).map { clients.moved(to: [$0]).node } }
    )
    journals = clients.node
  }

  /// The time of day.
  static func nowEpochMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
  }
}
