// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Units

@testable import Fleet

@Suite struct AbleToRunTests {
  struct Vectors: Decodable {
    var able_to_run: [Vector]
  }

  struct Vector: Decodable {
    var desc: String
    var action: String
    var reason: String
    var machineID: String
    var metadata: [String: String]?
    var unit: String
    var xfleet: String
    var existing: [Existing]?
  }

  struct Existing: Decodable {
    var name: String
    var xfleet: String
  }

  static func vectors() throws -> [Vector] {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/able-to-run.json")
    return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url)).able_to_run
  }

  func job(_ name: String, _ xfleet: String) throws -> Job {
    let file = try UnitFile(parsing: "[X-Fleet]\n" + xfleet)
    return Job(name: name, requirements: UnitRequirements(of: file, unitName: name), targetState: .launched)
  }

  @Test func `every decision and its reason are fleet's, replaces made directed`() throws {
    let vectors = try Self.vectors()
    #expect(vectors.count == 20)
    for vector in vectors {
      var occupancy = MachineOccupancy(machine: Machine(id: vector.machineID, metadata: vector.metadata ?? [:]))
      for existing in vector.existing ?? [] { occupancy.add(try job(existing.name, existing.xfleet)) }
      let newcomer = try job(vector.unit, vector.xfleet)
      let refusal = occupancy.refusal(of: newcomer)
      let replaced = occupancy.replacedJobs(by: newcomer).map(\.name)
      switch (vector.action, vector.desc) {
      case ("job_action_reschedule", "replaces theirs"):
        // Differs: the unit that was replaced stays away, instead of sending the other one off.
        #expect(refusal == vector.reason, "\(vector.desc)")
      case ("job_action_reschedule", _):
        #expect(refusal == nil, "\(vector.desc)")
        #expect(vector.reason == "found replace with locally-scheduled Unit(\(replaced.joined()))", "\(vector.desc)")
      case ("job_action_schedule", _):
        #expect(refusal == nil, "\(vector.desc)")
        #expect(replaced.isEmpty, "\(vector.desc)")
      case (_, "conflict template spec"):
        // Differs: fleet names the unit itself here; the one it conflicts with is what a reader needs.
        #expect(refusal == "found conflict with locally-scheduled Unit([w@2.service])")
      default:
        #expect(refusal == vector.reason, "\(vector.desc)")
      }
    }
  }

  @Test func `the checks come in fleet's order`() throws {
    var occupancy = MachineOccupancy(machine: Machine(id: "m1"))
    occupancy.add(try job("b.service", "Replaces=a.service\n"))
    let all = "MachineID=m2\nMachineMetadata=a=b\nMachineOf=c.service\nConflicts=b*\n"
    #expect(occupancy.refusal(of: try job("a.service", all)) == "agent ID \"m1\" does not match required \"m2\"")
    let noID = "MachineMetadata=a=b\nMachineOf=c.service\nConflicts=b*\n"
    #expect(occupancy.refusal(of: try job("a.service", noID)) == "local Machine metadata insufficient")
    let noMetadata = "MachineOf=c.service\nConflicts=b*\n"
    let peer = "required peer Unit(c.service) is not scheduled locally"
    #expect(occupancy.refusal(of: try job("a.service", noMetadata)) == peer)
    let conflict = "found conflict with locally-scheduled Unit([b.service])"
    #expect(occupancy.refusal(of: try job("a.service", "Conflicts=b*\n")) == conflict)
    #expect(occupancy.refusal(of: try job("a.service", "")) == "found replace with locally-scheduled Unit(b.service)")
  }

  @Test func `a unit that names itself as its peer never fits`() throws {
    var occupancy = MachineOccupancy(machine: Machine(id: "m1"))
    let selfish = try job("a.service", "MachineOf=%n\n")
    occupancy.add(selfish)
    #expect(occupancy.refusal(of: selfish) == "required peer Unit(a.service) is not scheduled locally")
  }
}
