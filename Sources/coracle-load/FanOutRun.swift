// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Many watchers of one directory and one writer that waits until all of them have its event.
struct FanOutRun {
  private struct Connection {
    var socket: CInt
    var reader = ResponseReader()
  }

  /// The watchers, and behind them the writer.
  private var connections: [Connection] = []
  private var poller = Poller()
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private let watcherCount: Int
  private static let gatheringMilliseconds: Int32 = 1

  /// Connects; nil when a server does not take a connection.
  init?(_ addresses: [ServerAddress], watchers count: Int) {
    watcherCount = count
    for number in 0...count {
      guard let socket = addresses[number % addresses.count].connect() else { return nil }
      poller.add(socket, number: number)
      connections.append(Connection(socket: socket))
      if number < count { sendAll(Workload.watching, to: socket) }
    }
  }

  /// Runs for a time; latencies are those from a write to the last watcher's event.
  mutating func run(seconds: Double, _ workload: Workload) -> LoadOutcome {
    var outcome = LoadOutcome()
    var workload = workload
    // Once an event has come to all, all watches stand; that round is not counted.
    round(&workload)
    let start = microseconds()
    let end = start + Int(seconds * 1_000_000)
    while microseconds() < end {
      let begun = microseconds()
      round(&workload)
      outcome.events += watcherCount
      outcome.latencies.add(microseconds: microseconds() - begun)
    }
    outcome.microseconds = microseconds() - start
    return outcome
  }

  /// Writes once and waits for everyone; writes again when a watch that did not stand yet has missed the event.
  private mutating func round(_ workload: inout Workload) {
    var wanted = connections.prefix(watcherCount).map { $0.reader.eventCount + 1 }
    var missing = watcherCount
    var isAnswered = false
    let writer = connections[watcherCount].socket
    sendAll(workload.next(connection: 0), to: writer)
    while missing > 0 || !isAnswered {
      // Events are read many at a time: woken for each of them, this process would take the time from the server.
      poll(nil, 0, Self.gatheringMilliseconds)
      let ready = poller.wait(milliseconds: 500)
      if ready.isEmpty, isAnswered {
        isAnswered = false
        sendAll(workload.next(connection: 0), to: writer)
      }
      for number in ready {
        let hasAnswer = read(number)
        guard number < watcherCount else {
          isAnswered = isAnswered || hasAnswer
          continue
        }
        if connections[number].reader.eventCount >= wanted[number] {
          wanted[number] = .max
          missing -= 1
        }
      }
    }
  }

  private mutating func read(_ number: Int) -> Bool {
    let count = recv(connections[number].socket, &buffer, buffer.count, 0)
    guard count > 0 else {
      if count < 0, errno == EAGAIN || errno == EINTR { return false }
      fail("a watcher was closed")
    }
    return buffer.withUnsafeBytes {
      connections[number].reader.take(UnsafeRawBufferPointer(rebasing: $0[..<count])) > 0
    }
  }
}
