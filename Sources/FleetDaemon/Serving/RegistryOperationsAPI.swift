// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Units

/// Rolls and rebalancing over the registry: what users ask for is written there, and the engine carries it out.
struct RegistryOperationsAPI: ClusterOperationsAPI, RegistryServing {
  let registry: Registry
  let view: RegistryView
  let presence: Presence

  /// How often a write is tried again that somebody else was faster with.
  private static let attempts = 20

  func rolls() async throws(FleetAPIError) -> [Roll] {
    try await becomeReady()
    return view.read { $0.rolls.rolls.sorted { $0.key < $1.key }.map(\.value.value) }
  }

  func roll(of name: String) async throws(FleetAPIError) -> Roll {
    try await becomeReady()
    guard let roll = view.read({ $0.rolls.rolls[name]?.value }) else { throw Self.unknown(name) }
    return roll
  }

  func beginRoll(_ request: RollRequest) async throws(FleetAPIError) -> Roll {
    try await becomeReady()
    guard (try? UnitName(request.name)) != nil else { throw .badRequest("invalid unit name \"\(request.name)\"") }
    let place = RegistryLayout.Place.roll(request.name)
    let kept = try await storing("reading the roll") { () async throws(EtcdError) in try await registry.current(place) }
    await seen(kept.index)
    let old = kept.node?.value.flatMap(Roll.init(value:))
    if let old, !old.isOver { throw Self.underWay(old) }
    let file = request.options.isEmpty ? nil : UnitFile(options: request.options)
    let roll = try view.image.roll(for: request, file)
    if roll.phase == .done { return roll }
    let written = try await storing("writing the roll") { () async throws(EtcdError) -> EtcdIndex? in
      // Once before and once after the roll, as for a unit: an unused file may be removed in between.
      if let file { _ = try await registry.putFile(file) }
      guard let index = try await registry.replace(place, roll.json.text, at: kept.node?.modifiedIndex) else {
        return nil
      }
      return if let file { try await registry.putFile(file) } else { index }
    }
    guard let written else { throw .conflict("a roll of \(request.name) was begun by somebody else at the same time") }
    await seen(written)
    return roll
  }

  func changeRoll(of name: String, _ change: RollChange) async throws(FleetAPIError) -> Roll {
    try await becomeReady()
    // The engine writes too, so it may take several looks.
    for _ in 0..<Self.attempts {
      let kept = try await storing("reading the roll") { () async throws(EtcdError) in
        try await registry.current(.roll(name))
      }
      guard let node = kept.node, var roll = node.value.flatMap(Roll.init(value:)) else { throw Self.unknown(name) }
      guard roll.change(change) else { throw Self.refusal(of: change, roll) }
      let text = roll.json.text
      let index = try await storing("writing the roll") { () async throws(EtcdError) in
        try await registry.replace(.roll(name), text, at: node.modifiedIndex)
      }
      guard let index else { continue }
      await seen(index)
      return roll
    }
    throw .conflict("the roll of \(name) changes too fast; ask again")
  }

  func rebalancing(withPlan: Bool) async throws(FleetAPIError) -> RebalancingReport {
    try await becomeReady()
    let image = view.image
    let last = image.rebalancing?.value
    return RebalancingReport(
      last: last,
      isAutomatic: image.rebalancesAutomatically,
      plan: withPlan ? ClusterReconciler.rebalancingPlan(for: image.snapshot(areAbsentMachinesLost: false)) : [],
      waitsFor: last?.isGoingOn ?? false ? image.rolls.goingOn.sorted() : []
    )
  }

  func beginRebalancing() async throws(FleetAPIError) -> Rebalancing {
    try await becomeReady()
    for _ in 0..<Self.attempts {
      let kept = try await storing("reading the rebalancing") { () async throws(EtcdError) in
        try await registry.current(.rebalancing)
      }
      if let old = kept.node?.value.flatMap(Rebalancing.init(value:)), old.isGoingOn { return old }
      let new = Rebalancing()
      let index = try await storing("writing the rebalancing") { () async throws(EtcdError) in
        try await registry.replace(.rebalancing, new.json.text, at: kept.node?.modifiedIndex)
      }
      guard let index else { continue }
      await seen(index)
      return new
    }
    throw .conflict("the rebalancing changes too fast; ask again")
  }

  func setRebalancesAutomatically(_ isAutomatic: Bool) async throws(FleetAPIError) {
    try await becomeReady()
    let key = registry.layout.key(.rebalancingSwitch)
    let value = isAutomatic ? "true" : "false"
    let index = try await storing("writing the switch") { () async throws(EtcdError) in
      try await registry.store.write(key, .set(value: value, isDirectory: false, ttl: .permanent, refresh: false))
    }
    await seen(index)
  }

  // MARK: Errors

  private static func unknown(_ name: String) -> FleetAPIError { .notFound("there is no roll of \(name)") }

  private static func underWay(_ roll: Roll) -> FleetAPIError {
    let what =
      switch roll.phase {
      case .paused: "is paused: resume it or roll it back"
      case .stopped: "has stopped: resume it or roll it back"
      case .rollingBack: "is being rolled back"
      case .rolling, .done, .rolledBack, .superseded: "is under way"
      }
    return .conflict("a roll of \(roll.name) \(what)")
  }

  private static func refusal(of change: RollChange, _ roll: Roll) -> FleetAPIError {
    if change == .rollback, roll.hash == nil {
      return .conflict(
        "the roll of \(roll.name) restarts copies with the file they have; there is nothing to go back to"
      )
    }
    return .conflict("the roll of \(roll.name) is \(roll.phase.rawValue); \(change.rawValue) is not possible")
  }
}

extension Roll {
  fileprivate mutating func change(_ change: RollChange) -> Bool {
    switch change {
    case .pause: pause()
    case .resume: resume()
    case .rollback: rollBack()
    }
  }
}

extension RegistryImage {
  /// The roll that a request comes to; one that is done when every copy has the file already.
  fileprivate func roll(for request: RollRequest, _ file: UnitFile?) throws(FleetAPIError) -> Roll {
    let names = unitsToRoll(request.name).filter { file != nil || jobs[$0]?.targetState?.value == .launched }
    guard !names.isEmpty else {
      throw .notFound(
        file == nil
          ? "nothing of \(request.name) is launched that could be restarted"
          : "there is nothing to roll of \(request.name)"
      )
    }
    guard names.count <= Roll.maximumCopies else {
      throw .badRequest("\(request.name) has \(names.count) copies; a roll has at most \(Roll.maximumCopies)")
    }
    let isGlobal = names.contains { jobs[$0]?.isGlobal ?? false }
    guard !isGlobal || names == [request.name] else {
      throw .badRequest("instances of \(request.name) are global units; roll each by its name")
    }
    if let file { try check(file, request.name, isGlobal) }
    for name in names {
      guard let other = rolls.openRoll(of: name, except: request.name) else { continue }
      throw .conflict("\(name) is part of the roll of \(other), which is not over")
    }
    var roll = Roll(
      name: request.name,
      isGlobal: isGlobal,
      hash: file?.hash,
      maxUnavailable: request.maxUnavailable,
      healthTimeout: .milliseconds(request.healthTimeoutMilliseconds),
      copies: names.compactMap { name in jobs[name]?.hash.map { RollCopy(unit: name, oldHash: $0) } }
    )
    if let hash = roll.hash, roll.copies.allSatisfy({ $0.oldHash == hash }) { roll.phase = .done }
    return roll
  }

  private func unitsToRoll(_ name: String) -> [String] {
    guard let parsed = try? UnitName(name), parsed.isTemplate else { return jobs[name]?.hash == nil ? [] : [name] }
    return family(of: name)
  }

  private func check(_ file: UnitFile, _ name: String, _ isGlobal: Bool) throws(FleetAPIError) {
    do {
      try file.validateRequirements()
    } catch {
      throw .badRequest(error.description)
    }
    guard UnitRequirements(of: file, unitName: name).isGlobal == isGlobal else {
      throw .badRequest("a roll cannot make \(name) global, or no longer global; destroy it and start it anew")
    }
  }
}
