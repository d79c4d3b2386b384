// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Appends to units' journals and keeps them within their limits; only the unit-host has one.
///
/// Nothing is synced: what the last seconds brought is lost with the machine's power, and never with a process.
struct JournalWriter {
  /// How often age is looked at while there is something to write or not, in seconds.
  static let sweepIntervalSeconds: Int64 = 600

  let places: JournalPlaces
  var retention: JournalRetention
  /// Named in new files.
  var machineID = ""
  private var segments: [String: OpenSegment] = [:]
  private var last: JournalPosition
  private var positionDescriptor: Int32 = -1
  /// Entries of units that the disk did not take.
  private var lost: [String: Int] = [:]
  private var bytesSinceSweep = 0
  private var lastSweepSeconds: Int64?

  /// The file of a unit that is written to.
  private struct OpenSegment {
    var name: String
    var bytes: Int
    var beganEpochSeconds: Int64
  }

  /// Goes on after what was written before.
  init(places: JournalPlaces, retention: JournalRetention = JournalRetention()) {
    self.places = places
    self.retention = retention
    last = places.committedPosition() ?? .start
    // An entry whose position an earlier process could not write down any more becomes visible.
    last = max(last, JournalPosition(rawValue: epochMicroseconds()))
    commit()
  }

  /// Closes what is open; the writer is not to be used after it.
  mutating func close() {
    if positionDescriptor >= 0 { Glibc.close(positionDescriptor) }
    positionDescriptor = -1
  }

  /// Appends entries to a unit's journal.
  ///
  /// A full disk loses them, which is told in their place once there is room: a unit does not stop because its output
  /// cannot be kept.
  mutating func append(_ drafts: [JournalDraft], to unit: String) {
    guard !drafts.isEmpty else { return }
    let now = epochMicroseconds()
    var drafts = drafts
    let lostBefore = lost[unit]
    if let count = lostBefore {
      let text = "\(count) entries were lost: they could not be written"
      drafts.insert(JournalDraft(saying: text, atMicroseconds: now, level: 4), at: 0)
    }
    let first = max(now, last.rawValue + 1)
    var bytes: [UInt8] = []
    for (offset, draft) in drafts.enumerated() {
      JournalCoding.encode(draft, at: JournalPosition(rawValue: first + Int64(offset)), into: &bytes)
    }
    var segment = segment(of: unit, next: JournalPosition(rawValue: first), now: now / 1_000_000)
    if segment.bytes == 0 { bytes = JournalCoding.header(machineID: machineID, unit: unit) + bytes }
    guard write(bytes, to: segment, of: unit) else {
      lost[unit] = (lostBefore.map { $0 - 1 } ?? 0) + drafts.count
      segments[unit] = nil
      return
    }
    lost[unit] = nil
    segment.bytes += bytes.count
    segments[unit] = segment
    last = JournalPosition(rawValue: first + Int64(drafts.count) - 1)
    commit()
    bytesSinceSweep += bytes.count
    sweepIfDue(now / 1_000_000)
  }

  /// Keeps nothing in mind of a unit that is gone; its entries stay.
  mutating func forget(_ unit: String) {
    segments[unit] = nil
    lost[unit] = nil
  }

  /// How many units something is kept in mind of.
  var unitsInMind: Int { Set(segments.keys).union(lost.keys).count }

  /// Removes what is too old or too much, if it is time to look.
  mutating func sweepIfDue(_ nowEpochSeconds: Int64) {
    let isTime = lastSweepSeconds.map { abs(nowEpochSeconds - $0) >= Self.sweepIntervalSeconds } ?? true
    guard isTime || bytesSinceSweep > retention.machineBytes / 64 else { return }
    sweep(nowEpochSeconds)
  }

  /// Removes what is too old or too much.
  mutating func sweep(_ nowEpochSeconds: Int64) {
    lastSweepSeconds = nowEpochSeconds
    bytesSinceSweep = 0
    var all: [JournalRetention.Segment] = []
    for unit in places.units() {
      for name in places.segments(of: unit) {
        var status = stat()
        guard stat(places.path(name, of: unit), &status) == 0 else { continue }
        all.append(
          JournalRetention.Segment(
            unit: unit,
            // Files of an older program come first.
            name: JournalPlaces.formerNames.firstIndex(of: name).map { "\u{1}\($0)" } ?? name,
            bytes: Int(status.st_size),
            lastEpochMicroseconds: Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1_000
          )
        )
      }
    }
    for segment in retention.removals(of: all, nowEpochSeconds: nowEpochSeconds) {
      let former = segment.name.hasPrefix("\u{1}") ? Int(segment.name.dropFirst()) : nil
      let name = former.map { JournalPlaces.formerNames[$0] } ?? segment.name
      _ = unlink(places.path(name, of: segment.unit))
      if segments[segment.unit]?.name == name { segments[segment.unit] = nil }
      // Fails while others are there.
      _ = rmdir(places.directory(of: segment.unit))
    }
  }

  // MARK: Private

  /// The file that the next entries go to.
  private mutating func segment(of unit: String, next position: JournalPosition, now: Int64) -> OpenSegment {
    if let known = segments[unit] ?? recovered(unit) {
      guard retention.isFull(bytes: known.bytes, beganEpochSeconds: known.beganEpochSeconds, nowEpochSeconds: now)
      else {
        return known
      }
      // What is full now may be more than the unit may have.
      lastSweepSeconds = nil
    }
    return OpenSegment(name: JournalPlaces.segmentName(first: position), bytes: 0, beganEpochSeconds: now)
  }

  /// The file an earlier process wrote to last, without an entry that it did not get to the end of.
  private func recovered(_ unit: String) -> OpenSegment? {
    guard let name = places.segments(of: unit).last, let first = JournalPlaces.firstPosition(of: name) else {
      return nil
    }
    let descriptor = open(places.path(name, of: unit), O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { Glibc.close(descriptor) }
    let end = JournalSegment.endOfLastLine(descriptor)
    guard ftruncate(descriptor, off_t(end)) == 0 else { return nil }
    return OpenSegment(name: name, bytes: end, beganEpochSeconds: first.rawValue / 1_000_000)
  }

  /// Appends all or nothing.
  private func write(_ bytes: [UInt8], to segment: OpenSegment, of unit: String) -> Bool {
    let path = places.path(segment.name, of: unit)
    let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
    var descriptor = open(path, flags, 0o600)
    if descriptor < 0, errno == ENOENT, makeDirectories(places.directory(of: unit)) {
      descriptor = open(path, flags, 0o600)
    }
    guard descriptor >= 0 else { return false }
    defer { Glibc.close(descriptor) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        written += count
      } else if errno != EINTR {
        _ = ftruncate(descriptor, off_t(segment.bytes))
        return false
      }
    }
    return true
  }

  /// Lets readers go as far as what has been written; they see entries of all units in one order.
  private mutating func commit() {
    if positionDescriptor < 0 {
      positionDescriptor = open(places.positionFile, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    }
    guard positionDescriptor >= 0 else { return }
    var bytes = UInt64(bitPattern: last.rawValue).littleEndian
    _ = pwrite(positionDescriptor, &bytes, 8, 0)
  }
}
