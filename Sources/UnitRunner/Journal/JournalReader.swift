// SPDX-License-Identifier: Apache-2.0
import Glibc
public import Units

/// Reads the entries of some units of this machine in the order in which they were written, batch by batch.
///
/// It holds no file open and little in memory, however much there is to read; what is removed meanwhile it goes past.
/// Everything blocks for as long as the disk takes.
public struct JournalReader: Sendable {
  /// What is read.
  public struct Request: Sendable, Equatable {
    /// The units.
    public var selection: JournalSelection
    /// Only entries after it; nil for all.
    public var after: JournalPosition?
    /// Only entries up to it; nil for those that are there when the reading begins, or when it follows, for all.
    public var end: JournalPosition?
    /// Only entries of this time or later, microseconds since the Unix epoch.
    public var sinceMicroseconds: Int64?
    /// Only entries of this time or earlier.
    public var untilMicroseconds: Int64?
    /// Only the last so many of all of these; nil for all.
    public var lines: Int?
    /// Whether entries to come are wanted too.
    public var follows: Bool

    /// Describes a reading.
    public init(
      selection: JournalSelection,
      after: JournalPosition? = nil,
      end: JournalPosition? = nil,
      sinceMicroseconds: Int64? = nil,
      untilMicroseconds: Int64? = nil,
      lines: Int? = nil,
      follows: Bool = false
    ) {
      self.selection = selection
      self.after = after
      self.end = end
      self.sinceMicroseconds = sinceMicroseconds
      self.untilMicroseconds = untilMicroseconds
      self.lines = lines
      self.follows = follows
    }
  }

  /// Most entries of a batch.
  public static let batchEntries = 500
  /// Bytes of messages after which a batch ends.
  public static let batchBytes = 64 << 10
  /// Most units that are read at once.
  public static let unitLimit = 4_096
  /// Entries that are passed over before an empty batch is returned.
  private static let passedLimit = 20_000
  /// What the units' buffers take together.
  private static let bufferBytes = 4 << 20

  private let places: JournalPlaces
  private let machineID: String
  private let request: Request
  private var end: JournalPosition?
  private var cursor: JournalPosition
  private var units: [UnitJournalReading] = []
  private var knownUnits: Set<String> = []
  private var drainedAt: JournalPosition?

  /// Begins; the files are looked at already.
  init(places: JournalPlaces, machineID: String, request: Request) {
    self.places = places
    self.machineID = machineID
    self.request = request
    let committed = places.committedPosition() ?? .end
    end = request.end ?? (request.follows ? nil : committed)
    cursor = request.after ?? .start
    if let since = request.sinceMicroseconds { cursor = max(cursor, JournalPosition(rawValue: max(0, since - 1))) }
    if let lines = request.lines {
      let tail = JournalTail.start(of: lines, request, cursor: cursor, end: min(end ?? .end, committed), in: places)
      cursor = max(cursor, tail)
    }
  }

  /// Where the reading stands, without an entry.
  public var standing: JournalBatch { batch([], isAtEnd: false) }

  /// The next entries; none when there are none now.
  public mutating func read() -> JournalBatch {
    // What is in the files by now is complete up to here, whatever unit it is of.
    let committed = places.committedPosition() ?? .end
    if drainedAt == committed, committed != .end { return batch([], isAtEnd: true) }
    let limit = min(committed, end ?? .end)
    findUnits()
    let bytesEach = max(4 << 10, min(JournalSegment.blockBytes, Self.bufferBytes / max(1, units.count)))
    for index in units.indices { units[index].fill(places, bytesEach) }
    var records: [JournalRecord] = []
    var bytes = 0
    var passed = 0
    while records.count < Self.batchEntries, bytes < Self.batchBytes, passed < Self.passedLimit {
      guard let index = firstUnit(upTo: limit), let record = units[index].take(places, bytesEach) else {
        if limit != .end { cursor = max(cursor, limit) }
        drainedAt = committed
        return batch(records, isAtEnd: true)
      }
      cursor = max(cursor, record.position)
      guard isWanted(record.epochMicroseconds) else {
        passed += 1
        continue
      }
      bytes += record.message.count
      records.append(record)
    }
    drainedAt = nil
    return batch(records, isAtEnd: false)
  }

  private func batch(_ records: [JournalRecord], isAtEnd: Bool) -> JournalBatch {
    JournalBatch(records: records, cursor: cursor, end: end == .end ? nil : end, isAtEnd: isAtEnd)
  }

  private func isWanted(_ time: Int64) -> Bool {
    time >= request.sinceMicroseconds ?? .min && time <= request.untilMicroseconds ?? .max
  }

  private func firstUnit(upTo limit: JournalPosition) -> Int? {
    var first: (index: Int, position: JournalPosition)?
    for (index, unit) in units.enumerated() {
      guard let position = unit.nextPosition, position <= limit else { continue }
      if first.map({ position < $0.position }) ?? true { first = (index, position) }
    }
    return first?.index
  }

  private mutating func findUnits() {
    guard units.count < Self.unitLimit else { return }
    let names = request.selection.isOneName ? request.selection.plainNames : places.units()
    for name in names where request.selection.matches(name) && !knownUnits.contains(name) {
      guard units.count < Self.unitLimit else { return }
      guard access(places.directory(of: name), F_OK) == 0 else { continue }
      knownUnits.insert(name)
      units.append(UnitJournalReading(unit: name, after: cursor, machineID: machineID))
    }
  }
}

/// Where the reading of one unit's journal stands.
struct UnitJournalReading: Sendable {
  let unit: String
  private let after: JournalPosition
  private let ownMachineID: String
  private var machineID: String
  /// The file that is read; nil before the first, or when there is none yet.
  private var segment: String?
  private var offset = 0
  /// What was read and not taken yet, last first.
  private var pending: [JournalRecord] = [] {
    didSet { nextPosition = pending.last?.position }
  }
  /// The place of the entry that is taken next; nil when none is waiting.
  private(set) var nextPosition: JournalPosition?

  init(unit: String, after: JournalPosition, machineID: String) {
    self.unit = unit
    self.after = after
    ownMachineID = machineID
    self.machineID = machineID
  }

  mutating func take(_ places: JournalPlaces, _ bytes: Int) -> JournalRecord? {
    let record = pending.popLast()
    if pending.isEmpty { fill(places, bytes) }
    return record
  }

  /// Reads on when nothing is waiting.
  mutating func fill(_ places: JournalPlaces, _ bytes: Int) {
    guard pending.isEmpty else { return }
    if segment == nil, !begin(places) { return }
    while let current = segment {
      if readBlock(places.path(current, of: unit), isFormer: JournalPlaces.firstPosition(of: current) == nil, bytes) {
        if pending.isEmpty { continue }
        return
      }
      // A later file was begun after the last entry of this one, so this one is looked at once more before it is left.
      let names = places.segments(of: unit)
      guard let next = names.drop(while: { $0 != current }).dropFirst().first ?? later(than: current, among: names)
      else { return }
      if readBlock(places.path(current, of: unit), isFormer: JournalPlaces.firstPosition(of: current) == nil, bytes) {
        if pending.isEmpty { continue }
        return
      }
      enter(next, at: 0, places)
    }
  }

  /// The first file after one that has been removed.
  private func later(than segment: String, among names: [String]) -> String? {
    guard !names.contains(segment) else { return nil }
    guard let first = JournalPlaces.firstPosition(of: segment) else { return names.first }
    return names.first { JournalPlaces.firstPosition(of: $0).map { $0 > first } ?? false }
  }

  private mutating func begin(_ places: JournalPlaces) -> Bool {
    let names = places.segments(of: unit)
    guard !names.isEmpty else { return false }
    // Files of an older program are small and read whole, unless all that is wanted is in later ones.
    let index = names.lastIndex { name in JournalPlaces.firstPosition(of: name).map { $0 <= after } ?? false }
    let name = names[index ?? 0]
    enter(name, at: index == nil ? 0 : JournalSegment.offset(after: after, in: places.path(name, of: unit)), places)
    return true
  }

  private mutating func enter(_ name: String, at start: Int, _ places: JournalPlaces) {
    segment = name
    offset = start
    machineID = ownMachineID
    let beginning = JournalSegment.read(places.path(name, of: unit), from: 0, count: 512) ?? []
    if let end = beginning.firstIndex(of: UInt8(ascii: "\n")) {
      machineID = JournalCoding.machineID(inHeader: beginning[..<end]) ?? ownMachineID
    }
  }

  /// Reads the lines that are complete; false when there is none, or the file has gone.
  private mutating func readBlock(_ path: String, isFormer: Bool, _ bytes: Int) -> Bool {
    var count = bytes
    while true {
      guard let block = JournalSegment.read(path, from: offset, count: count), !block.isEmpty else { return false }
      guard let end = block.lastIndex(of: UInt8(ascii: "\n")) else {
        // A line longer than the block, or one that is being written; nothing of ours is longer than the limit.
        if block.count < count { return false }
        if count < JournalCoding.lineLimitBytes {
          count = JournalCoding.lineLimitBytes
        } else {
          offset += block.count
        }
        continue
      }
      offset += end + 1
      for line in block[..<end].split(separator: UInt8(ascii: "\n")).reversed() {
        let record = JournalCoding.decode(line, unit: unit, machineID: machineID, isFormer: isFormer)
        if let record, record.position > after { pending.append(record) }
      }
      return true
    }
  }
}

/// The last entries of several units.
enum JournalTail {
  /// The position before the last so many entries; `end` for none, the cursor when there are not so many.
  static func start(
    of lines: Int,
    _ request: JournalReader.Request,
    cursor: JournalPosition,
    end: JournalPosition,
    in places: JournalPlaces
  ) -> JournalPosition {
    guard lines > 0 else { return end == .end ? JournalPosition(rawValue: epochMicroseconds()) : end }
    let names = request.selection.isOneName ? request.selection.plainNames : places.units()
    // The greatest positions so far; more of them than are wanted, so that sorting is rare.
    var positions: [JournalPosition] = []
    var least: JournalPosition?
    func cut() {
      positions.sort(by: >)
      positions.removeLast(max(0, positions.count - lines))
      if positions.count == lines { least = positions.last }
    }
    for name in names.filter({ request.selection.matches($0) }).prefix(JournalReader.unitLimit) {
      for segment in places.segments(of: name).reversed() {
        let isFormer = JournalPlaces.firstPosition(of: segment) == nil
        let goesOn = JournalSegment.backwards(places.path(segment, of: name), isFormer: isFormer) { position, time in
          guard position > cursor, position > least ?? .start else { return false }
          guard position <= end, time >= request.sinceMicroseconds ?? .min, time <= request.untilMicroseconds ?? .max
          else { return true }
          positions.append(position)
          if positions.count >= 2 * lines + 1_000 { cut() }
          return true
        }
        guard goesOn else { break }
      }
      cut()
    }
    guard positions.count == lines, let first = positions.last else { return cursor }
    return JournalPosition(rawValue: first.rawValue - 1)
  }
}
