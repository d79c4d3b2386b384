// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Testing
import TestKit
import Units

@testable import FleetDaemon

@Suite struct RegistryImageTests {
  let layout = RegistryLayout()
  let file = UnitFile(options: [UnitOption(section: "X-Fleet", name: "Global", value: "true")])
  let plain = UnitFile(options: [UnitOption(section: "Service", name: "ExecStart", value: "/bin/true")])

  /// A store, and an image that follows it from the beginning.
  struct Followed {
    var store = Store()
    var image = RegistryImage(layout: RegistryLayout(), machineID: "m1")

    @discardableResult
    mutating func write(_ key: String, _ write: KeysWrite) -> RegistryChanges {
      var all = RegistryChanges()
      let outcome = store.apply(.write(key: key, write), at: Timestamp(nanosecondsSinceEpoch: 0))
      for event in outcome.events {
        let changes = image.apply(event)
        all.units.formUnion(changes.units)
        all.machines.formUnion(changes.machines)
        all.concernsAgent = all.concernsAgent || changes.concernsAgent
        all.concernsLease = all.concernsLease || changes.concernsLease
        all.ownStates.formUnion(changes.ownStates)
      }
      return all
    }

    @discardableResult
    mutating func set(_ place: RegistryLayout.Place, _ value: String) -> RegistryChanges {
      write(RegistryLayout().key(place), .set(value: value, isDirectory: false, ttl: .permanent, refresh: false))
    }

    /// What a machine that lists the registry now sees.
    func listed() throws -> RegistryImage {
      let layout = RegistryLayout()
      let listing = try? store.get(layout.prefix, recursive: true, at: Timestamp(nanosecondsSinceEpoch: 0)).node
      return RegistryImage(layout: layout, machineID: "m1", listing: listing, at: store.etcdIndex)
    }
  }

  func put(_ name: String, _ file: UnitFile, in followed: inout Followed) {
    followed.set(.unitFile(file.hash), UnitFileRecord.value(of: file))
    followed.set(.job(name), JobRecord(name: name, hash: file.hash).value)
    followed.set(.targetState(name), "launched")
  }

  @Test func `a change wakes only whom it concerns`() {
    var followed = Followed()
    put("a.service", plain, in: &followed)
    let elsewhere = followed.set(.target("a.service"), "m2")
    #expect(elsewhere.concernsEngine && !elsewhere.concernsAgent && elsewhere.ownStates.isEmpty)
    let here = followed.set(.target("a.service"), "m1")
    #expect(here.concernsAgent)
    let away = followed.set(.target("a.service"), "m2")
    #expect(away.concernsAgent, "the machine that loses the unit must hear of it")
    let states = followed.set(.unitState(unit: "a.service", machineID: "m2"), "{}")
    #expect(!states.concernsEngine && !states.concernsAgent && states.ownStates.isEmpty)
    let lease = followed.set(.engineLease, EngineLeaseRecord(machineID: "m2").value)
    #expect(lease.concernsLease && !lease.concernsEngine)
  }

  @Test func `a unit whose file comes after it is read then`() {
    var followed = Followed()
    followed.set(.job("g.service"), JobRecord(name: "g.service", hash: file.hash).value)
    followed.set(.targetState("g.service"), "launched")
    #expect(followed.image.desiredUnits().isEmpty)
    #expect(followed.image.snapshot(areAbsentMachinesLost: true).jobs.map(\.isFileKnown) == [false])
    let changes = followed.set(.unitFile(file.hash), UnitFileRecord.value(of: file))
    #expect(changes.concernsAgent && changes.concernsEngine)
    #expect(followed.image.desiredUnits().map(\.name) == ["g.service"])
  }

  @Test func `removing a unit's directory removes the unit and nothing else`() {
    var followed = Followed()
    put("a.service", plain, in: &followed)
    put("ab.service", plain, in: &followed)
    followed.set(.target("a.service"), "m1")
    let changes = followed.write(layout.jobDirectory("a.service"), .delete(isDirectory: true, recursive: true))
    #expect(changes.concernsAgent)
    #expect(followed.image.jobs.keys.sorted() == ["ab.service"])
    #expect(followed.image.isUsed(plain.hash))
  }

  @Test(arguments: ["/_coreos.com", "/_coreos.com/fleet", "/_coreos.com/fleet/job"])
  func `removing a directory further up removes all below it`(directory: String) throws {
    var followed = Followed()
    put("a.service", plain, in: &followed)
    followed.set(.machine("m1"), MachineRecord(id: "m1", publicIP: "", metadata: [:]).value)
    followed.write(directory, .delete(isDirectory: true, recursive: true))
    #expect(followed.image.jobs.isEmpty)
    #expect(followed.image.machines.isEmpty == (directory != "/_coreos.com/fleet/job"))
  }

  @Test func `what cannot be read is left out`() {
    var followed = Followed()
    followed.set(.machine("m1"), "garbage")
    followed.set(.job("a.service"), "garbage")
    followed.set(.targetState("b.service"), "bogus")
    followed.set(.unitState(unit: "a.service", machineID: "m1"), "garbage")
    #expect(followed.image.machines.isEmpty)
    #expect(followed.image.jobs.isEmpty)
    #expect(followed.image.unitStates.isEmpty)
  }

  @Test func `dynamic metadata overrides, and hides with an empty value`() {
    var followed = Followed()
    let record = MachineRecord(id: "m2", publicIP: "", metadata: ["disk": "ssd", "region": "us"])
    followed.set(.machine("m2"), record.value)
    followed.set(.machineMetadata(machineID: "m2", key: "disk"), "")
    followed.set(.machineMetadata(machineID: "m2", key: "foo"), "bar")
    #expect(followed.image.metadata(of: "m2") == ["region": "us", "foo": "bar"])
  }

  @Test func `the current state follows from what the target machine says`() {
    var followed = Followed()
    put("a.service", plain, in: &followed)
    #expect(followed.image.currentState(of: "a.service") == .inactive)
    followed.set(.target("a.service"), "m2")
    followed.set(.unitState(unit: "a.service", machineID: "m1"), "{}")
    #expect(followed.image.currentState(of: "a.service") == .inactive, "another machine's word does not count")
    followed.set(.unitState(unit: "a.service", machineID: "m2"), "{}")
    #expect(followed.image.currentState(of: "a.service") == .loaded)
    followed.set(.jobState("a.service"), "m2")
    #expect(followed.image.currentState(of: "a.service") == .launched)
  }

  @Test(arguments: 1...20)
  func `following events gives what a listing gives`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var followed = Followed()
    let names = ["a.service", "b.service", "c@1.service"]
    let machines = ["m1", "m2"]
    for _ in 0..<200 {
      let name = names.randomElement(using: &generator) ?? ""
      let machine = machines.randomElement(using: &generator) ?? ""
      let unitFile = [file, plain].randomElement(using: &generator) ?? file
      let remove = KeysWrite.delete(isDirectory: false, recursive: false)
      switch UInt64.random(in: 0..<11, using: &generator) {
      case 0: followed.set(.unitFile(unitFile.hash), UnitFileRecord.value(of: unitFile))
      case 1: followed.set(.job(name), JobRecord(name: name, hash: unitFile.hash).value)
      case 2: followed.set(.targetState(name), "loaded")
      case 3: followed.set(.target(name), machine)
      case 4: followed.set(.jobState(name), machine)
      case 5: followed.set(.unitState(unit: name, machineID: machine), "{}")
      case 6: followed.set(.machine(machine), MachineRecord(id: machine, publicIP: "", metadata: [:]).value)
      case 7: followed.set(.machineMetadata(machineID: machine, key: "k"), "v")
      case 8: followed.write(layout.jobDirectory(name), .delete(isDirectory: true, recursive: true))
      case 9: followed.write(layout.key(.target(name)), remove)
      default: followed.write(layout.key(.unitFile(unitFile.hash)), remove)
      }
    }
    let listed = try followed.listed()
    let image = followed.image
    #expect(
      image.snapshot(areAbsentMachinesLost: true) == listed.snapshot(areAbsentMachinesLost: true)
    )
    #expect(image.desiredUnits() == listed.desiredUnits())
    #expect(
      image.files.keys.sorted { $0.description < $1.description }
        == listed.files.keys.sorted { $0.description < $1.description }
    )
    for name in names { #expect(image.currentState(of: name) == listed.currentState(of: name)) }
    #expect(image.index == listed.index)
    #expect(image.unitsByTarget == listed.unitsByTarget)
    #expect(image.unitsByLauncher == listed.unitsByLauncher)
    #expect(image.unitsByPublisher == listed.unitsByPublisher)
    #expect(image.absentPublishers == listed.absentPublishers)
    #expect(image.orphanedUnits == listed.orphanedUnits)
    #expect(image.unusedFiles == listed.unusedFiles)
    #expect(image.drainingMachines == listed.drainingMachines)
    #expect(image.orphanedUnits == Set(image.jobs.filter { $0.value.hash == nil }.keys))
    #expect(image.unusedFiles == Set(image.files.keys.filter { !image.isUsed($0) }))
  }

  @Test func `a machine that is being drained keeps what it gave away until that runs elsewhere`() throws {
    var followed = Followed()
    let running = UnitStateRecord(loadState: "loaded", activeState: "active", subState: "running", hash: "")
    let starting = UnitStateRecord(loadState: "loaded", activeState: "activating", subState: "start", hash: "")
    func states(on id: String) -> RegistryLayout.Place { .unitState(unit: "a.service", machineID: id) }
    for id in ["m1", "m2"] { followed.set(.machine(id), MachineRecord(id: id, publicIP: "", metadata: [:]).value) }
    put("a.service", plain, in: &followed)
    followed.set(.target("a.service"), "m1")
    followed.set(states(on: "m1"), running.value(machineID: "m1"))
    followed.set(.machineMetadata(machineID: "m1", key: Machine.drainingKey), "true")
    #expect(followed.image.machine("m1")?.isDraining == true)
    #expect(followed.image.machinesReadyToDrain == ["m1"])
    followed.set(.target("a.service"), "m2")
    #expect(followed.image.machinesReadyToDrain.isEmpty, "one after another")
    #expect(followed.image.desiredUnits() == [DesiredUnit(name: "a.service", hash: nil, targetState: .launched)])
    #expect(followed.image.desiredUnits(on: "m2").map(\.runsOn) == [nil], "it is started there first")
    #expect(followed.set(states(on: "m2"), starting.value(machineID: "m2")).concernsAgent)
    #expect(followed.image.desiredUnits().map(\.name) == ["a.service"])
    followed.set(states(on: "m2"), running.value(machineID: "m2"))
    #expect(followed.image.desiredUnits().isEmpty)
    let gone = followed.write(layout.key(states(on: "m1")), .delete(isDirectory: false, recursive: false))
    #expect(gone.concernsEngine, "the next one may go")
    #expect(followed.image.machinesReadyToDrain == ["m1"])
  }

  @Test func `a unit waits for another present machine that runs it, and is told when that is over`() throws {
    var followed = Followed()
    let running = UnitStateRecord(loadState: "loaded", activeState: "active", subState: "running", hash: "")
    let stopped = UnitStateRecord(loadState: "loaded", activeState: "inactive", subState: "dead", hash: "")
    followed.set(.machine("m1"), MachineRecord(id: "m1", publicIP: "", metadata: [:]).value)
    followed.set(.machine("m2"), MachineRecord(id: "m2", publicIP: "", metadata: [:]).value)
    put("a.service", plain, in: &followed)
    followed.set(.target("a.service"), "m1")
    #expect(followed.image.desiredUnits().map(\.runsOn) == [nil])
    let place = RegistryLayout.Place.unitState(unit: "a.service", machineID: "m2")
    #expect(followed.set(place, running.value(machineID: "m2")).concernsAgent)
    #expect(followed.image.desiredUnits().map(\.runsOn) == ["m2"])
    #expect(followed.set(place, stopped.value(machineID: "m2")).concernsAgent)
    #expect(followed.image.desiredUnits().map(\.runsOn) == [nil])
    followed.set(place, running.value(machineID: "m2"))
    let lost = followed.write(layout.key(.machine("m2")), .delete(isDirectory: false, recursive: false))
    #expect(lost.concernsAgent)
    #expect(followed.image.desiredUnits().map(\.runsOn) == [nil], "what a lost machine said holds up nobody")
  }
}
