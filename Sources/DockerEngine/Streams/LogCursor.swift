// SPDX-License-Identifier: Apache-2.0

/// How far a container's log has been read: on each of its two streams, the last line's moment and how many of that
/// moment were read.
///
/// The engine stamps each stream's lines in order, but writes them to the log by two hands, so that a line may stand
/// behind one of the other stream that is newer. One moment for both streams would lose it when reading goes on after a
/// break; reading therefore goes on ``overlapNanoseconds`` before the newest line, and what was read is passed over.
public struct LogCursor: Sendable, Hashable, Codable {
  /// How far one stream has been read.
  public struct Place: Sendable, Hashable, Codable {
    /// The engine's timestamp of the last line, nanoseconds since the Unix epoch.
    public var nanosecondsSinceEpoch: Int64
    /// How many lines with that timestamp were read.
    public var count: Int

    /// Makes a place.
    public init(nanosecondsSinceEpoch: Int64, count: Int) {
      self.nanosecondsSinceEpoch = nanosecondsSinceEpoch
      self.count = count
    }
  }

  /// How far behind a newer line of the other stream a line may stand, in nanoseconds.
  public static let overlapNanoseconds: Int64 = 5_000_000_000

  /// Where standard output stands; nil when nothing of it has been read.
  public var standardOutput: Place?
  /// Where standard error stands.
  public var standardError: Place?

  /// Makes a cursor at the beginning of a log.
  public init() {}

  /// Makes a cursor behind everything up to a moment.
  public init(behind position: LogPosition) {
    let place = Place(nanosecondsSinceEpoch: position.nanosecondsSinceEpoch, count: .max)
    standardOutput = place
    standardError = place
  }

  /// Where a stream stands.
  public subscript(stream: OutputStream) -> Place? {
    get { stream == .standardOutput ? standardOutput : standardError }
    set { if stream == .standardOutput { standardOutput = newValue } else { standardError = newValue } }
  }

  /// The newest line that was read; nil at the beginning.
  public var newest: LogPosition? {
    [standardOutput, standardError].compactMap { $0?.nanosecondsSinceEpoch }.max()
      .map { LogPosition(nanosecondsSinceEpoch: $0) }
  }

  /// Goes behind a line; one without a position leaves the cursor as it is.
  public mutating func pass(_ line: OutputLine) {
    guard let position = line.position else { return }
    var place = self[line.stream] ?? Place(nanosecondsSinceEpoch: position.nanosecondsSinceEpoch, count: 0)
    if place.nanosecondsSinceEpoch != position.nanosecondsSinceEpoch {
      place = Place(nanosecondsSinceEpoch: position.nanosecondsSinceEpoch, count: 0)
    }
    if place.count < .max { place.count += 1 }
    self[line.stream] = place
  }

  /// Where the engine is asked to begin; nil for the beginning of the log.
  var since: LogPosition? {
    newest.map { LogPosition(nanosecondsSinceEpoch: max(0, $0.nanosecondsSinceEpoch - Self.overlapNanoseconds)) }
  }
}

/// Passes over the lines that a cursor is behind of, while a log is read again from ``LogCursor/since``.
struct LogRereading {
  private let start: LogCursor
  private var seen = LogCursor()
  /// Streams whose lines have come to the new ones: what follows is new even when the engine's clock was set back.
  private var caughtUp: [OutputStream] = []

  init(from cursor: LogCursor) {
    start = cursor
  }

  /// Whether a line is new; asked once for each line, in the order of the log.
  mutating func isNew(_ line: OutputLine) -> Bool {
    guard let position = line.position, let place = start[line.stream], !caughtUp.contains(line.stream) else {
      return true
    }
    let isNew: Bool
    if position.nanosecondsSinceEpoch == place.nanosecondsSinceEpoch {
      seen.pass(line)
      isNew = (seen[line.stream]?.count ?? 0) > place.count
    } else {
      isNew = position.nanosecondsSinceEpoch > place.nanosecondsSinceEpoch
    }
    if isNew { caughtUp.append(line.stream) }
    return isNew
  }
}
