// SPDX-License-Identifier: Apache-2.0

/// What only the machine that runs a unit knows, asked of any machine.
public protocol UnitInspectionAPI: Sendable {
  /// What `unit status` shows.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is no such unit or no machine has it loaded.
  func status(of unitName: String) async throws(FleetAPIError) -> UnitStatusReport

  /// The last lines of a unit's output, oldest first, and with `follow` every later one until the consumer stops.
  ///
  /// Errors arrive as ``FleetAPIError`` in the stream. The stream's buffer is bounded.
  func journal(of unitName: String, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error>

  /// Where a unit is placed, or machine by machine why it is not.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is no such unit.
  func explain(_ unitName: String) async throws(FleetAPIError) -> UnitExplanation
}
