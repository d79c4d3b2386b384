// SPDX-License-Identifier: Apache-2.0

extension UnitFault {
  /// All faults, in the order of the table.
  static let known: [UnitFault] =
    outages + partitions + pauses + kills + departures
    + killSteps.flatMap { step in [killed(at: step, .short), killed(at: step, .long)] }

  private static let outages = [
    UnitFault(
      name: "quorum-paused",
      summary: "two of three members stand still (SIGSTOP) for three TTLs",
      action: .storeOutage(.paused)
    ),
    UnitFault(
      name: "quorum-killed",
      summary: "the nodes of two of three members are killed, and started three TTLs later",
      action: .storeOutage(.killed)
    ),
    UnitFault(
      name: "quorum-rejected",
      summary: "members cannot reach each other (REJECT) for three TTLs",
      action: .storeOutage(.rejected)
    ),
    UnitFault(
      name: "quorum-dropped",
      summary: "members cannot reach each other (DROP) for three TTLs",
      action: .storeOutage(.dropped)
    ),
    UnitFault(
      name: "all-killed",
      summary: "the nodes of all five machines are killed, and started three TTLs later",
      action: .storeOutage(.allKilled)
    ),
  ]

  private static let partitions = [
    UnitFault(
      name: "cut-worker",
      summary: "a worker cut off (DROP) for four TTLs",
      action: .cut(.worker, .dropped, .both)
    ),
    UnitFault(
      name: "cut-worker-rejected",
      summary: "a worker cut off (REJECT) for four TTLs",
      action: .cut(.worker, .rejected, .both)
    ),
    UnitFault(
      name: "cut-member",
      summary: "a member that follows cut off for four TTLs",
      action: .cut(.member, .dropped, .both)
    ),
    UnitFault(
      name: "cut-store-leader",
      summary: "the store's leader cut off for four TTLs",
      action: .cut(.storeLeader, .dropped, .both)
    ),
    UnitFault(
      name: "cut-engine",
      summary: "the machine of the engine cut off for four TTLs",
      action: .cut(.engine, .dropped, .both)
    ),
    UnitFault(
      name: "cut-minority",
      summary: "a member and a worker, together, cut off for four TTLs",
      action: .cutMinority
    ),
    UnitFault(
      name: "isolated-member",
      summary: "a member cut off from members (DROP) for four TTLs; workers reach it, and a unit is started",
      action: .isolateMember
    ),
    UnitFault(
      name: "one-way-from-worker",
      summary: "what a worker sends is lost for four TTLs",
      action: .cut(.worker, .dropped, .sent)
    ),
    UnitFault(
      name: "one-way-to-worker",
      summary: "what a worker is sent is lost for four TTLs",
      action: .cut(.worker, .dropped, .received)
    ),
    UnitFault(
      name: "one-way-from-engine",
      summary: "what the machine of the engine sends is lost for four TTLs",
      action: .cut(.engine, .dropped, .sent)
    ),
    UnitFault(
      name: "one-way-to-engine",
      summary: "what the machine of the engine is sent is lost for four TTLs",
      action: .cut(.engine, .dropped, .received)
    ),
    UnitFault(name: "flapping-worker", summary: "a worker cut off and joined every half second", action: .flap),
  ]

  private static let pauses = [
    UnitFault(
      name: "pause-short",
      summary: "a worker's node stands still for half a TTL",
      action: .pause(.worker, ttls: 0.5)
    ),
    UnitFault(
      name: "pause-worker",
      summary: "a worker's node stands still (SIGSTOP) for four TTLs, its units run on",
      action: .pause(.worker, ttls: 4)
    ),
    UnitFault(
      name: "pause-engine",
      summary: "the node of the engine stands still for four TTLs",
      action: .pause(.engine, ttls: 4)
    ),
  ]

  private static let kills: [UnitFault] = [
    (name: "unit-host", summary: "the unit-host is killed", parts: [Part.unitHost]),
    (name: "node", summary: "the node is killed", parts: [.node]),
    (name: "unit-host-node", summary: "the unit-host is killed, then the node", parts: [.unitHost, .node]),
    (name: "node-unit-host", summary: "the node is killed, then the unit-host", parts: [.node, .unitHost]),
    (name: "both", summary: "the unit-host and the node are killed in one go", parts: [.both]),
  ].flatMap { kind in
    let short = UnitFault(
      name: "kill-\(kind.name)",
      summary: "\(kind.summary); back at once",
      action: .kill(kind.parts, .short)
    )
    let long = UnitFault(
      name: "kill-\(kind.name)-long",
      summary: "\(kind.summary); back after three TTLs",
      action: .kill(kind.parts, .long)
    )
    return kind.parts == [.unitHost] ? [short] : [short, long]
  }

  private static let departures = [
    UnitFault(
      name: "unit-ends-unwatched",
      summary: "node and unit-host are killed, then the process of a unit; back at once",
      action: .loseUnwatched
    ),
    UnitFault(name: "pause-unit-host", summary: "a unit-host stands still for three TTLs", action: .pauseUnitHost),
    UnitFault(name: "stop-node", summary: "SIGTERM of a node, started again at once", action: .stop(.short)),
    UnitFault(
      name: "stop-node-long",
      summary: "SIGTERM of a node, started again after three TTLs",
      action: .stop(.long)
    ),
    UnitFault(name: "leave", summary: "SIGTERM of a node with --stop-units", action: .leave),
    UnitFault(name: "reboot", summary: "power off and on within a TTL, same machine id", action: .powerOff(.short)),
    UnitFault(
      name: "power-off",
      summary: "power off, and on again after three TTLs",
      action: .powerOff(.long)
    ),
    UnitFault(
      name: "second-machine",
      summary: "another machine boots with the id of one that is there",
      action: .secondMachine
    ),
    UnitFault(
      name: "reinstalled",
      summary: "power off, then another installation with the same machine id, then the first again",
      action: .reinstalled
    ),
  ]

  /// Every step at which a node can be killed.
  private static let killSteps = [
    KillStep(step: "engine-lease-taken", trigger: .succession, isOfUnit: false),
    KillStep(step: "engine-before-plan", isOfUnit: false),
    KillStep(step: "engine-after-plan", isOfUnit: false),
    KillStep(step: "engine-before-write"),
    KillStep(step: "engine-after-write"),
    KillStep(step: "engine-after-writes", isOfUnit: false),
    KillStep(step: "engine-before-write", trigger: .move),
    KillStep(step: "engine-after-write", trigger: .move),
    KillStep(step: "engine-before-write", trigger: .displace),
    KillStep(step: "engine-after-write", trigger: .displace),
    KillStep(step: "agent-before-load"),
    KillStep(step: "agent-after-load"),
    KillStep(step: "agent-before-start"),
    KillStep(step: "agent-after-start"),
    KillStep(step: "agent-before-unload", trigger: .move),
    KillStep(step: "agent-after-unload", trigger: .move),
    KillStep(step: "publisher-before-write"),
    KillStep(step: "publisher-after-write"),
  ]

  private static func killed(at step: KillStep, _ absence: Absence) -> UnitFault {
    let what: String
    switch step.trigger {
    case .place, .succession: what = ""
    case .move: what = " of a move"
    case .displace: what = " of taking a unit from its machine"
    }
    let mark = step.trigger == .move ? "-move" : step.trigger == .displace ? "-displace" : ""
    return UnitFault(
      name: "\(step.step)\(mark)" + (absence == .long ? "-long" : ""),
      summary: "the node dies at \(step.step)\(what)"
        + (absence == .long ? "; back after three TTLs" : "; back at once"),
      action: .killAt(step, absence)
    )
  }
}
