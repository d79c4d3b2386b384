// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

/// A whole run: both servers started, compared, and ended.
public enum DifferentialRun {
  /// Compares coracle and etcd over a number of requests.
  ///
  /// - Parameters:
  ///   - count: How many requests are sent to each.
  ///   - seed: What they are drawn from.
  /// - Returns: What was found.
  /// - Throws: When a server does not start or is gone.
  public static func run(count: Int, seed: UInt64) async throws -> DifferentialReport {
    let directory = ServerPair.fastDirectory.appendingPathComponent(
      "coracle-differential-\(UUID().uuidString.prefix(8))"
    )
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let pair = try await ServerPair(directory: directory)
    defer { pair.stop() }
    return try Lockstep(pair, seed: seed).run(count: count)
  }
}
