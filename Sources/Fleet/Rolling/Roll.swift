// SPDX-License-Identifier: Apache-2.0
public import Units

/// A restart or an update of all copies of a unit, a few at a time: what is to be done, and how far it is.
///
/// The copies are a template's instances, or a global unit's machines. It is kept in the store as a whole, so that any
/// engine goes on with it and everybody can see it.
public struct Roll: Sendable, Equatable {
  /// Where a roll stands.
  public enum Phase: String, Sendable, CaseIterable {
    /// Going on. Can transition to: paused, stopped, done, superseded, rolling-back.
    case rolling
    /// Somebody wants no further copy begun. Can transition to: rolling, superseded, rolling-back.
    case paused
    /// A copy failed. Can transition to: rolling, superseded, rolling-back.
    case stopped
    /// Every copy has what it was to get. Can transition to: rolling-back, superseded.
    case done
    /// Every copy that was rolled gets back what it had. Can transition to: rolled-back, superseded.
    case rollingBack = "rolling-back"
    /// Every copy has what it had. Final.
    case rolledBack = "rolled-back"
    /// Somebody else gave the unit another file, or destroyed it. Final.
    case superseded
  }

  /// The template or unit, as it was asked for.
  public var name: String
  /// Whether the copies are machines of a global unit.
  public var isGlobal: Bool
  /// The file that copies get; nil restarts them with the one they have.
  public var hash: UnitHash?
  /// How many copies may be not active at once; at least one.
  public var maxUnavailable: Int
  /// How long a copy may take to stop, and then to be active.
  public var healthTimeout: Duration
  /// Where it stands.
  public var phase: Phase
  /// What is rolled, by unit and machine; a global unit's machines join as they are met.
  public var copies: [RollCopy]
  /// Which copy failed first; nil when none did.
  public var failure: RollFailure?

  /// How many copies a roll may have.
  public static let maximumCopies = 2_000

  /// Makes a roll that begins.
  ///
  /// - Parameters:
  ///   - name: The template or unit.
  ///   - isGlobal: Whether it is a global unit.
  ///   - hash: The file that copies get; nil restarts them.
  ///   - maxUnavailable: How many copies may be not active at once.
  ///   - healthTimeout: How long one may take.
  ///   - copies: The units with the files they have; for a global unit the unit, without a machine.
  public init(
    name: String,
    isGlobal: Bool,
    hash: UnitHash?,
    maxUnavailable: Int,
    healthTimeout: Duration,
    copies: [RollCopy]
  ) {
    self.name = name
    self.isGlobal = isGlobal
    self.hash = hash
    self.maxUnavailable = max(maxUnavailable, 1)
    self.healthTimeout = healthTimeout
    phase = .rolling
    self.copies = copies.sorted()
    failure = nil
  }

  // MARK: What users ask for

  /// Whether the roll may be forgotten for another one of the same unit.
  public var isOver: Bool {
    switch phase {
    case .done, .rolledBack, .superseded: true
    case .stopped, .paused: hash == nil && !copies.contains { $0.stage.isUnderWay }
    case .rolling, .rollingBack: false
    }
  }

  /// Whether something still happens by itself.
  public var isGoingOn: Bool {
    switch phase {
    case .rolling, .rollingBack: true
    case .paused, .stopped: copies.contains { $0.stage.isUnderWay }
    case .done, .rolledBack, .superseded: false
    }
  }

  /// Has no further copy begun, while those under way are finished.
  ///
  /// - Returns: Whether that could be.
  public mutating func pause() -> Bool {
    guard phase == .rolling else { return false }
    phase = .paused
    return true
  }

  /// Goes on where it stopped, beginning anew with what failed; until its turn comes that keeps what it has.
  ///
  /// - Returns: Whether that could be.
  public mutating func resume() -> Bool {
    guard phase == .paused || phase == .stopped else { return false }
    phase = .rolling
    failure = nil
    for place in copies.indices where copies[place].stage == .failed { copies[place].note = nil }
    return true
  }

  /// Has every copy that was rolled get back what it had, first of all those under way, which are as good as down.
  ///
  /// - Returns: Whether that could be.
  public mutating func rollBack() -> Bool {
    guard hash != nil else { return false }
    switch phase {
    case .rolling, .paused, .stopped, .done: break
    case .rollingBack, .rolledBack, .superseded: return false
    }
    // Once it is done, whoever comes back runs the new file, also if it was away when it would have been its turn.
    if phase == .done, isGlobal { for place in copies.indices { copies[place].isRolled = true } }
    phase = .rollingBack
    failure = nil
    for place in copies.indices where copies[place].stage != .skipped {
      copies[place].note = nil
      if copies[place].stage.isUnderWay {
        copies[place].isRolled = false
        copies[place].stage = .starting
      } else {
        copies[place].stage = .idle
      }
    }
    return true
  }

  // MARK: What copies are to run

  /// Files that must be kept for this roll, or for its way back.
  public var files: Set<UnitHash> {
    guard phase != .rolledBack, phase != .superseded, let hash else { return [] }
    return Set(copies.map(\.oldHash)).union([hash])
  }

  /// What a machine is to do about its copy, other than what the unit's own keys say.
  ///
  /// - Parameters:
  ///   - unit: The unit.
  ///   - machineID: The machine that has it.
  ///   - present: The file that the unit's own key names.
  /// - Returns: The directive; nil for none.
  public func directive(for unit: String, on machineID: String, present: UnitHash?) -> RollDirective? {
    guard !phase.isAtRest, let copy = copy(of: unit, on: machineID) else { return nil }
    if copy.stage == .stopping { return .stayAway }
    // Units that are not global are given their file by their own keys.
    guard isGlobal, let hash, present == hash || present == copy.oldHash else { return nil }
    return .run(copy.isRolled ? hash : copy.oldHash)
  }

  func copy(of unit: String, on machineID: String?) -> RollCopy? {
    copies.first { $0.unit == unit && (!isGlobal || $0.machineID == machineID) }
  }

  /// Whether the copies are on their way back.
  var isReturning: Bool { phase == .rollingBack }
}

extension Roll.Phase {
  /// Whether nothing can follow.
  public var isFinal: Bool { self == .rolledBack || self == .superseded }
  /// Whether there is nothing to do before somebody asks for it.
  public var isAtRest: Bool { isFinal || self == .done }
}

/// What a machine is to do about its copy while it is rolled.
public enum RollDirective: Sendable, Equatable {
  /// Not to have the unit.
  case stayAway
  /// To run it from this file.
  case run(UnitHash)
}

/// One unit on one machine, as it is rolled.
public struct RollCopy: Sendable, Equatable, Comparable {
  /// How far a copy is.
  public enum Stage: String, Sendable, CaseIterable {
    /// Nothing is under way. Can transition to: stopping, starting, skipped.
    case idle
    /// It has to be gone first. Can transition to: starting, failed, skipped.
    case stopping
    /// It is to become active with its file. Can transition to: idle, failed, skipped.
    case starting
    /// It did not get there; without a note it waits for another try. Can transition to: stopping, starting, idle, skipped.
    case failed
    /// Somebody else changed or destroyed it, so it is left alone. Final.
    case skipped

    /// Whether the copy counts as not active.
    public var isUnderWay: Bool { self == .stopping || self == .starting }
  }

  /// The unit.
  public var unit: String
  /// A global unit's machine; for others where it was last seen.
  public var machineID: String?
  /// The file it had.
  public var oldHash: UnitHash
  /// Whether it is to have, or has got, what the roll brings.
  public var isRolled: Bool
  /// How far it is.
  public var stage: Stage
  /// The store's index when it came there: what was published before says nothing.
  public var index: UInt64
  /// Why it failed or was skipped.
  public var note: String?

  /// Makes a copy that waits for its turn.
  public init(
    unit: String,
    machineID: String? = nil,
    oldHash: UnitHash,
    isRolled: Bool = false,
    stage: Stage = .idle,
    index: UInt64 = 0,
    note: String? = nil
  ) {
    self.unit = unit
    self.machineID = machineID
    self.oldHash = oldHash
    self.isRolled = isRolled
    self.stage = stage
    self.index = index
    self.note = note
  }

  /// Orders by unit, then by machine.
  public static func < (left: RollCopy, right: RollCopy) -> Bool {
    (left.unit, left.machineID ?? "") < (right.unit, right.machineID ?? "")
  }
}

/// A copy that did not become active in time.
public struct RollFailure: Sendable, Equatable {
  /// The unit.
  public var unit: String
  /// The machine that had it; nil when it was on none.
  public var machineID: String?
  /// What happened.
  public var reason: String

  /// Makes a failure.
  public init(unit: String, machineID: String?, reason: String) {
    self.unit = unit
    self.machineID = machineID
    self.reason = reason
  }
}
