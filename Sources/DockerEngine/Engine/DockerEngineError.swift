// SPDX-License-Identifier: Apache-2.0

/// What went wrong between us and a Docker Engine.
public struct DockerEngineError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure; decides whether to try again and which exit code a command gets.
  public enum Code: Sendable, Equatable {
    /// No engine answers at the URL, or the connection broke off.
    case unreachable
    /// The container, image or network is not there (404).
    case notFound
    /// The name is taken, or the container is in the wrong state for this (409).
    case conflict
    /// The engine refused the request (other 4xx).
    case refused
    /// The engine failed at it (5xx).
    case engineFailure
    /// The engine's answer was not understood, or exceeded a limit.
    case badAnswer
    /// The engine did not answer in time.
    case timedOut
    /// The image could not be pulled.
    case pullFailed
    /// A file named on the command line could not be read or written.
    case file
    /// The command line asks for what cannot be done.
    case badRequest
    /// The caller's task was cancelled.
    case cancelled
  }

  /// What kind of failure.
  public var code: Code
  /// What was being done to which object, with the engine's own words where it gave any.
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
