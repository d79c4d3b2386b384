// SPDX-License-Identifier: Apache-2.0

/// How much of the journals is kept, and which of their files go first.
///
/// Shape: a unit's journal is a row of files (segments), of which only the newest is written to.
public struct JournalRetention: Sendable, Equatable, Codable {
  /// Most that one unit's files take.
  public var unitBytes: Int
  /// Most that the files of all units take, those of units that are gone included.
  public var machineBytes: Int
  /// How old an entry becomes.
  public var ageSeconds: Int64

  /// Makes limits; the defaults are what a node keeps.
  public init(unitBytes: Int = 8 << 20, machineBytes: Int = 1 << 30, ageSeconds: Int64 = 30 * 86_400) {
    self.unitBytes = unitBytes
    self.machineBytes = machineBytes
    self.ageSeconds = ageSeconds
  }

  /// Where a file ends: a quarter of what a unit may have, so that at least three quarters are kept at any time.
  public var segmentBytes: Int { max(1, unitBytes / 4) }
  /// How long a file is written to, so that age can be told from whole files.
  public var segmentSeconds: Int64 { max(1, ageSeconds / 30) }

  /// A file of a unit's journal.
  public struct Segment: Sendable, Equatable {
    /// The unit.
    public var unit: String
    /// The file's name; those of a unit are older the lower they sort.
    public var name: String
    /// Its size.
    public var bytes: Int
    /// When it was last written to, microseconds since the Unix epoch.
    public var lastEpochMicroseconds: Int64

    /// Describes a file.
    public init(unit: String, name: String, bytes: Int, lastEpochMicroseconds: Int64) {
      self.unit = unit
      self.name = name
      self.bytes = bytes
      self.lastEpochMicroseconds = lastEpochMicroseconds
    }
  }

  /// Whether the next entries begin a new file.
  public func isFull(bytes: Int, beganEpochSeconds: Int64, nowEpochSeconds: Int64) -> Bool {
    bytes >= segmentBytes || nowEpochSeconds - beganEpochSeconds >= segmentSeconds
  }

  /// The files to be removed: what is too old, then of each unit the oldest, then of the machine those that were left alone
  /// longest.
  ///
  /// A unit's newest file stays unless it is too old or the machine's limit asks for it.
  public func removals(of segments: [Segment], nowEpochSeconds: Int64) -> [Segment] {
    var removed: [Segment] = []
    var kept: [Segment] = []
    for segment in segments {
      if nowEpochSeconds - segment.lastEpochMicroseconds / 1_000_000 > ageSeconds {
        removed.append(segment)
      } else {
        kept.append(segment)
      }
    }
    let units = Dictionary(grouping: kept, by: \.unit)
    kept = []
    for unit in units.keys.sorted() {
      let files = (units[unit] ?? []).sorted { $0.name < $1.name }
      var bytes = files.reduce(0) { $0 + $1.bytes }
      for (offset, file) in files.enumerated() {
        if bytes > unitBytes, offset < files.count - 1 {
          bytes -= file.bytes
          removed.append(file)
        } else {
          kept.append(file)
        }
      }
    }
    var bytes = kept.reduce(0) { $0 + $1.bytes }
    let byAge = kept.sorted {
      ($0.lastEpochMicroseconds, $0.unit, $0.name) < ($1.lastEpochMicroseconds, $1.unit, $1.name)
    }
    for file in byAge where bytes > machineBytes {
      bytes -= file.bytes
      removed.append(file)
    }
    return removed
  }
}
