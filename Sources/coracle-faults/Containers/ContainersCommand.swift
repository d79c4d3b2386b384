// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import TestKit

/// Breaks machines with containers, and checks that records and units are what runs.
struct ContainersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "containers",
    abstract: "Breaks three machines with a Docker Engine each, and checks their service records and containers.",
    discussion: """
      Units with containers and containers that somebody runs by hand are started, stopped, killed and removed; engines \
      are ended, killed and started again, nodes killed, machines cut off or without power, all at random. Every few rounds \
      all must become still: the records are those of the running containers and no others, no container runs whose unit \
      does not, and no unit runs twice. A watch of all records sees changes alone; those of a machine without power are \
      gone within their time to live. With --live-restore containers also go on while their engine is started again, with \
      their records. Needs root, iptables and dockerd. The program is the one beside this, or CORACLE_BINARY.

      Exits 0 when everything held, 1 when it did not, 64 for a usage error.
      """
  )

  @Option(help: "How many rounds.")
  var rounds = 200

  @Option(help: "How many rounds there are between two looks at everything.")
  var checkEvery = 5

  @Option(help: "Decides what is done; what engines and nodes make of it is not repeatable.")
  var seed: UInt64 = 1

  @Flag(help: "Engines keep containers running while they are away.")
  var liveRestore = false

  mutating func validate() throws {
    guard rounds > 0, checkEvery > 0 else { throw ValidationError("numbers must be above 0") }
    guard geteuid() == 0 else { throw ValidationError("network namespaces need root") }
  }

  func run() async throws {
    print("seed \(seed), \(rounds) rounds\(liveRestore ? ", live-restore" : "")")
    let watch = RecordWatch()
    do {
      try await ContainerHosts.with(liveRestore: liveRestore, watch: watch) { hosts in
        var chaos = ContainerChaos(hosts: hosts, watch: watch, seed: seed)
        try await chaos.run(rounds: rounds, checkEvery: checkEvery)
        print(chaos.summary)
      }
    } catch {
      print("VIOLATED, seed \(seed): \(error)")
      throw ExitCode.failure
    }
  }
}
