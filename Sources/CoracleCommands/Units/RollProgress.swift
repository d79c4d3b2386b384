// SPDX-License-Identifier: Apache-2.0
import Fleet
import Units

/// What has been told of a roll, so that only what is new is told.
struct RollProgress {
  private struct Key: Hashable {
    var unit: String
    var machineID: String?
  }

  private struct Told: Equatable {
    var isRolled: Bool
    var stage: RollCopy.Stage
  }

  private var told: [Key: Told] = [:]

  /// The lines for copies that are further than before.
  mutating func lines(_ roll: Roll, _ machines: MachineNames) -> [String] {
    var lines: [String] = []
    for copy in roll.shownCopies {
      let key = Key(unit: copy.unit, machineID: roll.isGlobal ? copy.machineID : nil)
      let now = Told(isRolled: copy.isRolled, stage: copy.stage)
      let before = told[key] ?? Told(isRolled: false, stage: .idle)
      told[key] = now
      if now != before { lines.append(Self.line(copy, roll, machines)) }
    }
    return lines
  }

  /// `Unit web@1.service on 1f2e3d4c.../10.0.0.1: rolled`.
  static func line(_ copy: RollCopy, _ roll: Roll, _ machines: MachineNames) -> String {
    let place = copy.machineID.map { " on \(machines.text($0))" } ?? ""
    return "Unit \(copy.unit)\(place): \(copy.word(roll))" + (copy.note.map { ": \($0)" } ?? "")
  }

  static func line(_ failure: RollFailure, _ machines: MachineNames) -> String {
    let place = failure.machineID.map { " on \(machines.text($0))" } ?? ""
    return "Unit \(failure.unit)\(place): \(failure.reason)"
  }
}

extension RollCopy {
  fileprivate func word(_ roll: Roll) -> String {
    switch stage {
    case .idle: isRolled ? (roll.hash == nil ? "restarted" : "rolled") : note == nil ? "as it was" : "back, and failed"
    case .stopping: "stopping"
    case .starting: "starting"
    case .failed: "failed"
    case .skipped: "skipped"
    }
  }
}

extension Roll {
  /// Copies without the one that only stands for a global unit's file.
  var shownCopies: [RollCopy] { copies.filter { !isGlobal || $0.machineID != nil } }

  /// `2 of 5 rolled, 1 under way`.
  var summary: String {
    let copies = shownCopies
    let rolled = copies.count { $0.isRolled && $0.stage == .idle }
    let underWay = copies.count { $0.stage.isUnderWay }
    let what = hash == nil ? "restarted" : "rolled"
    return "\(rolled) of \(copies.count) \(what)" + (underWay == 0 ? "" : ", \(underWay) under way")
  }

  /// `Rolling web@.service from 1234567 to 89abcde, 1 at a time`.
  var heading: String {
    let pace = "\(maxUnavailable) at a time"
    guard let hash else { return "Restarting \(name), \(pace)" }
    let old = Set(copies.map(\.oldHash.short)).subtracting([hash.short]).sorted().joined(separator: ", ")
    return phase == .rollingBack
      ? "Rolling \(name) back to \(old), \(pace)" : "Rolling \(name) from \(old) to \(hash.short), \(pace)"
  }
}
