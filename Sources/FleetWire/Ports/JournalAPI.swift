// SPDX-License-Identifier: Apache-2.0
public import Units

/// Which entries of a machine's journal are wanted.
///
/// Units: times are microseconds since the Unix epoch.
public struct JournalQuery: Sendable, Equatable {
  /// Units' names, templates for all their instances, patterns.
  public var units: [String]
  /// The machine; nil is the one that is asked.
  public var machineID: String?
  /// Only entries after it: the cursor of an earlier answer.
  public var after: JournalPosition?
  /// Only entries up to it: the end that an earlier page named.
  public var end: JournalPosition?
  /// Only entries of this time or later.
  public var sinceMicroseconds: Int64?
  /// Only entries of this time or earlier.
  public var untilMicroseconds: Int64?
  /// Only the last so many of these; nil for all.
  public var lines: Int?
  /// Whether entries to come are wanted too, for as long as the reader stays.
  public var follows: Bool

  /// Makes a query.
  public init(
    units: [String],
    machineID: String? = nil,
    after: JournalPosition? = nil,
    end: JournalPosition? = nil,
    sinceMicroseconds: Int64? = nil,
    untilMicroseconds: Int64? = nil,
    lines: Int? = nil,
    follows: Bool = false
  ) {
    self.units = units
    self.machineID = machineID
    self.after = after
    self.end = end
    self.sinceMicroseconds = sinceMicroseconds
    self.untilMicroseconds = untilMicroseconds
    self.lines = lines
    self.follows = follows
  }
}

/// The journals of machines, asked of any of them.
public protocol JournalAPI: Sendable {
  /// Opens the journal of one machine.
  ///
  /// - Throws: ``FleetAPIError``; 404 when there is no such machine, 503 when it cannot be asked.
  func journal(_ query: JournalQuery) async throws(FleetAPIError) -> JournalFeed
}

/// An open journal, of which the reader takes batch by batch, so that nothing piles up before a slow one.
///
/// A feed that follows gives empty batches too, at least every ``heartbeat``, so that its reader can tell silence from a
/// machine that is gone. It ends when it does not follow and everything has been given; it may throw at any time.
public struct JournalFeed: Sendable {
  /// The longest silence of a feed that follows.
  public static let heartbeat = Duration.seconds(5)

  /// The next batch; nil at the end.
  ///
  /// To be called by one reader, one call after the other.
  public let next: @Sendable () async throws -> JournalBatch?

  /// Makes a feed.
  public init(_ next: @escaping @Sendable () async throws -> JournalBatch?) {
    self.next = next
  }
}
