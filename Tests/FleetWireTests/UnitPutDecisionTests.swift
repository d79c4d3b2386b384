// SPDX-License-Identifier: Apache-2.0
import Fleet
import Testing
import Units

@testable import FleetWire

/// The decision of specs/fleet.md §2.4, branch by branch; texts as in fleet's own answers.
@Suite struct UnitPutDecisionTests {
  let options = [UnitOption(section: "Service", name: "ExecStart", value: "/bin/sleep 1000")]
  var file: UnitFile { UnitFile(options: options) }

  func decide(
    _ name: String = "foo.service",
    body: String = "",
    options: [UnitOption] = [],
    state: String = "",
    existing: UnitHash? = nil
  ) throws(FleetAPIError) -> UnitPutDecision {
    let request = FleetUnitRequest(name: body, options: options, desiredState: state)
    return try UnitPutDecision(request, named: name, existing: existing)
  }

  @Test func `an unknown unit with options is created, inactive unless said otherwise`() throws {
    #expect(try decide(options: options) == .create(file, .inactive))
    #expect(try decide(options: options, state: "launched") == .create(file, .launched))
    #expect(try decide(body: "foo.service", options: options, state: "loaded") == .create(file, .loaded))
    #expect(try decide("t@.service", options: options, state: "launched") == .create(file, .launched))
  }

  @Test func `a known unit with other options is replaced`() throws {
    let other = UnitFile(options: options + options).hash
    #expect(try decide(options: options, existing: other) == .replace(file, .inactive))
    #expect(try decide(options: options, state: "launched", existing: other) == .replace(file, .launched))
  }

  @Test func `a known unit with the same or no options changes its state`() throws {
    #expect(try decide(state: "launched", existing: file.hash) == .setTargetState(.launched))
    #expect(try decide(options: options, state: "loaded", existing: file.hash) == .setTargetState(.loaded))
    #expect(try decide("t@.service", state: "inactive", existing: file.hash) == .setTargetState(.inactive))
  }

  @Test(arguments: [
    ("foo.service", "", "launched", FleetAPIError.conflict("unit does not exist and options field empty")),
    (
      "foo.service", "bar.service", "",
      .badRequest("name in URL \"foo.service\" differs from unit name in request body \"bar.service\"")
    ),
    ("foo", "", "launched", .badRequest("unit name must contain \".\"")),
    ("fo o.service", "", "launched", .badRequest("invalid character ' ' in unit name")),
    ("_foo.service", "", "launched", .badRequest("unit name cannot start in \"_\"")),
  ])
  func `a request without options for an unknown unit is refused`(
    name: String,
    body: String,
    state: String,
    expected: FleetAPIError
  ) {
    #expect(throws: expected) { try decide(name, body: body, state: state) }
  }

  @Test func `a known unit needs a state it can be in`() {
    #expect(throws: FleetAPIError.conflict("must provide DesiredState to update existing unit")) {
      try decide(options: options, existing: file.hash)
    }
    #expect(throws: FleetAPIError.badRequest("cannot activate template \"t@.service\"")) {
      try decide("t@.service", state: "launched", existing: file.hash)
    }
  }

  @Test(arguments: [nil, UnitFile(options: []).hash])
  func `an unknown state is refused on create, replace and update`(existing: UnitHash?) {
    let expected = FleetAPIError.badRequest(
      "invalid desired state \"bogus\": expect inactive, loaded, or launched"
    )
    #expect(throws: expected) { try decide(options: options, state: "bogus", existing: existing) }
    #expect(throws: expected) { try decide(state: "bogus", existing: file.hash) }
  }

  @Test(arguments: [nil, UnitFile(options: []).hash])
  func `contradictory options are refused on create and on replace`(existing: UnitHash?) {
    let contradictory =
      options + [
        UnitOption(section: "X-Fleet", name: "MachineID", value: "abc"),
        UnitOption(section: "X-Fleet", name: "Conflicts", value: "x*"),
      ]
    #expect(throws: FleetAPIError.badRequest("MachineID cannot be used with Conflicts")) {
      try decide(options: contradictory, existing: existing)
    }
  }
}
