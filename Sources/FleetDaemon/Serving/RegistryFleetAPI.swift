// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Units

/// fleet's API over the registry: listings from the view, decisions from the store itself.
struct RegistryFleetAPI: FleetAPI, RegistryServing {
  let registry: Registry
  let view: RegistryView
  let presence: Presence
  private let listings = UnitListings()

  init(registry: Registry, view: RegistryView, presence: Presence) {
    self.registry = registry
    self.view = view
    self.presence = presence
  }

  func checkReady() throws(FleetAPIError) {
    guard presence.isReady, view.isLive else { throw .storeUnreachable }
  }

  func waitUntilReady() async throws(FleetAPIError) { try await becomeReady() }

  func machines() async throws(FleetAPIError) -> [FleetMachine] {
    try await becomeReady()
    let image = view.image
    return image.presentMachines.map { machine in
      let record = image.machines[machine.id]?.value
      let clientURL = record?.clientURL ?? ""
      return FleetMachine(
        id: machine.id,
        primaryIP: record?.publicIP ?? "",
        metadata: machine.metadata,
        clientURL: clientURL.isEmpty ? nil : clientURL
      )
    }
  }

  func patchMachines(_ operations: [MachineMetadataOperation]) async throws(FleetAPIError) {
    try await becomeReady()
    var changes: [(machineID: String, key: String, value: String)] = []
    for operation in operations { changes.append(try operation.validated()) }
    var newest = EtcdIndex.zero
    for change in changes {
      newest = try await storing("changing machine metadata") { () async throws(EtcdError) in
        try await registry.setMetadata(change.key, to: change.value, of: change.machineID)
      }
    }
    await seen(newest)
  }

  func units() async throws(FleetAPIError) -> [FleetUnit] {
    try await becomeReady()
    return listings.units(of: view.image)
  }

  func unit(named name: String) async throws(FleetAPIError) -> FleetUnit {
    try await becomeReady()
    if view.read({ $0.jobs[name]?.hash == nil }) { try await lookForUnseen(name) }
    let image = view.image
    guard let unit = image.unit(named: name) else { throw .unitDoesNotExist }
    guard let job = image.jobs[name]?.job(named: name), job.isWanted, !job.requirements.isGlobal,
      unit.machineID == nil
    else { return unit }
    return unit.explained(by: ClusterReconciler.plan(for: image.snapshot(areAbsentMachinesLost: false)), in: image)
  }

  func putUnit(named name: String, _ request: FleetUnitRequest) async throws(FleetAPIError) -> FleetUnitPutOutcome {
    try await becomeReady()
    try UnitPutDecision.validatedName(request, named: name)
    // What the view shows saves asking the store; when the store has it otherwise, it is asked after all.
    let shown = view.read { $0.jobs[name]?.hash }
    if shown == nil || request.options.isEmpty {
      do {
        return try await put(name, request, existing: shown)
      } catch .conflict, .notFound {}
    }
    let existing = try await storing("reading the unit") { () async throws(EtcdError) in
      try await registry.currentHash(of: name)
    }
    return try await put(name, request, existing: existing)
  }

  private func put(
    _ name: String,
    _ request: FleetUnitRequest,
    existing: UnitHash?
  ) async throws(FleetAPIError) -> FleetUnitPutOutcome {
    let decision = try UnitPutDecision(request, named: name, existing: existing)
    let index = try await storing("writing the unit") { () async throws(EtcdError) in
      switch decision {
      case .create(let file, let targetState):
        try await registry.put(file, as: name, replacing: nil, targetState: targetState)
      case .replace(let file, let targetState):
        try await registry.put(file, as: name, replacing: existing, targetState: targetState)
      case .setTargetState(let targetState):
        try await registry.setTargetState(targetState, of: name)
      }
    }
    await seen(index)
    if case .setTargetState = decision { return .changed }
    return .created
  }

  func destroyUnit(named name: String) async throws(FleetAPIError) {
    try await becomeReady()
    guard (try? UnitName(name)) != nil else { throw .unitDoesNotExist }
    let index = try await storing("removing the unit") { () async throws(EtcdError) in
      try await registry.destroy(name)
    }
    await seen(index)
  }

  func states(matching filter: FleetStateFilter) async throws(FleetAPIError) -> [FleetUnitState] {
    try await becomeReady()
    return view.read { image in
      let names = filter.unitName.map { [$0] } ?? image.unitStates.keys.sorted()
      return names.flatMap { name in
        (image.unitStates[name] ?? [:]).sorted { $0.key < $1.key }.map { machineID, record in
          FleetUnitState(
            name: name,
            hash: record.value.hash,
            machineID: machineID,
            loadState: record.value.loadState,
            activeState: record.value.activeState,
            subState: record.value.subState
          )
        }
      }.filter(filter.matches)
    }
  }

  /// Makes sure that a unit written through another machine a moment ago is seen.
  func lookForUnseen(_ name: String) async throws(FleetAPIError) {
    guard (try? UnitName(name)) != nil else { throw .unitDoesNotExist }
    let key = registry.layout.jobDirectory(name)
    let found: (isThere: Bool, index: EtcdIndex) = try await storing("reading the unit") { () async throws(EtcdError) in
      do throws(EtcdError) {
        let reply = try await registry.store.perform(.read(key: key, KeysRead(recursive: true, quorum: true)))
        let newest = (reply.event.node.nodes ?? []).map(\.modifiedIndex).max() ?? .zero
        return (true, newest)
      } catch  where error.code == .keyNotFound {
        return (false, .zero)
      }
    }
    guard found.isThere else { throw .unitDoesNotExist }
    await seen(found.index)
  }
}

extension RegistryImage {
  func unit(named name: String) -> FleetUnit? {
    guard let job = jobs[name], let hash = job.hash, let file = files[hash]?.value else { return nil }
    return FleetUnit(
      name: name,
      options: file.options,
      desiredState: job.targetState?.value ?? .inactive,
      currentState: currentState(of: name),
      machineID: job.isGlobal ? nil : job.target?.value
    )
  }
}

extension FleetUnit {
  func explained(by plan: ClusterPlan, in image: RegistryImage) -> FleetUnit {
    let explanation = UnitExplanation(of: self, isGlobal: false, by: plan, machineIDs: Array(image.machines.keys))
    var unit = self
    unit.reason = explanation.summary
    unit.refusals = explanation.refusals
    return unit
  }
}
