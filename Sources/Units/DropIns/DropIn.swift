// SPDX-License-Identifier: Apache-2.0

/// A file that adds to a unit's own, without changing who the unit is: the hash stays that of the unit's file.
///
/// Source: systemd.unit(5) "drop-in".
public struct DropIn: Sendable, Equatable {
  /// The directory it stands in: `web.service.d`, `web@.service.d`, `web-.service.d`, `service.d`.
  public var directory: String
  /// File name, such as `10-limits.conf`.
  public var name: String
  /// The file's text.
  public var text: String

  /// Makes a drop-in.
  public init(directory: String, name: String, text: String) {
    self.directory = directory
    self.name = name
    self.text = text
  }

  /// The directories in which a unit's drop-ins stand, the closest first.
  ///
  /// An instance has those of its template too, a name with dashes those of what stands before each dash, every unit those
  /// of its type.
  public static func directories(of unit: UnitName) -> [String] {
    var result = ["\(unit.rawValue).d"]
    if unit.isInstance, let template = unit.template { result.append("\(template).d") }
    let tail = unit.instance.map { "@\($0)" } ?? ""
    var prefix = unit.prefix[...]
    while let dash = prefix.dropLast().lastIndex(of: "-") {
      prefix = prefix[...dash]
      result.append("\(prefix)\(tail).\(unit.suffix).d")
      if unit.isInstance { result.append("\(prefix)@.\(unit.suffix).d") }
      while prefix.last == "-", prefix.dropLast().last == "-" { prefix = prefix.dropLast() }
    }
    return result + ["\(unit.suffix).d"]
  }

  /// The drop-ins of a unit in the order they are read: by file name; of several of one name the closest directory's, and
  /// there the first given.
  public static func selected(_ dropIns: [DropIn], for unit: UnitName) -> [DropIn] {
    var chosen: [String: DropIn] = [:]
    for directory in directories(of: unit) {
      for dropIn in dropIns where dropIn.directory == directory && dropIn.name.hasSuffix(".conf") {
        if chosen[dropIn.name] == nil { chosen[dropIn.name] = dropIn }
      }
    }
    return chosen.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension UnitFile {
  /// The file with the options of a unit's drop-ins after its own.
  ///
  /// - Parameters:
  ///   - dropIns: Drop-ins of any units; those for others are left out.
  ///   - unit: The unit.
  /// - Returns: The file, and what is wrong with drop-ins that cannot be read, which are left out.
  public func adding(_ dropIns: [DropIn], for unit: UnitName) -> (file: UnitFile, problems: [String]) {
    var file = self
    var problems: [String] = []
    for dropIn in DropIn.selected(dropIns, for: unit) {
      do {
        file.options += try UnitFile(parsing: dropIn.text).options
      } catch {
        problems.append("drop-in \(dropIn.directory)/\(dropIn.name):\(error.line): \(error)")
      }
    }
    return (file, problems)
  }
}
