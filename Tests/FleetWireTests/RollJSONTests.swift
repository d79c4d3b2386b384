// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import FleetWire
import Testing
import Units

/// What is kept of rolls and rebalancing comes back as it was.
@Suite struct RollJSONTests {
  @Test func `a roll comes back from its text, and half a roll does not`() throws {
    let hash = try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n").hash
    var roll = Roll(
      name: "web@.service",
      isGlobal: true,
      hash: hash,
      maxUnavailable: 3,
      healthTimeout: .milliseconds(1_500),
      copies: [
        RollCopy(unit: "web@1.service", oldHash: hash),
        RollCopy(
          unit: "web@2.service",
          machineID: "m1",
          oldHash: hash,
          isRolled: true,
          stage: .failed,
          index: 77,
          note: "failed (failed)"
        ),
      ]
    )
    roll.phase = .rollingBack
    roll.failure = RollFailure(unit: "web@2.service", machineID: "m1", reason: "failed (failed)")
    #expect(Roll(value: roll.json.text) == roll)
    let torn = roll.json.text.replacingFirst("\"stage\":\"failed\"", with: "\"stage\":\"lost\"")
    #expect(Roll(value: torn) == nil)
    #expect(Roll(value: "{}") == nil && Roll(value: "") == nil)
  }

  @Test func `a rebalancing comes back from its text`() {
    let move = UnitMove(units: ["a.service", "b.service"], from: "m1", to: "m2")
    let rebalancing = Rebalancing(phase: .stopped, current: move, moves: [move], moveCount: 5, reason: "no")
    #expect(Rebalancing(value: rebalancing.json.text) == rebalancing)
    let report = RebalancingReport(last: rebalancing, isAutomatic: true, plan: [move], waitsFor: ["web@.service"])
    #expect(RebalancingReport(json: report.json) == report)
  }

  @Test(arguments: [
    ("", "unable to decode body: a roll has a name"),
    ("{\"name\":\"a.service\"}", "health timeout must be from 1 ms to a day"),
    ("{\"name\":\"a.service\",\"healthTimeoutMilliseconds\":1}", "max unavailable must be at least 1"),
  ])
  func `a request that says too little is refused`(body: String, message: String) {
    #expect(throws: FleetAPIError.badRequest(message)) { try RollRequest(body: body.utf8) }
  }

  @Test func `keys beside fleet's are known by their places`() {
    let layout = RegistryLayout()
    for place in [RegistryLayout.Place.roll("web@.service"), .rebalancing, .rebalancingSwitch] {
      #expect(layout.place(of: layout.key(place)) == place)
    }
    #expect(layout.key(.roll("web@.service")) == "/_coreos.com/fleet/coracle/rolls/web@.service")
  }
}

extension String {
  fileprivate func replacingFirst(_ part: String, with other: String) -> String {
    guard let range = firstRange(of: part) else { return self }
    return String(self[..<range.lowerBound]) + other + self[range.upperBound...]
  }
}
