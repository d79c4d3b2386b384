// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Differential
import TestKit

/// Compares coracle with a real etcd, request by request.
@main
struct CoracleDifferential: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coracle-differential",
    abstract: "Sends random v2 requests to coracle and to etcd --enable-v2 and compares the answers.",
    discussion: """
      Needs etcd 3.4 on the PATH; CORACLE_BINARY names the coracle to test. Indexes, ids and times are mapped. Exits 0 \
      when every difference is explained by a rule, 1 when one is not (it is printed with the seed).
      """
  )

  @Option(help: "How many requests are sent to each server.")
  var count = 20_000

  @Option(help: "What the requests are drawn from; a random one when not given.")
  var seed: UInt64?

  func run() async throws {
    let seed = seed ?? UInt64.random(in: 1...999_999)
    let report = try await DifferentialRun.run(count: count, seed: seed)
    print(report)
    if report.unexplainedCount > 0 { throw ExitCode.failure }
  }
}
