// SPDX-License-Identifier: Apache-2.0
import FleetWire

extension UnitSession {
  /// How long an answer is waited for that does not come: longer than a store takes to find a new leader.
  private static let outageLimit = Duration.seconds(15)
  /// How long nothing is said about it.
  private static let outageSilence = Duration.seconds(2)

  /// Asks for what is waited for; a node, or its store, that is away for a moment is asked again.
  ///
  /// - Parameters:
  ///   - limit: When the wait for the thing itself ends; nil is never.
  ///   - ask: What is asked.
  /// - Returns: The answer.
  /// - Throws: What was answered, or the last failure when there was no answer for 15 seconds, or for the limit.
  func overOutages<Answer>(
    limit: Duration? = nil,
    _ ask: () async throws(FleetAPIError) -> Answer
  ) async throws -> Answer {
    var pause = PollPause(limit: min(limit ?? Self.outageLimit, Self.outageLimit), now: now)
    var isTold = false
    while true {
      do throws(FleetAPIError) {
        return try await ask()
      } catch {
        guard error.isOutage, let wait = pause.next() else { throw error }
        if !isTold, pause.total >= Self.outageSilence {
          output.errorLine("Waiting: \(text(error))")
          isTold = true
        }
        try await sleep(wait)
      }
    }
  }
}

extension FleetAPIError {
  /// Whether it says nothing about what was asked, only that there is nobody to say it for now.
  fileprivate var isOutage: Bool {
    switch self {
    case .unavailable, .unreachable: true
    case .badRequest, .notFound, .methodNotAllowed, .conflict, .unsupportedMediaType, .failed: false
    case .other, .unexplained: false
    }
  }
}
