// SPDX-License-Identifier: Apache-2.0

/// What kept this machine from running a unit.
public struct UnitRunnerError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure.
  public enum Code: Sendable, Equatable {
    /// The unit is not loaded.
    case notLoaded
    /// The unit is not up.
    case notActive
    /// The unit's file asks for what cannot be done.
    case badUnit
    /// Something the unit requires is missing or did not start.
    case dependency
    /// The unit's file does not allow it.
    case refused
    /// The unit did not stop.
    case notStopped
    /// The state directory cannot be used.
    case storage
    /// The unit-host cannot be started or does not answer.
    case host
    /// The supervision has ended.
    case ended
  }

  /// What kind of failure.
  public var code: Code
  /// What was being done to which unit.
  public var message: String
  /// What is underneath, if anything.
  public var cause: (any Error)?

  /// Makes an error.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The message, without the cause.
  public var description: String { message }
}
