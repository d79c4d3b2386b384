// SPDX-License-Identifier: Apache-2.0
public import Logging
public import NIOCore
import NIOPosix

/// A client of one Docker Engine, at `unix:///PATH` or `http://HOST:PORT` (`tcp://` means `http://`).
///
/// Concurrency: safe to call from any task. Every call but the streams is bounded in time and answer size; a cancelled
/// task ends its call with ``DockerEngineError/Code/cancelled``.
public final class DockerEngineClient: Sendable {
  /// The engine's URL as given.
  public let url: String

  /// Makes a client; nothing is connected before the first call.
  ///
  /// - Throws: ``DockerEngineError/Code/badRequest`` when the URL is of no known kind.
  public init(
    url: String,
    eventLoopGroup: (any EventLoopGroup)? = nil,
    logger: Logger
  ) throws(DockerEngineError) {
    self.url = url
  }

  /// Ends every connection; the client is of no use afterwards.
  public func shutdown() async {}

  /// Starts a container; one that runs already stays as it is.
  ///
  /// - Throws: ``DockerEngineError``, `refused` when its command cannot be executed.
  public func start(_ id: ContainerID) async throws(DockerEngineError) {
    throw DockerEngineError(.unreachable, "not yet")
  }

  /// Waits until a container that was started does not run, for as long as it takes.
  ///
  /// Survives restarts of the engine. May be called for a container that ended long ago.
  ///
  /// - Throws: ``DockerEngineError/Code/notFound`` when the container is gone, `cancelled`; nothing else.
  public func wait(_ id: ContainerID) async throws(DockerEngineError) -> ContainerExit {
    throw DockerEngineError(.unreachable, "not yet")
  }

  /// Hands over a container's output line by line, from `since` until it ends.
  ///
  /// - Parameters:
  ///   - id: The container.
  ///   - since: Position of the last line already seen; nil starts at the beginning.
  ///   - output: Gets each line in the order of the log.
  /// - Throws: ``DockerEngineError``; `notFound` when the container is gone.
  public func followLogs(
    _ id: ContainerID,
    since: LogPosition?,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    throw DockerEngineError(.unreachable, "not yet")
  }

  /// Ends a container's process for certain: stop, then kill, then look whether it is gone.
  ///
  /// - Parameters:
  ///   - id: The container; one that does not run is no error.
  ///   - timeout: How long its process has between its stop signal and SIGKILL; nil takes the container's own.
  /// - Throws: ``DockerEngineError`` when it could not be ended; `notFound` when there is no such container.
  public func stop(_ id: ContainerID, timeout: Duration?) async throws(DockerEngineError) {
    throw DockerEngineError(.unreachable, "not yet")
  }

  /// Sends a signal to a container's process.
  ///
  /// - Throws: ``DockerEngineError``, `conflict` when it does not run.
  public func kill(_ id: ContainerID, signal: String) async throws(DockerEngineError) {
    throw DockerEngineError(.unreachable, "not yet")
  }

  /// Removes a container.
  ///
  /// - Throws: ``DockerEngineError``, `conflict` when it runs and `force` is off.
  public func remove(_ id: ContainerID, force: Bool, volumes: Bool) async throws(DockerEngineError) {
    throw DockerEngineError(.unreachable, "not yet")
  }

  /// Reads a container's state.
  ///
  /// - Throws: ``DockerEngineError``, `notFound` when there is no such container.
  public func inspectState(_ id: ContainerID) async throws(DockerEngineError) -> ContainerState {
    throw DockerEngineError(.unreachable, "not yet")
  }
}
