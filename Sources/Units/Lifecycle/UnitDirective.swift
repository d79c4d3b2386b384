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
}

/// Which processes of a unit get a signal.
public enum SignalScope: String, Sendable, Equatable, Codable {
  /// The main and the control process, as far as they run.
  case processes
  /// Every process of the unit.
  case group
}
