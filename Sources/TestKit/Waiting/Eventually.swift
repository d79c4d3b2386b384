// SPDX-License-Identifier: Apache-2.0

/// A condition that did not come true before its deadline.
public struct DeadlinePassed: Error, CustomStringConvertible {
  /// What was waited for, how long, and what was seen last.
  public let description: String
}

/// Waits until a condition holds, looking again every `interval`.
///
/// The time that it may take is for a machine that has much else to do; it costs nothing when the condition holds. How
/// soon something has to be so is measured and compared, not waited for.
///
/// - Parameters:
///   - what: What is waited for, for the message.
///   - timeout: How long to wait at most.
///   - interval: The pause between two looks.
///   - condition: The condition; an error counts as "not yet" and is told when the deadline passes.
/// - Throws: ``DeadlinePassed`` when the condition never held.
public func eventually(
  _ what: String,
  within timeout: Duration = .seconds(60),
  every interval: Duration = .milliseconds(40),
  _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let deadline = clock.now + timeout
  var lastError: (any Error)?
  while true {
    do {
      if try await condition() { return }
      lastError = nil
    } catch {
      lastError = error
    }
    guard clock.now < deadline else {
      let detail = lastError.map { "; last error: \($0)" } ?? ""
      throw DeadlinePassed(description: "waited \(timeout) for: \(what)\(detail)")
    }
    try await Task.sleep(for: interval)
  }
}

/// Checks that a condition goes on to hold for a time.
///
/// - Throws: ``CommandFailed`` as soon as it does not, or what the condition throws.
public func holds(
  _ what: String,
  for time: Duration,
  every interval: Duration = .milliseconds(100),
  _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let end = clock.now + time
  while clock.now < end {
    guard try await condition() else { throw CommandFailed(description: "no longer so: \(what)") }
    try await Task.sleep(for: interval)
  }
}
