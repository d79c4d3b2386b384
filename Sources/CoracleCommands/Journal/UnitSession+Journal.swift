// SPDX-License-Identifier: Apache-2.0
import FleetWire
import Units

/// What `coracle unit journal` is asked for.
struct JournalWish: Equatable, Sendable {
  /// How many of the last entries are shown before following, unless something else is said.
  static let usualLines = 10
  /// The most last entries that can be asked for.
  static let maximumLines = 100_000

  /// Names, templates and patterns, as the command line has them.
  var words: [String]
  /// How many of the last entries; nil is all when a time is given, else ``usualLines``.
  var lines: Int?
  var follows = false
  var sinceMicroseconds: Int64?
  var untilMicroseconds: Int64?
  /// The machine, by the beginning of its id or its address; nil for all.
  var machine: String?
  var style = JournalStyle.short

  /// How many entries are shown of what is there; nil for all.
  var effectiveLines: Int? {
    lines ?? (sinceMicroseconds == nil && untilMicroseconds == nil ? Self.usualLines : nil)
  }
}

extension UnitSession {
  /// `coracle unit journal`: entries of units from all machines by their times, and those to come.
  func journals(_ wish: JournalWish, nowMicroseconds: Int64) async -> Int32 {
    guard let journals else { return report("This connection cannot read journals of several units.") }
    let machines: [FleetMachine]
    let selection: JournalSelection
    var text = JournalText(style: wish.style, namesSources: false)
    do {
      selection = try Self.selection(wish.words)
      machines = try await self.machines(wish.machine)
      text.namesSources = await namesSources(selection)
    } catch {
      return report(self.text(error))
    }
    let query = JournalQuery(
      units: selection.words,
      sinceMicroseconds: wish.sinceMicroseconds,
      untilMicroseconds: wish.untilMicroseconds,
      lines: wish.effectiveLines
    )
    let history = await JournalHistory(journals: journals, machines: machines.map(\.id)).read(query) { record in
      output.line(text.line(record))
    }
    for (machine, error) in history.failures.sorted(by: { $0.key < $1.key }) {
      output.errorLine("Machine \(machine.prefix(8)) cannot be asked: \(self.text(error))")
    }
    let unknown = await unknownUnits(selection, seen: history.units)
    for name in unknown { report("Unit \(name) does not exist.") }
    guard unknown.isEmpty else { return Self.failed }
    guard wish.follows else {
      if history.units.isEmpty, history.failures.isEmpty { output.errorLine("-- No entries --") }
      return history.failures.isEmpty ? Self.done : Self.failed
    }
    await JournalFollowing(
      session: self,
      journals: journals,
      selection: selection,
      onlyMachine: wish.machine == nil ? nil : machines.first?.id,
      sinceMicroseconds: wish.sinceMicroseconds,
      startMicroseconds: nowMicroseconds,
      cursors: history.cursors,
      text: text
    ).run()
    return Self.done
  }

  private static func selection(_ words: [String]) throws(CommandFailure) -> JournalSelection {
    var names: [String] = []
    for argument in words {
      for word in try BraceExpansion.words(argument) {
        let name = UnitReference(word).name
        if !names.contains(name) { names.append(name) }
      }
    }
    guard names.count <= JournalSelection.maximumWords else {
      throw CommandFailure("more than \(JournalSelection.maximumWords) units are named; use a pattern")
    }
    return JournalSelection(names)
  }

  private func machines(_ wanted: String?) async throws -> [FleetMachine] {
    let all = try await fleet.machines()
    guard let wanted else { return all }
    let meant = all.meant(by: wanted)
    guard let machine = meant.first else { throw CommandFailure("Machine \(wanted) is not present.") }
    guard meant.count == 1 else { throw CommandFailure("Machine \(wanted) may be any of \(meant.count).") }
    return [machine]
  }

  /// Whether lines may come from several units or from machines at the same time.
  private func namesSources(_ selection: JournalSelection) async -> Bool {
    guard selection.isOneName, let name = selection.plainNames.first else { return true }
    guard let unit = try? await fleet.unit(named: name) else { return false }
    return UnitRequirements(of: unit.file, unitName: name).isGlobal
  }

  /// The units that are named, have no entry, and that nobody knows.
  private func unknownUnits(_ selection: JournalSelection, seen: Set<String>) async -> [String] {
    var unknown: [String] = []
    for name in selection.plainNames where !seen.contains(name) {
      do throws(FleetAPIError) {
        _ = try await fleet.unit(named: name)
      } catch .notFound {
        unknown.append(name)
      } catch {
        // Not knowing is no reason to say that it does not exist.
      }
    }
    return unknown
  }
}
