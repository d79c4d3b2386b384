// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a run gave.
struct LoadOutcome {
  var latencies = LatencyRecord()
  var failures = 0
  var microseconds = 0
  /// Events that watchers got; counted instead of answers when there are any.
  var events = 0

  /// Shape: rate per second, latencies at 50, 99 and 99.9 % and the longest in microseconds, failures; tabs between.
  var line: String {
    let seconds = Double(max(1, microseconds)) / 1_000_000
    let count = events > 0 ? events : latencies.count
    let quantiles = [0.5, 0.99, 0.999].map { String(latencies.quantile($0)) }.joined(separator: "\t")
    return "\(Int(Double(count) / seconds))\t\(quantiles)\t\(latencies.maximum)\t\(failures)"
  }
}

/// One run: connections that ask one thing at a time each, as fast as they are answered or at a given rate.
struct LoadRun {
  private struct Connection {
    var socket: CInt
    var reader = ResponseReader()
    /// When the request at hand was due; nil while the connection is idle.
    var begun: Int?
  }

  private var connections: [Connection] = []
  private var poller = Poller()
  private var workload: Workload
  private var outcome = LoadOutcome()
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  /// Microseconds between two requests; 0 for as fast as they are answered.
  private let interval: Int

  /// Connects; nil when a server does not take a connection.
  init?(_ addresses: [ServerAddress], connections count: Int, rate: Int, _ workload: Workload) {
    self.workload = workload
    interval = rate > 0 ? max(1, 1_000_000 / rate) : 0
    for number in 0..<count {
      guard let socket = addresses[number % addresses.count].connect() else { return nil }
      poller.add(socket, number: number)
      connections.append(Connection(socket: socket))
    }
  }

  /// Writes what has to be there before the run, without measuring it.
  mutating func prepare() {
    var key = 0
    var prepared: Set<Int> = []
    drive { workload, connection in
      if workload.needsKeys {
        key += 1
        return key > workload.keys ? nil : workload.filling(key % workload.keys)
      }
      return prepared.insert(connection).inserted ? workload.preparation(connection: connection) : nil
    }
    outcome = LoadOutcome()
  }

  /// Runs for a time, or until everything is filled.
  mutating func run(seconds: Double) -> LoadOutcome {
    let start = microseconds()
    let end = start + Int(seconds * 1_000_000)
    if interval > 0 {
      runAtRate(from: start, until: end)
    } else {
      drive { workload, connection in
        let isOver = workload.operation == .fill ? workload.isExhausted : microseconds() >= end
        return isOver ? nil : workload.next(connection: connection)
      }
    }
    outcome.microseconds = microseconds() - start
    return outcome
  }

  /// Keeps each connection busy until there is nothing more to ask on it, and waits for the last answer.
  private mutating func drive(_ next: (inout Workload, Int) -> [UInt8]?) {
    var busy = 0
    for number in connections.indices {
      guard let request = next(&workload, number) else { continue }
      send(request, on: number, due: microseconds())
      busy += 1
    }
    while busy > 0 {
      for number in poller.wait(milliseconds: 1_000) where receive(on: number) {
        busy -= 1
        guard let request = next(&workload, number) else { continue }
        send(request, on: number, due: microseconds())
        busy += 1
      }
    }
  }

  /// Sends at fixed times; what is late counts from when it was due, so that a stall is not left out.
  private mutating func runAtRate(from start: Int, until end: Int) {
    var due = start
    while due < end || connections.contains(where: { $0.begun != nil }) {
      let now = microseconds()
      while due <= now, due < end, let idle = connections.firstIndex(where: { $0.begun == nil }) {
        send(workload.next(connection: idle), on: idle, due: due)
        due += interval
      }
      let pause = due < end ? max(0, due - microseconds()) / 1_000 : 100
      for number in poller.wait(milliseconds: min(pause, 100)) { _ = receive(on: number) }
    }
  }

  private mutating func send(_ request: [UInt8], on number: Int, due: Int) {
    connections[number].begun = due
    sendAll(request, to: connections[number].socket)
  }

  /// Reads what has come; whether that completed the answer.
  private mutating func receive(on number: Int) -> Bool {
    let count = recv(connections[number].socket, &buffer, buffer.count, 0)
    guard count > 0 else {
      if count < 0, errno == EAGAIN || errno == EINTR { return false }
      fail("a connection was closed")
    }
    let completed = buffer.withUnsafeBytes {
      connections[number].reader.take(UnsafeRawBufferPointer(rebasing: $0[..<count]))
    }
    guard completed > 0, let begun = connections[number].begun else { return false }
    connections[number].begun = nil
    outcome.latencies.add(microseconds: microseconds() - begun)
    if !(200..<300).contains(connections[number].reader.status) { outcome.failures += 1 }
    return true
  }
}
