// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit

/// What is done at random to machines with containers, and the looks at them in between.
struct ContainerChaos {
  /// Names of units that are restarted whenever they end begin so.
  static let lasting = "keep@"
  private static let once = "once@"

  let hosts: ContainerHosts
  let watch: RecordWatch
  private var random: SeededGenerator
  /// How often each thing was done.
  private var counts: [String: Int] = [:]
  private var longestAbsence = 0.0
  private var looks = 0
  private var foreignNumber = 0
  /// Names of containers that somebody runs by hand, with their machines.
  private var foreign: [(name: String, host: Int)] = []
  private let clock = ContinuousClock()

  init(hosts: ContainerHosts, watch: RecordWatch, seed: UInt64) {
    self.hosts = hosts
    self.watch = watch
    random = SeededGenerator(seed: seed)
  }

  /// One line on what was done and seen.
  var summary: String {
    let done = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    let absence = String(format: "%.1f", longestAbsence)
    return "all held: \(looks) looks, \(watch.events.count) events of records; records of a machine without power or "
      + "network gone after at most \(absence) s of \(ContainerHosts.ttlSeconds) s; \(done)"
  }

  mutating func run(rounds: Int, checkEvery: Int) async throws {
    try await submit()
    for round in 1...rounds {
      var told: [String] = []
      for _ in 0...Int.random(in: 0...2, using: &random) { told.append(try await act()) }
      print("round \(round): \(told.joined(separator: "; "))")
      fflush(nil)
      if round % checkEvery == 0 || round == rounds { try await look(after: round) }
    }
    try await rest()
  }

  // MARK: Looks

  private mutating func look(after round: Int) async throws {
    let begin = clock.now
    let running = try await ContainerAudit(hosts: hosts).waitUntilStill()
    looks += 1
    if let event = watch.needless.first { throw CommandFailed(description: "a watch was woken for \(event.text)") }
    let units = running.count { $0.unit != nil }
    print(
      "after round \(round): still after \(clock.now - begin), \(units) containers of units, \(running.count - units) others"
    )
    fflush(nil)
  }

  /// Nothing is done for longer than a record lives: records are refreshed, and nobody hears of that.
  private mutating func rest() async throws {
    try await ContainerAudit(hosts: hosts).waitUntilStill()
    let before = watch.events.count
    try await holds("no watcher is woken while nothing changes", for: .seconds(ContainerHosts.ttlSeconds + 2)) {
      watch.events.count == before
    }
    try await ContainerAudit(hosts: hosts).waitUntilStill(within: .seconds(10))
    if watch.events.isEmpty { throw CommandFailed(description: "the watch of records has seen nothing at all") }
  }

  // MARK: Units and containers

  private mutating func submit() async throws {
    func text(_ restart: String) -> String {
      """
      [Service]
      \(restart)
      ExecStartPre=-/usr/bin/docker rm -f %p-%i
      ExecStart=/usr/bin/docker run --name %p-%i -e SERVICE_ID=%m-%p-%i -p 80 \(ContainerHosts.image)
      ExecStop=-/usr/bin/docker stop -t 2 %p-%i
      """
    }
    let files = [
      try hosts.cluster.write(
        text("Restart=always\nRestartSec=500ms\nStartLimitInterval=0"),
        to: "\(Self.lasting).service"
      ),
      try hosts.cluster.write(
        text("").replacingOccurrences(of: "run --name", with: "run --rm --name"),
        to: "\(Self.once).service"
      ),
    ]
    let fleet = Fleetctl(hosts.cluster)
    try await fleet.expect(["submit"] + files)
    try await fleet.expect(["start"] + (1...4).flatMap { ["\(Self.lasting)\($0)", "\(Self.once)\($0)"] })
    for _ in 1...4 { _ = try await runForeign() }
    try await ContainerAudit(hosts: hosts).waitUntilStill()
  }

  private mutating func runForeign() async throws -> String {
    let host = anyHost()
    foreignNumber += 1
    let name = "foreign-\(foreignNumber)"
    let restart = Bool.random(using: &random) ? ["--restart=always"] : []
    let words =
      ["run", "-d", "--name", name, "-e", "SERVICE_ID=\(name)", "-p", "80"] + restart + [ContainerHosts.image]
    if await docker(words, on: host) { foreign.append((name, host)) }
    return "run \(name) on \(host)"
  }

  private mutating func anyHost() -> Int { Int.random(in: 1...ContainerHosts.count, using: &random) }

  /// Whether it worked, which it need not: the engine may be away, the container gone.
  @discardableResult private func docker(_ words: [String], on host: Int) async -> Bool {
    let result = try? await TestKit.run(["docker", "-H", hosts.engine(host).url] + words, within: .seconds(60))
    return result?.status == 0
  }

  /// A unit, by the node of any machine that serves.
  private mutating func command(_ words: [String]) async {
    let first = anyHost()
    for offset in 0..<ContainerHosts.count {
      let host = (first + offset - 1) % ContainerHosts.count + 1
      if await hosts.serves(host), let result = try? await Fleetctl(hosts.cluster, on: hosts.node(host)).run(words),
        result.status == 0
      {
        return
      }
    }
  }

  // MARK: What is done

  private mutating func act() async throws -> String {
    let kinds: [(weight: Int, name: String)] = [
      (14, "unit"), (10, "unit container"), (16, "foreign"), (3, "engine ended"), (3, "engine killed"),
      (4, "node killed"),
      (2, "node ended"), (2, "unit-host killed"), (2, "power cut"), (1, "network cut"),
    ]
    var dice = Int.random(in: 0..<kinds.reduce(0) { $0 + $1.weight }, using: &random)
    let name =
      kinds.first { kind in
        dice -= kind.weight
        return dice < 0
      }?.name ?? "unit"
    counts[name, default: 0] += 1
    switch name {
    case "unit": return await changeUnit()
    case "unit container": return await disturbUnit()
    case "foreign": return try await changeForeign()
    case "engine ended": return try await restartEngine(SIGTERM)
    case "engine killed": return try await restartEngine(SIGKILL)
    case "node killed": return try await restartNode(SIGKILL)
    case "node ended": return try await restartNode(SIGTERM)
    case "unit-host killed": return await killUnitHost()
    case "power cut": return try await cutPower()
    default: return try await cutNetwork()
    }
  }

  private mutating func anyUnit() -> String {
    let template = Bool.random(using: &random) ? Self.lasting : Self.once
    return "\(template)\(Int.random(in: 1...4, using: &random)).service"
  }

  private mutating func changeUnit() async -> String {
    let unit = anyUnit()
    let verb = ["start", "start", "start", "stop", "unload", "destroy"].randomElement(using: &random) ?? "start"
    // What is destroyed can be made again, from its template.
    await command([verb, "--no-block", unit])
    return "\(verb) \(unit)"
  }

  /// Somebody does by hand what is the unit's business.
  private mutating func disturbUnit() async -> String {
    let unit = anyUnit()
    let name = unit.replacingOccurrences(of: "@", with: "-").replacingOccurrences(of: ".service", with: "")
    let verb =
      [["kill"], ["stop", "-t", "1"], ["rm", "-f"], ["restart", "-t", "1"], ["pause"]]
      .randomElement(using: &random) ?? ["kill"]
    for host in hosts.all {
      await docker(verb + [name], on: host)
      if verb == ["pause"] { await docker(["unpause", name], on: host) }
    }
    return "docker \(verb.joined(separator: " ")) \(name)"
  }

  private mutating func changeForeign() async throws -> String {
    if foreign.count < 3 || (foreign.count < 9 && Int.random(in: 0...2, using: &random) == 0) {
      return try await runForeign()
    }
    let place = Int.random(in: 0..<foreign.count, using: &random)
    let (name, host) = foreign[place]
    let verb =
      [["start"], ["stop", "-t", "1"], ["kill"], ["restart", "-t", "1"], ["rm", "-f"]]
      .randomElement(using: &random) ?? ["start"]
    await docker(verb + [name], on: host)
    if verb == ["rm", "-f"] { foreign.remove(at: place) }
    return "docker \(verb.joined(separator: " ")) \(name) on \(host)"
  }

  private mutating func restartEngine(_ signal: Int32) async throws -> String {
    let host = anyHost()
    let name = "engine \(host) \(signal == SIGKILL ? "killed" : "ended")"
    if hosts.isLiveRestore { return try await restartUnderContainers(host, signal, name) }
    try await hosts.engine(host).end(signal)
    try await Task.sleep(for: .milliseconds(Int.random(in: 0...1_500, using: &random)))
    try await hosts.engine(host).restart()
    return name
  }

  /// With live-restore nothing of a machine's containers changes, nor of their records.
  private mutating func restartUnderContainers(_ host: Int, _ signal: Int32, _ name: String) async throws -> String {
    let before = try await ContainerAudit(hosts: hosts).waitUntilStill().filter { $0.host == host }
    let keys = Set(before.map(\.key))
    let seen = watch.events.count
    try await hosts.engine(host).end(signal)
    // Longer than a record lives.
    try await holds("the records stay without the engine", for: .seconds(ContainerHosts.ttlSeconds + 2)) {
      keys.isSubset(of: try await hosts.records(asSeenBy: host).keys)
    }
    try await hosts.engine(host).restart()
    let after = try await ContainerAudit(hosts: hosts).waitUntilStill().filter { $0.host == host }
    guard Set(after) == Set(before) else {
      throw CommandFailed(description: "\(name): its containers were \(before) and are \(after)")
    }
    if let event = watch.events.dropFirst(seen).first(where: { keys.contains($0.key) }) {
      throw CommandFailed(description: "\(name): a record changed: \(event.text)")
    }
    return "\(name) under \(before.count) containers"
  }

  private mutating func restartNode(_ signal: Int32) async throws -> String {
    let host = anyHost()
    try await hosts.node(host).end(signal)
    try await Task.sleep(for: .milliseconds(Int.random(in: 0...1_000, using: &random)))
    try hosts.node(host).start()
    return "node \(host) \(signal == SIGKILL ? "killed" : "ended")"
  }

  private mutating func killUnitHost() async -> String {
    let host = anyHost()
    let directory = hosts.node(host).directory.appendingPathComponent("units").path
    for id in ProcessScan.processes(with: "--state-dir", directory) { kill(id, SIGKILL) }
    return "unit-host \(host) killed"
  }

  // MARK: Machines that are lost

  private mutating func cutPower() async throws -> String {
    let host = anyHost()
    try await waitUntilServing()
    let begin = clock.now
    try await hosts.cluster.powerOff(hosts.node(host))
    try await expectAbsence(of: host, since: begin)
    try await hosts.engine(host).restart()
    try hosts.node(host).start()
    return "power cut on \(host)"
  }

  private mutating func cutNetwork() async throws -> String {
    let host = anyHost()
    try await waitUntilServing()
    let begin = clock.now
    try await hosts.cluster.network?.setConnected(false, host: host)
    try await expectAbsence(of: host, since: begin)
    try await hosts.cluster.network?.setConnected(true, host: host)
    return "network cut on \(host)"
  }

  /// A majority must be there for anything to expire.
  private func waitUntilServing() async throws {
    for host in hosts.all { try await eventually("machine \(host) serves") { await hosts.serves(host) } }
  }

  /// The records of a lost machine are gone when their time to live is over, and no later than an election takes.
  private mutating func expectAbsence(of host: Int, since begin: ContinuousClock.Instant) async throws {
    let witness = host % ContainerHosts.count + 1
    let prefix = "\(hosts.node(host).address):"
    var left: [String: String] = [:]
    do {
      try await eventually("machine \(host) has no records", within: .seconds(30), every: .milliseconds(100)) {
        left = try await hosts.records(asSeenBy: witness).filter { $0.value.hasPrefix(prefix) }
        return left.isEmpty
      }
    } catch {
      throw CommandFailed(description: "\(error): \(left)")
    }
    let seconds = (clock.now - begin) / .seconds(1)
    longestAbsence = max(longestAbsence, seconds)
    // The store's leader may have been lost too: another must come, and count on from the last stamp.
    guard seconds < ContainerHosts.ttlSeconds + 5 else {
      throw CommandFailed(description: "the records of machine \(host) stayed for \(seconds) s")
    }
  }
}
