// SPDX-License-Identifier: Apache-2.0

/// Which of a service's two processes a command is.
public enum CommandRole: String, Sendable, Hashable, Codable, CaseIterable {
  /// The one the service is for (`ExecStart=`).
  case main
  /// One that runs before, beside or after it.
  case control
}

/// One command of a service.
public struct CommandPosition: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The stage it stands in.
  public var stage: CommandStage
  /// Its place there, from 0.
  public var index: Int

  /// Makes a position.
  public init(stage: CommandStage, index: Int) {
    self.stage = stage
    self.index = index
  }

  /// For messages: `ExecStartPre[1]`.
  public var description: String { "\(stage.rawValue)[\(index)]" }
}

/// What a ``UnitLifecycle`` wants done, in order.
public enum UnitDirective: Sendable, Equatable {
  /// Run a command; its end is told with ``UnitLifecycle/ended(_:_:at:)``.
  case run(CommandPosition, CommandRole)
  /// Send a signal.
  ///
  /// With ``SignalScope/group``, ``UnitLifecycle/groupEmptied(at:)`` is to be told as soon as no process of the unit
  /// is left, at once when there is none.
  case signal(UnixSignal, SignalScope)
  /// End the control command for certain and forget it: its end is not told.
  case dropControl
  /// Look for the main process of a service that has put itself into the background; answered with
  /// ``UnitLifecycle/mainFound(at:)`` or ``UnitLifecycle/mainMissing(groupIsEmpty:at:)``.
  case findMain(MainSearch)
  /// The process that the notification names is the main process from now on, and an earlier one is none any more.
  case takeNotifiedMain
  /// Tell ``UnitLifecycle/groupEmptied(at:)`` as soon as no process of the unit is left, at once when there is none.
  case watchGroup
  /// The service is over: its PID file is removed, if it is still there.
  case removePIDFile
}

/// Which processes of a unit get a signal.
public enum SignalScope: String, Sendable, Equatable, Codable {
  /// The main process.
  case main
  /// The main and the control process, as far as they run.
  case processes
  /// Every process of the unit.
  case group
}

/// How a main process is looked for.
public enum MainSearch: String, Sendable, Equatable, Codable {
  /// In the PID file as it is now; it may be that it is written later.
  case look
  /// In the PID file until it is there or no process of the unit is left.
  case wait
  /// Among the unit's processes: the one that descends from no other of them.
  case guess
}
