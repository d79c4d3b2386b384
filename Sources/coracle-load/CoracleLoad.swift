// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// Puts load on a store that speaks etcd's v2 API, and measures.
@main
struct CoracleLoad: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coracle-load",
    abstract: "Puts load on a store that speaks etcd's v2 API, and measures.",
    discussion: """
      Prints one line with tabs: answers (for watch: events) per second, latency at 50 %, 99 %, 99.9 % and the longest \
      in microseconds, and how many answers were no success. With --first-write only milliseconds.
      """
  )

  @Option(help: "The servers, written IPV4:PORT,…; connections are spread over them.")
  var servers: String

  @Option(help: "What is asked: \(Operation.allCases.map(\.rawValue).joined(separator: ", ")).")
  var operation = Operation.put

  @Option(help: "How many connections ask, one thing at a time each; for watch, how many watch.")
  var connections = 64

  @Option(help: "How long; fill runs until all keys are written.")
  var seconds = 5.0

  @Option(help: "How many different keys.")
  var keys = 1_000

  @Option(help: "The size of values.")
  var valueBytes = 128

  @Option(help: "Requests per second at fixed times instead of as many as are answered.")
  var rate = 0

  @Flag(help: "Measure the time until a write is acknowledged.")
  var firstWrite = false

  @Option(help: "With --first-write: the process to end with SIGKILL first.")
  var kill: Int32?

  mutating func run() throws {
    let addresses = servers.split(separator: ",").compactMap { ServerAddress(String($0)) }
    guard !addresses.isEmpty else { throw ValidationError("--servers is written IPV4:PORT,…") }
    if firstWrite {
      print(Int(FirstWrite(addresses: addresses).milliseconds(killing: kill).rounded()))
      return
    }
    let workload = Workload(operation: operation, keys: keys, valueBytes: valueBytes)
    if operation == .watch {
      guard var run = FanOutRun(addresses, watchers: connections) else { fail("a server takes no connection") }
      print(run.run(seconds: seconds, workload).line)
      return
    }
    guard var run = LoadRun(addresses, connections: connections, rate: rate, workload) else {
      fail("a server takes no connection")
    }
    run.prepare()
    print(run.run(seconds: seconds).line)
  }
}
