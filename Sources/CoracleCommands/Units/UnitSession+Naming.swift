// SPDX-License-Identifier: Apache-2.0
import FleetWire
import Units

extension UnitSession {
  /// The units that arguments name, each once: braces are expanded, and patterns stand for the units of the cluster that
  /// fit; one that fits none is told and left out.
  ///
  /// - Parameters:
  ///   - arguments: The words.
  ///   - units: The units of the cluster, when they are known; else they are listed once a pattern asks for them.
  /// - Returns: The units, in the order they were named.
  /// - Throws: ``FleetAPIError`` when units cannot be listed, ``CommandFailure`` for braces without measure.
  func references(_ arguments: [String], among units: [FleetUnit]? = nil) async throws -> [UnitReference] {
    var references: [UnitReference] = []
    var seen: Set<String> = []
    var known = units?.map(\.name)
    func add(_ reference: UnitReference) {
      if seen.insert(reference.name).inserted { references.append(reference) }
    }
    for argument in arguments {
      for word in try BraceExpansion.words(argument) {
        let reference = UnitReference(word)
        guard reference.isPattern else {
          add(reference)
          continue
        }
        let names: [String]
        if let known { names = known } else { names = try await fleet.units().map(\.name) }
        known = names
        let pattern = NamePattern(reference.name)
        let fitting = names.filter { pattern.matches($0) }
        for name in fitting { add(UnitReference(name)) }
        if fitting.isEmpty { output.errorLine("No unit matches \(word)") }
      }
    }
    return references
  }

  /// The same for a command that goes on with what is named; nil when that could not be found out, which is reported.
  func resolved(_ arguments: [String]) async -> [UnitReference]? {
    do {
      return try await references(arguments)
    } catch {
      report("Error retrieving list of units from repository: \(text(error))")
      return nil
    }
  }
}
