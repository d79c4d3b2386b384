// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// What a session's thread is asked to do.
enum SessionRequest: Sendable {
  /// Carries bytes between a descriptor, which the thread then owns, and a place behind the server.
  case stream(descriptor: Int32, target: StreamTarget, opened: @Sendable (SSHError?) -> Void)
  /// Runs a command.
  case run(RemoteCommand, CommandStreams, ended: @Sendable (Result<RemoteExit, SSHError>) -> Void)
  /// Serves as a proxy on a listening socket, which the thread then owns.
  case serve(ProxyDoor)
  /// Ends the session.
  case stop(stopped: @Sendable () -> Void)
}

/// The requests to a session's thread, and the bell that wakes it.
final class SessionInbox: Sendable {
  private struct State {
    var requests: [SessionRequest] = []
    /// Why no more are taken.
    var closed: SSHError?
  }

  private let state = Mutex(State())
  private let pipe: WakePipe

  /// - Throws: ``SSHError`` when the system gives no pipe.
  init() throws(SSHError) {
    guard let pipe = WakePipe() else {
      throw SSHError(.local, "cannot make a pipe: \(SSHError.reason(errno))")
    }
    self.pipe = pipe
  }

  deinit {
    Glibc.close(pipe.bell)
    Glibc.close(pipe.button)
  }

  /// Readable when a request waits.
  var bell: Int32 { pipe.bell }

  /// Hands a request over; when the session has ended, the reason why.
  func put(_ request: SessionRequest) -> SSHError? {
    let closed = state.withLock { state in
      if state.closed == nil { state.requests.append(request) }
      return state.closed
    }
    if closed == nil { _ = write(pipe.button, [1], 1) }
    return closed
  }

  /// Takes all requests that wait, and silences the bell.
  func take() -> [SessionRequest] {
    var drain = [UInt8](repeating: 0, count: 64)
    while read(pipe.bell, &drain, drain.count) > 0 {}
    return state.withLock { state in
      defer { state.requests = [] }
      return state.requests
    }
  }

  /// Takes no more requests; returns those that were waiting.
  func close(_ reason: SSHError) -> [SessionRequest] {
    state.withLock { state in
      state.closed = reason
      defer { state.requests = [] }
      return state.requests
    }
  }
}
