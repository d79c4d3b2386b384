// SPDX-License-Identifier: Apache-2.0
import CLibSSH2
import Glibc

/// The life of a session after its login: opens channels, carries their bytes, serves the proxy.
///
/// Concurrency: made and run on the session's thread.
final class SessionLoop {
  private let link: SSHLink
  private let inbox: SessionInbox
  private var openings: [ChannelOpening] = []
  private var pumps: [ChannelPump] = []
  private var door: ProxyDoor?
  private var visitors: [ProxyVisitor] = []
  private var stopped: (@Sendable () -> Void)?

  /// How many connections may go through a session at once.
  private static let maximumStreams = 1_024
  /// How often channels are served in a row before requests and descriptors are looked at again.
  private static let roundsInARow = 32
  /// How long goodbyes may take.
  private static let farewell = Duration.milliseconds(500)

  init(_ link: SSHLink, _ inbox: SessionInbox) {
    self.link = link
    self.inbox = inbox
  }

  /// Runs until it is told to stop or the connection ends.
  func run() {
    while stopped == nil, link.failure == nil {
      for request in inbox.take() { begin(request) }
      let goesOn = carry()
      if stopped == nil, link.failure == nil { wait(goesOn: goesOn) }
    }
    if link.failure == nil { closeChannels() }
    end(link.failure ?? SSHError(.closed, "the session with \(link.address) was closed"))
  }

  // MARK: Requests

  private func begin(_ request: SessionRequest) {
    switch request {
    case .stream(let descriptor, let target, let opened):
      open(target, for: descriptor, firstBytes: []) { error in
        if error != nil { close(descriptor) }
        opened(error)
      }
    case .run(let command, let streams, let ended):
      openings.append(
        ChannelOpening(.session) { [self] result in
          switch result {
          case .success(let channel):
            pumps.append(ChannelPump(command, streams, over: channel, of: link) { ended($0) })
          case .failure(let error): ended(.failure(error))
          }
        }
      )
    case .serve(let door): self.door = door
    case .stop(let stopped): self.stopped = stopped
    }
  }

  /// Opens a channel to a place, or a command that leads there, and lets a descriptor speak through it.
  private func open(
    _ target: StreamTarget,
    for descriptor: Int32,
    firstBytes: [UInt8],
    _ opened: @escaping (SSHError?) -> Void
  ) {
    var opening: ChannelOpening?
    let direct = ChannelOpening(.stream(target)) { [self] result in
      switch result {
      case .success(let channel):
        pumps.append(ChannelPump(stream: descriptor, over: channel, of: link, firstBytes: firstBytes))
        opened(nil)
      case .failure(let error):
        if let command = target.forwardingCommand, opening?.mayUseCommand(after: error) == true {
          openings.append(
            ChannelOpening(.session) { [self] in begin(command, for: descriptor, firstBytes, on: $0, opened) }
          )
        } else {
          opened(error)
        }
      }
      opening = nil
    }
    opening = direct
    openings.append(direct)
  }

  private func begin(
    _ command: String,
    for descriptor: Int32,
    _ firstBytes: [UInt8],
    on result: Result<OpaquePointer, SSHError>,
    _ opened: (SSHError?) -> Void
  ) {
    switch result {
    case .success(let channel):
      let steps = [ChannelPump.Step.command(command)]
      pumps.append(ChannelPump(stream: descriptor, over: channel, of: link, firstBytes: firstBytes, steps: steps))
      opened(nil)
    case .failure(let error): opened(error)
    }
  }

  // MARK: Carrying

  /// Serves all channels until none goes on.
  ///
  /// Whatever reads from the socket may find what another channel waits for, so that a round counts as long as bytes came.
  /// - Returns: Whether some could go on still.
  private func carry() -> Bool {
    for _ in 0..<Self.roundsInARow {
      link.hasReceived = false
      var hasMoved = advanceOpening()
      for pump in pumps where pump.advance() { hasMoved = true }
      pumps.removeAll(where: \.isEnded)
      link.flush()
      guard hasMoved || link.hasReceived, link.failure == nil else { return false }
    }
    return true
  }

  private func advanceOpening() -> Bool {
    guard let opening = openings.first, let result = opening.advance(link) else { return false }
    openings.removeFirst()
    opening.done(result)
    return true
  }

  // MARK: Waiting

  /// Waits until something is ready.
  private func wait(goesOn: Bool) {
    var entries: [pollfd] = [pollfd(fd: inbox.bell, events: Int16(POLLIN), revents: 0)]
    var handlers: [() -> Void] = [{}]
    func add(_ entry: pollfd, _ ready: @escaping () -> Void) {
      entries.append(entry)
      handlers.append(ready)
    }
    let isIdle = pumps.isEmpty && openings.isEmpty
    let reads = !openings.isEmpty || pumps.contains(where: \.wantsServer)
    // Nobody reads from an idle session, so only its end is looked for.
    let events = (reads ? POLLIN : isIdle ? Self.hangUp : 0) | (link.hasOutgoing ? POLLOUT : 0)
    // A socket that nothing is wanted of would go on telling that it has hung up.
    add(pollfd(fd: events == 0 ? -1 : link.socket, events: Int16(events), revents: 0)) { [link] in
      if isIdle { link.noteHangUp() }
    }
    if let door {
      if pumps.count + visitors.count < Self.maximumStreams {
        add(pollfd(fd: door.descriptor, events: Int16(POLLIN), revents: 0)) { [self] in
          while let client = door.accept() { visitors.append(ProxyVisitor(client)) }
        }
      }
      for visitor in visitors {
        add(pollfd(fd: visitor.descriptor, events: Int16(POLLIN), revents: 0)) { [self] in hear(visitor, at: door) }
      }
    }
    for interest in pumps.flatMap({ $0.interests() }) { add(interest.entry, interest.ready) }
    let timeout: Int32 = goesOn ? 0 : visitors.isEmpty ? -1 : 1_000
    guard poll(&entries, nfds_t(entries.count), timeout) > 0 else {
      if let door { for visitor in visitors { hear(visitor, at: door) } }
      return
    }
    for (entry, ready) in zip(entries, handlers) where entry.revents != 0 { ready() }
  }

  /// POLLRDHUP, which the C library keeps behind a feature macro.
  private static let hangUp: Int32 = 0x2000

  private func hear(_ visitor: ProxyVisitor, at door: ProxyDoor) {
    let outcome = visitor.listen(token: door.token)
    if case .waiting = outcome { return }
    visitors.removeAll { $0 === visitor }
    guard case .wants(let target) = outcome else { return }
    let welcome = Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)
    open(target, for: visitor.descriptor, firstBytes: welcome) { error in
      guard let error else { return }
      door.note(error, for: target)
      visitor.turnAway("502 Bad Gateway")
    }
  }

  // MARK: Ending

  /// Lets channels that are about to end do so.
  private func closeChannels() {
    let deadline = ContinuousClock.now + Self.farewell
    while pumps.contains(where: \.isClosing), link.failure == nil, ContinuousClock.now < deadline {
      guard !carry() else { continue }
      var entry = pollfd(fd: link.socket, events: Int16(POLLIN), revents: 0)
      poll(&entry, 1, 50)
    }
  }

  private func end(_ reason: SSHError) {
    for request in inbox.close(reason) {
      switch request {
      case .stream(let descriptor, _, let opened):
        close(descriptor)
        opened(reason)
      case .run(_, _, let ended): ended(.failure(reason))
      case .serve(let door): close(door.descriptor)
      case .stop(let stopped): self.stopped = stopped
      }
    }
    for opening in openings { opening.done(.failure(reason)) }
    openings = []
    for pump in pumps { pump.abandon(reason) }
    for visitor in visitors { visitor.turnAway(nil) }
    if let door { close(door.descriptor) }
    link.end()
    stopped?()
  }
}
