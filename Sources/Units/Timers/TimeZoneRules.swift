// SPDX-License-Identifier: Apache-2.0

/// What clocks of a time zone show at each instant, read from a zone file of the system.
///
/// Units: seconds since the Unix epoch, and seconds east of Greenwich.
/// Source: RFC 8536 (TZif).
public struct TimeZoneRules: Sendable, Hashable {
  /// Why bytes are no zone file.
  public enum ParsingError: Error, Sendable, Equatable {
    case notAZoneFile
  }

  /// The longest zone file, in bytes; those of the system have a few thousand.
  public static let fileLimitBytes = 256 << 10

  private struct Transition: Sendable, Hashable {
    var epochSeconds: Int64
    var offset: Int64
  }

  private var transitions: [Transition] = []
  private var firstOffset: Int64 = 0
  /// What holds after the last transition; nil leaves everything as it is then.
  private var recurrence: TimeZoneRecurrence?

  /// UTC.
  public static let utc = TimeZoneRules(offsetSeconds: 0)

  /// A zone whose clocks are never changed.
  public init(offsetSeconds: Int64) {
    firstOffset = offsetSeconds
  }

  /// A zone that has always gone by one rule, such as `CET-1CEST,M3.5.0,M10.5.0/3`; nil when the text is none.
  public init?(rule: String) {
    guard let recurrence = TimeZoneRecurrence(rule) else { return nil }
    self.recurrence = recurrence
  }

  /// Reads a zone file.
  public init(parsing bytes: [UInt8]) throws(ParsingError) {
    var reader = ZoneFileReader(bytes)
    guard bytes.count <= Self.fileLimitBytes, let first = reader.header() else { throw .notAZoneFile }
    var header = first
    var width = 4
    if header.version >= 2 {
      guard reader.skip(header.length(timeWidth: 4)), let second = reader.header() else { throw .notAZoneFile }
      header = second
      width = 8
    }
    guard let times = reader.numbers(header.timeCount, width: width),
      let kinds = reader.numbers(header.timeCount, width: 1),
      let types = reader.types(header.typeCount), !types.isEmpty,
      kinds.allSatisfy({ types.indices.contains(Int($0 & 0xff)) })
    else { throw .notAZoneFile }
    transitions = zip(times, kinds).map { Transition(epochSeconds: $0, offset: types[Int($1 & 0xff)].offset) }
    firstOffset = (types.first { !$0.isSummer } ?? types[0]).offset
    let rest = header.charCount + header.leapCount * (width + 4) + header.standardCount + header.utCount
    guard width == 8 else { return }
    guard reader.skip(rest), let footer = reader.line() else { throw .notAZoneFile }
    guard !footer.isEmpty else { return }
    guard let recurrence = TimeZoneRecurrence(footer) else { throw .notAZoneFile }
    self.recurrence = recurrence
  }

  // MARK: Queries

  /// How far clocks are ahead of UTC at an instant, in seconds.
  public func offset(atEpochSeconds instant: Int64) -> Int64 {
    guard let last = transitions.last else { return recurrence?.offset(at: instant) ?? firstOffset }
    if instant >= last.epochSeconds { return recurrence?.offset(at: instant) ?? last.offset }
    // The first transition that is later than the instant.
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].epochSeconds <= instant { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? firstOffset : transitions[low - 1].offset
  }

  /// What a reading of the clocks stands for.
  enum Reading: Equatable {
    /// The instants at which they show it, earliest first: two when they are put back over it.
    case instants([Int64])
    /// They never show it, being put forward over it; what they show right afterwards.
    case skipped(next: Int64)
  }

  /// When clocks show so many microseconds since 1970 began on them.
  func reading(_ microsecondsOnClock: Int64) -> Reading {
    let seconds = microsecondsOnClock.floored(by: CivilTime.second)
    let day: Int64 = 86_400
    let offsets = Set([offset(atEpochSeconds: seconds - day), offset(atEpochSeconds: seconds + day)])
    let found = offsets.sorted(by: >).filter { offset(atEpochSeconds: seconds - $0) == $0 }
    if !found.isEmpty { return .instants(found.map { microsecondsOnClock - $0 * CivilTime.second }) }
    // Clocks only run forward over a gap, so its end can be searched for by halves.
    var (low, high) = (seconds - 2 * day, seconds + 2 * day)
    while low < high {
      let middle = (low + high).floored(by: 2)
      if middle + offset(atEpochSeconds: middle) > seconds { high = middle } else { low = middle + 1 }
    }
    return .skipped(next: (low + offset(atEpochSeconds: low)) * CivilTime.second)
  }

  /// When clocks showed for the first time what they show once more at an instant, having been put back, and when they
  /// begin to show what is new again; nil when they show it for the first time.
  ///
  /// Units: microseconds since the Unix epoch.
  func repetition(ofEpochMicroseconds instant: Int64) -> (first: Int64, end: Int64)? {
    let seconds = instant.floored(by: CivilTime.second)
    let clock = instant + offset(atEpochSeconds: seconds) * CivilTime.second
    guard case .instants(let all) = reading(clock), let first = all.first, first < instant else { return nil }
    // Clocks are put back once between the two, which can be searched for by halves.
    let start = first.floored(by: CivilTime.second)
    let before = offset(atEpochSeconds: start)
    var (low, high) = (start, seconds)
    while low < high {
      let middle = (low + high).floored(by: 2)
      if offset(atEpochSeconds: middle) != before { high = middle } else { low = middle + 1 }
    }
    return (first, low * CivilTime.second + instant - first)
  }
}

/// The zones a calendar expression may be about.
public struct TimeZoneTable: Sendable, Hashable {
  /// The machine's own.
  public var local: TimeZoneRules
  /// Others by their names, such as `Europe/Berlin`.
  public var named: [String: TimeZoneRules]

  /// Makes a table.
  public init(local: TimeZoneRules = .utc, named: [String: TimeZoneRules] = [:]) {
    self.local = local
    self.named = named
  }
}

/// Takes a zone file apart; every read past its end is nil.
private struct ZoneFileReader {
  struct Header {
    var version: Int
    var utCount: Int
    var standardCount: Int
    var leapCount: Int
    var timeCount: Int
    var typeCount: Int
    var charCount: Int

    func length(timeWidth: Int) -> Int {
      timeCount * (timeWidth + 1) + typeCount * 6 + charCount + leapCount * (timeWidth + 4) + standardCount + utCount
    }
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func header() -> Header? {
    guard bytes.count - position >= 44, Array(bytes[position..<(position + 4)]) == Array("TZif".utf8) else {
      return nil
    }
    let letter = bytes[position + 4]
    position += 20
    guard let counts = numbers(6, width: 4), counts.allSatisfy({ (0...Int64(bytes.count)).contains($0) }) else {
      return nil
    }
    return Header(
      version: letter == 0 ? 1 : Int(letter) - 48,
      utCount: Int(counts[0]),
      standardCount: Int(counts[1]),
      leapCount: Int(counts[2]),
      timeCount: Int(counts[3]),
      typeCount: Int(counts[4]),
      charCount: Int(counts[5])
    )
  }

  mutating func skip(_ count: Int) -> Bool {
    guard count <= bytes.count - position else { return false }
    position += count
    return true
  }

  /// Signed numbers, big endian.
  mutating func numbers(_ count: Int, width: Int) -> [Int64]? {
    guard count * width <= bytes.count - position else { return nil }
    var result: [Int64] = []
    for index in 0..<count {
      let start = position + index * width
      let raw = bytes[start..<(start + width)].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
      let shift = UInt64(64 - width * 8)
      result.append(Int64(bitPattern: raw << shift) >> Int64(shift))
    }
    position += count * width
    return result
  }

  mutating func types(_ count: Int) -> [(offset: Int64, isSummer: Bool)]? {
    var result: [(offset: Int64, isSummer: Bool)] = []
    for _ in 0..<count {
      guard let offset = numbers(1, width: 4), let rest = numbers(2, width: 1) else { return nil }
      result.append((offset[0], rest[0] != 0))
    }
    return result
  }

  /// The text between two line ends.
  mutating func line() -> String? {
    guard position < bytes.count, bytes[position] == 10 else { return nil }
    return String(decoding: bytes[(position + 1)...].prefix { $0 != 10 }, as: UTF8.self)
  }
}
