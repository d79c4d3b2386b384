// SPDX-License-Identifier: Apache-2.0
public import Units

/// What follows from looking at a roll.
public struct RollStep: Sendable, Equatable {
  /// The roll afterwards, to be stored before anything else is done; equal to the one before when nothing changed.
  public var roll: Roll
  /// Units that are to get another file, if they still have the one named first.
  public var files: [FileChange] = []

  /// A unit that is to get another file.
  public struct FileChange: Sendable, Equatable {
    /// The unit.
    public var unit: String
    /// The file it has.
    public var from: UnitHash
    /// The file it gets.
    public var to: UnitHash
  }
}

/// Decides what comes next in a roll: level-triggered, so that any engine goes on where another one died.
///
/// A copy is begun while fewer than the allowed number are not active. It gets its file, or is taken away and brought
/// back; then it has to be active, from that file and without a change, for the settling time. The first that is not stops
/// the roll; on the way back a copy that fails is noted, and the others get back what they had all the same.
///
/// Only how long something has lasted is kept here and not in the roll; a new engine measures anew.
public struct RollPlanner: Sendable {
  /// How long a copy has to be active without a change to count as healthy.
  public static let settlingTime = Duration.seconds(2)

  private struct CopyKey: Hashable {
    var roll: String
    var unit: String
    var machineID: String?
  }

  /// Since when something is as it is.
  private struct Since<Value: Equatable & Sendable>: Sendable {
    var value: Value
    var moment: Duration
  }

  /// Since when copies are in their stage, on their machine.
  private var begun: [CopyKey: Since<String>] = [:]
  /// Since when what is said about them has not changed.
  private var said: [CopyKey: Since<UInt64>] = [:]

  /// Makes a planner that has seen nothing.
  public init() {}

  /// Looks at a roll.
  ///
  /// - Parameters:
  ///   - roll: The roll as the store has it.
  ///   - sight: What is seen of its units. Machines that are not in it are lost.
  ///   - now: A clock that never goes back.
  /// - Returns: What is to be written, in this order: the roll, then files.
  public mutating func step(_ roll: Roll, _ sight: RollSight, at now: Duration) -> RollStep {
    var step = RollStep(roll: roll)
    guard !roll.phase.isAtRest else { return step }
    if roll.isGlobal { step.roll.followMachines(sight) } else { step.roll.followInstances(sight) }
    for place in step.roll.copies.indices { advance(&step, place, sight, at: now) }
    guard !step.roll.isSuperseded(sight) else {
      step.roll.phase = .superseded
      return step
    }
    step.roll.noteFailure()
    if step.roll.phase == .rolling || step.roll.isReturning { step.roll.begin(sight) }
    step.addFileChanges(sight)
    step.roll.finish(sight, &step.files)
    return step
  }

  /// Forgets rolls that are gone.
  public mutating func keep(only names: Set<String>) {
    begun = begun.filter { names.contains($0.key.roll) }
    said = said.filter { names.contains($0.key.roll) }
  }

  private mutating func advance(_ step: inout RollStep, _ place: Int, _ sight: RollSight, at now: Duration) {
    let roll = step.roll
    let copy = roll.copies[place]
    let key = CopyKey(roll: roll.name, unit: copy.unit, machineID: roll.isGlobal ? copy.machineID : nil)
    guard copy.stage.isUnderWay, let unit = sight.units[copy.unit] else {
      begun[key] = nil
      said[key] = nil
      if copy.stage.isUnderWay { step.roll.copies[place].skip("destroyed") }
      return
    }
    let machineID = sight.machineID(of: copy, isGlobal: roll.isGlobal)
    let state = sight.state(of: copy, isGlobal: roll.isGlobal)
    let stage = "\(copy.stage) \(copy.isRolled) \(copy.index) \(machineID ?? "")"
    if begun[key]?.value != stage {
      begun[key] = Since(value: stage, moment: now)
      // What had not changed for long before, may be about to.
      said[key] = nil
    }
    let index = state?.index ?? 0
    if said[key]?.value != index { said[key] = Since(value: index, moment: now) }
    if !roll.isGlobal, let machineID { step.roll.copies[place].machineID = machineID }
    let lasted = now - (said[key]?.moment ?? now)
    let verdict = roll.verdict(on: copy, unit, machineID, state, lasting: lasted)
    switch verdict {
    case .stopped:
      step.roll.copies[place].stage = .starting
      step.roll.copies[place].index = sight.index
    case .healthy:
      step.roll.copies[place].stage = .idle
      step.roll.copies[place].note = nil
    case .failed(let reason): step.roll.fail(place, reason)
    case .pending(let what):
      guard now - (begun[key]?.moment ?? now) >= roll.healthTimeout else { return }
      step.roll.fail(place, "\(what) after \(roll.healthTimeout.wholeSecondsText)")
    }
  }
}

extension RollStep {
  /// Gives units the file that their copies are to have.
  fileprivate mutating func addFileChanges(_ sight: RollSight) {
    guard let hash = roll.hash, !roll.isGlobal else { return }
    for place in roll.copies.indices where roll.copies[place].stage == .starting {
      let copy = roll.copies[place]
      guard let unit = sight.units[copy.unit] else { continue }
      let (old, new) = copy.isRolled ? (copy.oldHash, hash) : (hash, copy.oldHash)
      guard unit.hash != new else { continue }
      if unit.hash == old {
        files.append(FileChange(unit: copy.unit, from: old, to: new))
      } else {
        roll.copies[place].skip("somebody else gave it another file")
      }
    }
  }
}

extension Duration {
  /// `30s`, or with milliseconds when there are any.
  fileprivate var wholeSecondsText: String {
    let (seconds, attoseconds) = components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    return milliseconds == 0 ? "\(seconds)s" : "\(seconds * 1_000 + milliseconds)ms"
  }
}
