// SPDX-License-Identifier: Apache-2.0
import CLibSSH2
import Glibc

/// Carries bytes between a channel and descriptors of this side.
///
/// Concurrency: used by the session's thread.
final class ChannelPump {
  /// What is asked of the server before bytes are carried.
  enum Step {
    case terminal(RemoteTerminal)
    case shell
    case command(String)
  }

  private enum Phase {
    case starting
    case moving
    /// The command's output has ended, its status has not come yet.
    case awaitingClose
    case closing
    case ended
  }

  private let channel: OpaquePointer
  private let link: SSHLink
  private var steps: [Step]
  private var phase = Phase.starting
  private var input: LocalEnd?
  /// The channel's outputs; a stream has one, a command two.
  private let outlets: [Outlet]
  private let signals: TerminalSignals?
  /// The socket that is input and output of a stream, closed at the end; nil for a command, whose descriptors stay open.
  private let socket: Int32?
  private let finished: (Result<RemoteExit, SSHError>) -> Void
  private var wasToldEnd = false

  private var toServer = ByteQueue()
  private var hasServerEnded = false
  private var hasToldServerEnd = false
  private var hasShutOutput = false
  private var buffer = [UInt8](repeating: 0, count: 32_768)

  /// A stream between a socket, which is then this pump's, and a place behind the server.
  ///
  /// The socket is sent `firstBytes` before all else; `steps` lead to the place, if the channel itself does not.
  init(stream descriptor: Int32, over channel: OpaquePointer, of link: SSHLink, firstBytes: [UInt8], steps: [Step] = [])
  {
    self.channel = channel
    self.link = link
    self.steps = steps
    socket = descriptor
    signals = nil
    input = LocalEnd(descriptor)
    outlets = [Outlet(0, LocalEnd(descriptor))]
    outlets[0].queue.append(firstBytes)
    finished = { _ in }
  }

  /// A command with this side's streams, which stay open.
  init(
    _ command: RemoteCommand,
    _ streams: CommandStreams,
    over channel: OpaquePointer,
    of link: SSHLink,
    finished: @escaping (Result<RemoteExit, SSHError>) -> Void
  ) {
    self.channel = channel
    self.link = link
    steps = command.terminal.map { [.terminal($0)] } ?? []
    steps.append(command.line.map { .command($0) } ?? .shell)
    socket = nil
    signals = streams.signals
    input = streams.input.map { LocalEnd($0) }
    outlets = [Outlet(0, LocalEnd(streams.output)), Outlet(1, LocalEnd(streams.errors))]
    self.finished = finished
  }

  /// Whether nothing is left to do.
  var isEnded: Bool { phase == .ended }

  /// Whether only the server's goodbye is waited for.
  var isClosing: Bool { phase == .closing }

  /// Whether something from the server would be taken now.
  var wantsServer: Bool {
    guard phase == .moving else { return true }
    return (!hasServerEnded && isDrained) || !toServer.isEmpty
  }

  private var isDrained: Bool { outlets.allSatisfy(\.queue.isEmpty) }

  /// Goes on as far as possible without waiting.
  ///
  /// - Returns: Whether anything went on.
  func advance() -> Bool {
    switch phase {
    case .starting: return start()
    case .moving: return move()
    case .awaitingClose:
      guard libssh2_channel_wait_closed(channel) != LIBSSH2_ERROR_EAGAIN else { return false }
      tellEnd(.success(exit))
      phase = .closing
      return true
    case .closing:
      let code = libssh2_channel_free(channel)
      guard code != LIBSSH2_ERROR_EAGAIN else { return false }
      phase = .ended
      return true
    case .ended: return false
    }
  }

  /// Ends at once, because the session does.
  func abandon(_ error: SSHError) {
    guard phase != .ended else { return }
    phase = .ended
    tellEnd(.failure(error))
  }

  // MARK: Beginning

  private func start() -> Bool {
    guard let step = steps.first else {
      phase = .moving
      return true
    }
    let code = carryOut(step)
    if code == LIBSSH2_ERROR_EAGAIN { return false }
    guard code == 0 else {
      let what = if case .terminal = step { "open a terminal" } else { "start a command" }
      return finish(.failure(SSHError(.refused, "\(link.address) refuses to \(what): \(link.lastMessage)")))
    }
    steps.removeFirst()
    return true
  }

  private func carryOut(_ step: Step) -> Int32 {
    switch step {
    case .terminal(let terminal):
      libssh2_channel_request_pty_ex(
        channel,
        terminal.type,
        UInt32(terminal.type.utf8.count),
        nil,
        0,
        terminal.size.columns,
        terminal.size.rows,
        0,
        0
      )
    case .shell: libssh2_channel_process_startup(channel, "shell", 5, nil, 0)
    case .command(let line): libssh2_channel_process_startup(channel, "exec", 4, line, UInt32(line.utf8.count))
    }
  }

  // MARK: Carrying

  private func move() -> Bool {
    var hasMoved = false
    for outlet in outlets where phase == .moving && takeOutput(of: outlet) { hasMoved = true }
    if phase == .moving, giveInput() { hasMoved = true }
    guard phase == .moving, hasServerEnded, isDrained else { return hasMoved }
    guard let socket else {
      phase = .awaitingClose
      return true
    }
    if !hasShutOutput {
      hasShutOutput = true
      shutdown(socket, Int32(SHUT_WR))
    }
    return hasToldServerEnd ? finish(.success(.exited(0))) : hasMoved
  }

  /// Moves bytes from the channel to a descriptor.
  private func takeOutput(of outlet: Outlet) -> Bool {
    var hasMoved = false
    while phase == .moving {
      switch outlet.write() {
      case .moved:
        hasMoved = true
        continue
      case .wouldBlock: return hasMoved
      case .ended where socket != nil: return finish(.success(.exited(0)))
      case .ended where outlet.number == 0:
        // As a program of this machine would end whose reader has gone; errors that nobody reads are dropped.
        return finish(.success(.interrupted(signal: SIGPIPE)))
      case .ended, nil: break
      }
      guard !hasServerEnded else { return hasMoved }
      let count = buffer.withUnsafeMutableBytes { bytes in
        libssh2_channel_read_ex(
          channel,
          outlet.number,
          bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
          bytes.count
        )
      }
      if count > 0 {
        outlet.queue.append(buffer[..<count])
        hasMoved = true
      } else if libssh2_channel_eof(channel) == 1 {
        hasServerEnded = true
        return true
      } else if count < 0, count != Int(LIBSSH2_ERROR_EAGAIN) {
        return breakOff()
      } else {
        return hasMoved
      }
    }
    return true
  }

  /// Moves bytes from a descriptor to the channel.
  private func giveInput() -> Bool {
    var hasMoved = false
    while !hasToldServerEnd {
      if !toServer.isEmpty {
        guard !link.isFull else { return hasMoved }
        var count = 0
        toServer.take { bytes in
          count = libssh2_channel_write_ex(
            channel,
            0,
            bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
            bytes.count
          )
          return max(0, count)
        }
        if count > 0 {
          hasMoved = true
          continue
        }
        if count == 0 || count == Int(LIBSSH2_ERROR_EAGAIN) { return hasMoved }
        // The server takes no more: a command that has ended needs no input.
        toServer.drop(toServer.count)
        input = nil
      }
      switch input?.read(into: &buffer) {
      case .moved(let count): toServer.append(buffer[..<count])
      case .wouldBlock: return hasMoved
      case .ended, nil:
        let code = libssh2_channel_send_eof(channel)
        if code == LIBSSH2_ERROR_EAGAIN { return hasMoved }
        hasToldServerEnd = true
        hasMoved = true
      }
    }
    return hasMoved
  }

  // MARK: Waiting

  /// The descriptors to wait for, and what happens when they are ready.
  func interests() -> [(entry: pollfd, ready: () -> Void)] {
    guard phase == .moving else { return [] }
    var interests: [(entry: pollfd, ready: () -> Void)] = []
    func add(_ descriptor: Int32, _ events: Int32, _ ready: @escaping () -> Void) {
      interests.append((pollfd(fd: descriptor, events: Int16(events), revents: 0), ready))
    }
    if let input, toServer.isEmpty, !hasToldServerEnd {
      add(input.descriptor, POLLIN) { self.input?.isReady = true }
    }
    for outlet in outlets {
      if let end = outlet.end, !outlet.queue.isEmpty { add(end.descriptor, POLLOUT) { outlet.end?.isReady = true } }
    }
    if let signals { add(signals.descriptor, POLLIN) { self.hear(signals.take()) } }
    return interests
  }

  private func hear(_ numbers: [Int32]) {
    for number in numbers {
      if number != SIGWINCH {
        _ = finish(.success(.interrupted(signal: number)))
      } else if let output = outlets.first?.end, let size = LocalTerminal.size(of: output.descriptor) {
        libssh2_channel_request_pty_size_ex(channel, size.columns, size.rows, 0, 0)
      }
    }
  }

  // MARK: Ending

  private var exit: RemoteExit {
    var name: UnsafeMutablePointer<CChar>?
    libssh2_channel_get_exit_signal(channel, &name, nil, nil, nil, nil, nil)
    if let name {
      defer { free(name) }
      return .killed(signal: String(cString: name))
    }
    return .exited(libssh2_channel_get_exit_status(channel))
  }

  private func breakOff() -> Bool {
    finish(.failure(link.failure ?? SSHError(.protocolFailure, "\(link.address): \(link.lastMessage)")))
  }

  private func finish(_ result: Result<RemoteExit, SSHError>) -> Bool {
    tellEnd(result)
    phase = .closing
    return true
  }

  private func tellEnd(_ result: Result<RemoteExit, SSHError>) {
    guard !wasToldEnd else { return }
    wasToldEnd = true
    if let socket { close(socket) }
    input = nil
    for outlet in outlets { outlet.end = nil }
    finished(result)
  }
}

/// One of the outputs of a channel, on its way to a descriptor.
private final class Outlet {
  /// The library's number: 0 for the output, 1 for the errors.
  let number: Int32
  /// Where it goes; nil when the reader has gone.
  var end: LocalEnd?
  var queue = ByteQueue()

  init(_ number: Int32, _ end: LocalEnd) {
    self.number = number
    self.end = end
  }

  /// Writes some of what waits; nil when nothing does.
  func write() -> LocalEnd.Outcome? {
    guard !queue.isEmpty else { return nil }
    let outcome = end?.write(from: &queue) ?? .ended
    guard outcome == .ended else { return outcome }
    end = nil
    queue.drop(queue.count)
    return .ended
  }
}
