// SPDX-License-Identifier: Apache-2.0
import FleetWire
import Units

extension UnitSession {
  /// The units that arguments name, each once: braces are expanded, and patterns stand for the units of the cluster that
  /// fit; one that fits none is told and left out.
  ///
  /// - Throws: ``FleetAPIError`` when units cannot be listed, ``CommandFailure`` for braces without measure.
  func references(_ arguments: [String]) async throws -> [UnitReference] {
    var references: [UnitReference] = []
    var known: [String]?
    func add(_ reference: UnitReference) {
      if !references.contains(where: { $0.name == reference.name }) { references.append(reference) }
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
