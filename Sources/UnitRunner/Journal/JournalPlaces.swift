// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Where a machine's journal is kept.
///
/// Shape: below `STATE-DIR/journal` a directory for each unit, with files that are written one after the other, each named
/// by the position of its first entry, 16 hex digits and `.journal`. `STATE-DIR/journal-position` has the last position
/// that is in a file: 8 bytes, little-endian. An older program left `previous` and `current`, which come before all others.
struct JournalPlaces: Sendable, Equatable {
  static let suffix = ".journal"
  /// What an older program wrote, oldest first.
  static let formerNames = ["previous", "current"]

  let stateDirectory: String

  var directory: String { "\(stateDirectory)/journal" }
  var positionFile: String { "\(stateDirectory)/journal-position" }

  func directory(of unit: String) -> String { "\(directory)/\(unit)" }
  func path(_ segment: String, of unit: String) -> String { "\(directory)/\(unit)/\(segment)" }

  /// The units that have a journal, sorted.
  func units() -> [String] {
    directoryEntries(directory).filter { (try? UnitName($0)) != nil }.sorted()
  }

  /// The files of a unit's journal, oldest first.
  func segments(of unit: String) -> [String] {
    let names = directoryEntries(directory(of: unit))
    return Self.formerNames.filter { names.contains($0) } + names.filter { Self.firstPosition(of: $0) != nil }.sorted()
  }

  static func segmentName(first position: JournalPosition) -> String {
    UInt64(max(0, position.rawValue)).hexadecimal + suffix
  }

  /// The position a file is named by; nil for others.
  static func firstPosition(of segment: String) -> JournalPosition? {
    guard segment.hasSuffix(suffix), segment.utf8.count == 16 + suffix.utf8.count else { return nil }
    return Int64(segment.prefix(16), radix: 16).map { JournalPosition(rawValue: $0) }
  }

  /// The last position that is in a file; nil when nobody has written it down.
  func committedPosition() -> JournalPosition? {
    guard let bytes = readFile(positionFile, limitBytes: 8), bytes.count == 8 else { return nil }
    return JournalPosition(rawValue: bytes.reversed().reduce(0) { $0 << 8 | Int64($1) })
  }
}
