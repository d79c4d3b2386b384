// SPDX-License-Identifier: Apache-2.0
import Differential
import Testing

/// A slice of `make differential`: random requests to coracle and to the real etcd 3.4, answers compared.
@Suite(.serialized) struct DifferentialTests {
  @Test func `random requests are answered as by etcd, but for what rules explain`() async throws {
    let report = try await DifferentialRun.run(count: 1_500, seed: 20)
    #expect(report.unexplainedCount == 0, "\(report)")
    #expect(report.requestCount >= 1_500)
  }
}
