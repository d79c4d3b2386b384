// SPDX-License-Identifier: Apache-2.0

/// Why a unit file is not accepted; the texts are fleet's own, which its clients print.
public enum UnitRequirementsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The canonical text of the options is not a unit file.
  case unparsable(UnitFileError)
  /// A peer would have to be beside the unit and away from it.
  case peerMatchesConflict(peer: String, pattern: String)
  /// A peer would have to be beside the unit and make place for it.
  case peerMatchesReplace(peer: String, pattern: String)
  /// Two options exclude each other.
  case exclusive(String, String)

  /// What is wrong.
  public var description: String {
    switch self {
    case .unparsable(let error): error.description
    case .peerMatchesConflict(let peer, let pattern):
      "unresolvable requirements: peer \"\(peer)\" matches conflict \"\(pattern)\""
    case .peerMatchesReplace(let peer, let pattern):
      "unresolvable requirements: peer \"\(peer)\" matches replace \"\(pattern)\""
    case .exclusive(let option, let other): "\(option) cannot be used with \(other)"
    }
  }
}

extension UnitFile {
  /// Checks that the options make a unit file whose requirements can be met.
  ///
  /// Specifiers are not replaced first, as in fleet. Source: specs/fleet.md §4.5.
  ///
  /// - Throws: ``UnitRequirementsError``, the first rule that does not hold.
  public func validateRequirements() throws(UnitRequirementsError) {
    do {
      _ = try UnitFile(parsing: serialized())
    } catch {
      throw .unparsable(error)
    }
    let requirements = UnitRequirements(unexpanded: self)
    for peer in requirements.peers {
      if let pattern = requirements.conflicts.first(where: { $0.matches(peer) }) {
        throw .peerMatchesConflict(peer: peer, pattern: pattern.text)
      }
      if let pattern = requirements.replaces.first(where: { $0.matches(peer) }) {
        throw .peerMatchesReplace(peer: peer, pattern: pattern.text)
      }
    }
    let present: [(name: String, isPresent: Bool)] = [
      ("MachineID", requirements.machineID != nil),
      ("Global", requirements.isGlobal),
      ("Peers", !requirements.peers.isEmpty),
      ("Conflicts", !requirements.conflicts.isEmpty),
      ("Replaces", !requirements.replaces.isEmpty),
    ]
    let used = Set(present.filter(\.isPresent).map(\.name))
    for (option, others) in Self.exclusiveRequirements where used.contains(option) {
      if let other = others.first(where: used.contains) { throw .exclusive(option, other) }
    }
  }

  /// Options of `[X-Fleet]` that mean nothing, in order, each once: worth a warning.
  public var unrecognizedRequirements: [String] {
    var names: [String] = []
    for option in options where option.section == UnitRequirements.section {
      if !UnitRequirements.optionNames.contains(option.name), !names.contains(option.name) {
        names.append(option.name)
      }
    }
    return names
  }

  private static let exclusiveRequirements: [(option: String, others: [String])] = [
    ("MachineID", ["Peers", "Conflicts", "Global", "Replaces"]),
    ("Global", ["Peers", "Replaces"]),
    ("Conflicts", ["Replaces"]),
  ]
}
