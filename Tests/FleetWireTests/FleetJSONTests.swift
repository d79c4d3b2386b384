// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import Testing
import Units

@testable import FleetWire

/// Bodies as real fleetd sends them.
@Suite struct FleetJSONTests {
  let options = [UnitOption(section: "Service", name: "ExecStart", value: "/bin/sleep 1000")]

  @Test func `a unit is written as fleet writes it`() {
    let unit = FleetUnit(name: "nods.service", options: options, desiredState: .launched, currentState: .inactive)
    #expect(
      unit.json.text
        == #"{"currentState":"inactive","desiredState":"launched","name":"nods.service","#
        + #""options":[{"name":"ExecStart","section":"Service","value":"/bin/sleep 1000"}]}"#
    )
    #expect(FleetUnit(json: unit.json) == unit)
  }

  @Test func `a global unit has neither current state nor machine, an empty value no field`() {
    let unit = FleetUnit(
      name: "g.service",
      options: [UnitOption(section: "Service", name: "ExecStart", value: "")],
      desiredState: .launched,
      currentState: nil
    )
    #expect(
      unit.json.text
        == #"{"desiredState":"launched","name":"g.service","options":[{"name":"ExecStart","section":"Service"}]}"#
    )
    #expect(FleetUnit(json: unit.json) == unit)
  }

  @Test func `reasons are carried along`() {
    let unit = FleetUnit(
      name: "a.service",
      options: options,
      desiredState: .launched,
      currentState: .inactive,
      reason: "none of the 1 machines takes the unit",
      refusals: [FleetRefusal(machineID: "m1", reason: "local Machine metadata insufficient")]
    )
    #expect(FleetUnit(json: unit.json) == unit)
    #expect(unit.json.text.contains(#""refusals":[{"machineID":"m1","reason":"local Machine metadata insufficient"}]"#))
  }

  @Test func `states and machines are written as fleet writes them`() {
    let unitState = FleetUnitState(
      name: "hello.service",
      hash: "22f25e029e50c9a5eece8467b98a9d0d60e40b97",
      machineID: "164546f60261c7e4be0c5f5f9aaeec86",
      loadState: "loaded",
      activeState: "active",
      subState: "running"
    )
    #expect(
      unitState.json.text
        == #"{"hash":"22f25e029e50c9a5eece8467b98a9d0d60e40b97","machineID":"164546f60261c7e4be0c5f5f9aaeec86","#
        + #""name":"hello.service","systemdActiveState":"active","systemdLoadState":"loaded","#
        + #""systemdSubState":"running"}"#
    )
    #expect(FleetUnitState(json: unitState.json) == unitState)
    let machine = FleetMachine(
      id: "164546f60261c7e4be0c5f5f9aaeec86",
      primaryIP: "10.9.0.1",
      metadata: ["region": "us", "disk": "ssd"]
    )
    #expect(
      machine.json.text
        == #"{"id":"164546f60261c7e4be0c5f5f9aaeec86","metadata":{"disk":"ssd","region":"us"},"primaryIP":"10.9.0.1"}"#
    )
    #expect(FleetMachine(json: machine.json) == machine)
  }

  @Test func `an error is written as fleet writes it`() {
    #expect(FleetAPIError.unitDoesNotExist.json.text == #"{"error":{"code":404,"message":"unit does not exist"}}"#)
    #expect(FleetAPIError(httpStatus: 404, body: FleetAPIError.unitDoesNotExist.json) == .unitDoesNotExist)
    #expect(FleetAPIError(httpStatus: 502, body: nil) == .other(httpStatus: 502, message: ""))
    #expect("\(FleetAPIError.unitDoesNotExist)" == "Error 404: unit does not exist")
    #expect("\(FleetAPIError.unexplained(httpStatus: 404, body: "x"))" == "got HTTP response code 404 with body: x")
    #expect("\(FleetAPIError.unreachable("no route"))" == "no route")
  }

  @Test func `reports, lines and explanations come back as they were`() {
    let line = JournalLine(epochMilliseconds: 1, source: "app", processID: 7, text: "hello")
    let report = UnitStatusReport(
      name: "a.service",
      description: "A",
      machineID: "m1",
      loadState: "loaded",
      activeState: "active",
      subState: "running",
      sinceEpochMilliseconds: 5,
      mainProcessID: 7,
      containerID: "c1",
      mainStatus: "running",
      commands: [.init(option: "ExecStartPre", line: "/bin/true", processID: 6, status: "0/SUCCESS")],
      warnings: ["Slice= is not carried out", "another"],
      journal: [line]
    )
    #expect(UnitStatusReport(json: report.json) == report)
    let explanation = UnitExplanation(
      name: "a.service",
      targetState: .launched,
      currentState: nil,
      isGlobal: true,
      machineID: nil,
      summary: "s",
      refusals: [FleetRefusal(machineID: "m1", reason: "r")]
    )
    #expect(UnitExplanation(json: explanation.json) == explanation)
  }

  func request(_ body: String, _ contentTypes: [String] = ["application/json"]) throws(FleetAPIError)
    -> FleetUnitRequest
  {
    try FleetUnitRequest(body: body.utf8, contentTypes: contentTypes)
  }

  @Test func `a request body is read, whatever the charset`() throws {
    let body = #"{"desiredState":"launched","name":"a.service","options":[{"section":"S","name":"N"}]}"#
    let expected = FleetUnitRequest(
      name: "a.service",
      options: [UnitOption(section: "S", name: "N", value: "")],
      desiredState: "launched"
    )
    #expect(try request(body, ["application/json; charset=utf-8"]) == expected)
    #expect(try request(expected.json.text) == expected)
  }

  @Test func `a request must say that it is JSON, once, and be it`() {
    #expect(throws: FleetAPIError.unsupportedMediaType("expected 1 Content-Type, got 0")) { try request("{}", []) }
    #expect(throws: FleetAPIError.unsupportedMediaType("expected 1 Content-Type, got 2")) {
      try request("{}", ["application/json", "application/json"])
    }
    #expect(throws: FleetAPIError.unsupportedMediaType("only acceptable Content-Type is application/json")) {
      try request("{}", ["text/plain"])
    }
    for body in ["garbage", "", "[]", #"{"options":[1]}"#] {
      let error = #expect(throws: FleetAPIError.self, "\(body)") { try request(body) }
      #expect(error?.httpStatus == 400)
      #expect(error?.message.hasPrefix("unable to decode body: ") ?? false)
    }
  }

  @Test(arguments: [
    ("garbage", "invalid character 'g' looking for beginning of value"), ("", "EOF"), (" \n", "EOF"),
    (#"{"name":"#, "unexpected EOF"), (#"{"name" "a"}"#, #"invalid character '"' after object key"#),
    ("{name}", "invalid character 'n' looking for beginning of object key string"),
    (#"{"name":"a";}"#, "invalid character ';' after object key:value pair"),
    (#"{"options":[{} {}]}"#, "invalid character '{' after array element"),
    ("[]", "json: cannot unmarshal array into Go value of type schema.Unit"),
    (#"{"name":5}"#, "json: cannot unmarshal number into Go struct field Unit.name of type string"),
    (
      #"{"options":{}}"#, "json: cannot unmarshal object into Go struct field Unit.options of type []*schema.UnitOption"
    ),
    (#"{"options":[1]}"#, "json: cannot unmarshal number into Go value of type schema.UnitOption"),
  ])
  func `a body that cannot be read is refused in the words of Go's decoder`(body: String, message: String) {
    #expect(throws: FleetAPIError.badRequest("unable to decode body: \(message)")) { try request(body) }
  }

  @Test func `a body is read as Go reads it: names in any case, null as nothing, what follows not at all`() throws {
    let read = try request(#"{"Name":"a.service","OPTIONS":null,"desiredstate":"loaded","machineID":7} trailing"#)
    #expect(read == FleetUnitRequest(name: "a.service", desiredState: "loaded"))
    #expect(try request("null") == FleetUnitRequest())
  }

  @Test(arguments: [
    ("x", "invalid character 'x' looking for beginning of value"),
    ("{}", "json: cannot unmarshal object into Go value of type []api.machineMetadataOp"),
    (#"[{"op":1}]"#, "json: cannot unmarshal number into Go struct field machineMetadataOp.op of type string"),
    (#"["a"]"#, "json: cannot unmarshal string into Go value of type api.machineMetadataOp"),
  ])
  func `metadata operations that cannot be read are refused in the words of Go's decoder`(body: String, message: String)
  {
    #expect(throws: FleetAPIError.badRequest(message)) { try MachineMetadataOperation.operations(body: body.utf8) }
  }

  @Test(arguments: [
    #"[{"op":"add","path":"/m1/metadata/foo","value":{"value":"bar"}}]"#,
    #"[{"op":"add","path":"/m1/metadata/foo","Value":{"Value":"bar"}}]"#,
    #"[{"op":"add","path":"/m1/metadata/foo","value":"bar"}]"#,
  ])
  func `metadata operations are read in fleet's form and in its documentation's`(body: String) throws {
    let operations = try MachineMetadataOperation.operations(body: body.utf8)
    #expect(operations == [MachineMetadataOperation(operation: "add", path: "/m1/metadata/foo", value: "bar")])
    let change = try operations[0].validated()
    #expect(change == ("m1", "foo", "bar"))
  }

  @Test(arguments: [
    ("noop", "/x/metadata/disk", "hdd", "invalid op: expect add, remove, or replace"),
    ("add", "/x/foo", "hdd", "machine metadata path invalid"),
    ("add", "/x/metadata/a/b", "hdd", "machine metadata path invalid"),
    ("add", "/x/metadata/..", "hdd", "machine metadata path invalid"),
    ("add", "/x/metadata/fo o", "hdd", "machine metadata path invalid"),
    ("add", "/x/metadata/foo", "", "invalid value: add and replace require a value"),
  ])
  func `a wrong metadata operation is refused`(operation: String, path: String, value: String, message: String) {
    #expect(throws: FleetAPIError.badRequest(message)) {
      _ = try MachineMetadataOperation(operation: operation, path: path, value: value).validated()
    }
  }
}

@Suite struct FleetPageTests {
  @Test func `a listing is cut into pages that lead to each other`() throws {
    let entries = Array(0..<250)
    let first = try FleetPage(tokens: []).cut(entries)
    #expect(first.entries == entries[0..<100] && first.nextPageToken == "ZAACAA==")
    let second = try FleetPage(tokens: ["ZAACAA=="]).cut(entries)
    #expect(second.entries == entries[100..<200])
    let third = try FleetPage(tokens: [#require(second.nextPageToken)]).cut(entries)
    #expect(third.entries == entries[200...] && third.nextPageToken == nil)
  }

  @Test func `a full last page has no successor, and a page past the end is empty`() throws {
    #expect(try FleetPage(tokens: []).cut(Array(0..<100)).nextPageToken == nil)
    #expect(try FleetPage(tokens: ["ZAACAA=="]).json("units", [1, 2], { $0 }).text == "{}")
    #expect(try FleetPage(tokens: []).json("units", [JSONValue](), { $0 }).text == "{}")
    #expect(
      try FleetPage(tokens: [], limit: 1).json("units", [1, 2], { $0 }).text
        == #"{"nextPageToken":"AQACAA==","units":[1]}"#
    )
  }

  @Test func `more entries than fit 16 bits can be paged`() throws {
    let entries = Array(0..<70_000)
    let page = try FleetPage(tokens: [FleetPage.token(limit: 100, number: 700)]).cut(entries)
    #expect(page.entries == entries[69_900..<70_000])
  }

  @Test(arguments: [
    (["EwBMLg=="], "token limit must be 100"), (["ZAAAAA=="], "token page must be greater than zero"),
    ([""], "EOF"), (["!!"], "illegal base64 data at input byte 0"),
    (["ZAABAA==", "ZAABAA=="], "too many values for page token"),
  ])
  func `a wrong token is refused in fleet's words`(tokens: [String], message: String) {
    #expect(throws: FleetAPIError.badRequest(message)) { try FleetPage(tokens: tokens) }
  }
}

@Suite struct RegistryLayoutTests {
  let layout = RegistryLayout(prefix: "/_coreos.com/fleet/")
  let hash = UnitFile(options: []).hash

  @Test func `keys are fleet's, and lead back to their places`() {
    let places: [(RegistryLayout.Place, String)] = [
      (.machine("m1"), "/machines/m1/object"),
      (.machineMetadata(machineID: "m1", key: "k"), "/machines/m1/metadata/k"),
      (.unitFile(hash), "/unit/da39a3ee5e6b4b0d3255bfef95601890afd80709"),
      (.job("a.service"), "/job/a.service/object"),
      (.targetState("a.service"), "/job/a.service/target-state"),
      (.target("a.service"), "/job/a.service/target"),
      (.jobState("a.service"), "/job/a.service/job-state"),
      (.unitState(unit: "a.service", machineID: "m1"), "/states/a.service/m1"),
      (.engineLease, "/lease/engine-leader"), (.engineVersion, "/engine/version"),
    ]
    for (place, key) in places {
      #expect(layout.key(place) == "/_coreos.com/fleet" + key)
      #expect(layout.place(of: layout.key(place)) == place)
    }
    for key in ["/job", "/job/a.service", "/job/a.service/other", "/unit/xyz", "/state/a.service", "/machines/m1"] {
      #expect(layout.place(of: "/_coreos.com/fleet" + key) == nil)
    }
    #expect(layout.place(of: "/_coreos.com/fleetx/job/a/object") == nil)
  }

  @Test func `values are fleet's and read back`() throws {
    let machine = MachineRecord(
      id: "m1",
      publicIP: "10.0.0.1",
      metadata: ["b": "2", "a": "1"],
      instanceToken: "t",
      clientURL: "http://x:1"
    )
    #expect(
      machine.value
        == #"{"ID":"m1","PublicIP":"10.0.0.1","Metadata":{"a":"1","b":"2"},"#
        + #""Capabilities":{"DISABLE_ENGINE":false,"GRPC":false},"Version":"1.0.0","#
        + #""InstanceToken":"t","ClientURL":"http://x:1"}"#
    )
    #expect(MachineRecord(value: machine.value) == machine)
    let job = JobRecord(name: "a.service", hash: hash)
    #expect(
      job.value
        == #"{"Name":"a.service","UnitHash":[218,57,163,238,94,107,75,13,50,85,191,239,149,96,24,144,175,216,7,9]}"#
    )
    #expect(JobRecord(value: job.value) == job)
    let file = UnitFile(options: [UnitOption(section: "A", name: "b", value: "c")])
    #expect(UnitFileRecord.value(of: file) == #"{"Raw":"[A]\nb=c\n"}"#)
    #expect(UnitFileRecord.file(in: UnitFileRecord.value(of: file)) == file)
    let unitState = UnitStateRecord(loadState: "loaded", activeState: "active", subState: "running", hash: "ab")
    #expect(UnitStateRecord(value: unitState.value(machineID: "m1")) == unitState)
    let lease = EngineLeaseRecord(machineID: "m1")
    #expect(lease.value == #"{"MachineID":"m1","Version":1}"#)
    #expect(EngineLeaseRecord(value: lease.value) == lease)
    #expect(EngineLeaseRecord(value: "m2") == EngineLeaseRecord(machineID: "m2", version: 0))
  }
}
