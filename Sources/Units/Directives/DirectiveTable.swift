// SPDX-License-Identifier: Apache-2.0

/// What becomes of a directive of systemd 252.
public enum DirectiveStanding: Sendable, Equatable {
  /// It does what systemd's manual says.
  case carriedOut
  /// It is accepted and nothing is done, for this reason; nobody misses it.
  case withoutEffect(String)
  /// It has no effect and its author has to know; why, where there is more to say than that nobody has built it.
  case notCarriedOut(String?)
}

/// Directives of one section with the same standing.
struct DirectiveGroup {
  let standing: DirectiveStanding
  let names: [String]

  init(_ standing: DirectiveStanding, _ names: String) {
    self.standing = standing
    self.names = names.split(whereSeparator: \.isWhitespace).map(String.init)
  }
}

/// Every directive that systemd 252 knows in `[Unit]`, `[Service]`, `[Install]`, `[Timer]`, `[Socket]` and `[Path]`, with
/// what becomes of it.
///
/// Each section's part stands in a file of its own. A reader that understands a directive asks nobody; the table answers
/// for those that no reader took, and says what exists where something is misspelt.
public enum DirectiveTable {
  /// One line of the table.
  public struct Directive: Sendable, Equatable {
    /// The section, without brackets.
    public var section: String
    /// The name.
    public var name: String
    /// What becomes of it.
    public var standing: DirectiveStanding
  }

  /// The sections in the order of the manual.
  public static let sections = ["Unit", "Service", "Install", "Timer", "Socket", "Path"]

  /// Every directive, by section, in alphabetical order.
  public static let all: [Directive] = sections.flatMap { section in
    (standings[section] ?? [:]).sorted { $0.key < $1.key }
      .map { Directive(section: section, name: $0.key, standing: $0.value) }
  }

  /// What becomes of a directive; nil when systemd 252 does not know it.
  public static func standing(section: String, name: String) -> DirectiveStanding? {
    standings[section]?[name]
  }

  /// What is to be said of a directive that no reader took.
  ///
  /// A directive that the table has as carried out and nobody took is named as not carried out: the reader is right.
  static func finding(section: String, name: String, unitType: String) -> UnitFinding {
    let ownSection = unitType.prefix(1).uppercased() + unitType.dropFirst()
    let known = unitType == "target" ? ["Unit", "Install"] : ["Unit", ownSection, "Install"]
    guard known.contains(section) else {
      return .unknownSection(section, suggestion: NearestName.of(section, among: known).map { "[\($0)]" })
    }
    // Sections of unit types that the table has not are not judged.
    guard let names = standings[section] else { return .notCarriedOut(section: section, name: name) }
    switch names[name] {
    case .withoutEffect(let reason): return .withoutEffect(section: section, name: name, reason: reason)
    case .notCarriedOut, .carriedOut: return .notCarriedOut(section: section, name: name)
    case nil:
      let place = known.first { standings[$0]?[name] != nil }
      let suggestion =
        place.map { "\(name)= in [\($0)]" } ?? NearestName.of(name, among: names.keys.sorted()).map { "\($0)=" }
      return .unknown(section: section, name: name, suggestion: suggestion)
    }
  }

  private static let standings: [String: [String: DirectiveStanding]] = [
    "Unit": byName(unit),
    "Service": byName(serviceLifecycle + execution + resourceControl + killing),
    "Install": byName(install),
    "Timer": byName(timer),
    "Socket": byName(socket + commandsOfSockets(execution + resourceControl + killing)),
    "Path": byName(path),
  ]

  private static func byName(_ groups: [DirectiveGroup]) -> [String: DirectiveStanding] {
    var result: [String: DirectiveStanding] = [:]
    for group in groups {
      for name in group.names { result[name] = group.standing }
    }
    return result
  }
}

/// Finds what a misspelt name was meant to be.
enum NearestName {
  /// The candidate with the fewest changes of one letter or two neighbours, if these are few for the name's length.
  static func of(_ name: String, among candidates: [String]) -> String? {
    let limit = max(1, min(3, name.count / 4))
    let wanted = name.lowercased()
    // Names are at least as far from each other as their lengths are.
    let near = candidates.filter { abs($0.utf8.count - wanted.utf8.count) <= limit }
    let distances = near.map { (distance: distance(wanted, $0.lowercased()), name: $0) }
    guard let nearest = distances.min(by: { $0.distance < $1.distance }), nearest.distance <= limit else { return nil }
    return nearest.name
  }

  private static func distance(_ left: String, _ right: String) -> Int {
    let (one, other) = (Array(left.utf8), Array(right.utf8))
    guard !one.isEmpty, !other.isEmpty else { return max(one.count, other.count) }
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for row in 1...one.count {
      var current = [row]
      for column in 1...other.count {
        let isSame = one[row - 1] == other[column - 1]
        var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
        if row > 1, column > 1, one[row - 1] == other[column - 2], one[row - 2] == other[column - 1] {
          best = min(best, beforeLast[column - 2] + 1)
        }
        current.append(best)
      }
      (beforeLast, last) = (last, current)
    }
    return last[other.count]
  }
}
