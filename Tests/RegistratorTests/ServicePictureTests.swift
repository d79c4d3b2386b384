// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Testing
import Units

@testable import Registrator

/// What is seen, what is gone and what cannot be seen.
@Suite struct ServicePictureTests {
  private static let key = "/services/nginx/core-01:web:80"
  private static let web = ContainerID("id-web")

  private func web(
    _ labels: [String: String] = [:],
    state: ContainerState = ContainerState(status: .running)
  ) throws -> ContainerDetails {
    try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"], labels: labels, state: state)
  }

  private func picture(
    _ change: (inout RegistratorConfiguration) -> Void = { _ in }
  ) throws -> ServicePicture {
    var configuration = ServiceRecordTests.configuration
    change(&configuration)
    var picture = ServicePicture(configuration: configuration)
    (picture.containers, picture.units) = ([try web()], [])
    return picture
  }

  @Test func `a lost engine's containers are judged by their processes`() throws {
    var picture = try picture()
    #expect(picture.wanted(at: .zero).values.keys.sorted() == [Self.key])
    picture.engine = .lost(processes: [Self.web: true])
    #expect(picture.wanted(at: .zero).values.keys.sorted() == [Self.key])
    picture.engine = .lost(processes: [:])
    #expect(picture.wanted(at: .zero) == WantedRecords(lingering: [Self.key]))
    picture.engine = .lost(processes: [Self.web: false])
    #expect(picture.wanted(at: .zero) == WantedRecords())
  }

  @Test func `before the engine has been seen nothing of an earlier run is removed`() throws {
    var picture = ServicePicture(configuration: ServiceRecordTests.configuration)
    let unit = RegistrableUnit(
      name: "api.service",
      isUp: true,
      isDown: false,
      announcements: [try ServiceAnnouncement(parsing: "api:81")]
    )
    picture.units = [unit]
    let first = picture.wanted(at: .zero)
    #expect(first.values.count == 1 && first.leaves(Self.key))
    picture.units = []
    let second = picture.wanted(at: .zero)
    #expect(second.leaves(Self.key) && !second.leaves("/services/api/core-01:api:81"))
    picture.containers = []
    #expect(!picture.wanted(at: .zero).leaves(Self.key))
  }

  @Test(arguments: [(0, true), (1, false), (3, false), (137, true), (143, true), (255, true)] as [(Int32, Bool)])
  func `with on-success a failed run's record is left to its time to live`(exitCode: Int32, isRemoved: Bool) throws {
    var picture = try picture { $0.deregistration = .onSuccess }
    _ = picture.wanted(at: .zero)
    picture.ended(Self.web, exitCode: exitCode, at: .seconds(1))
    picture.containers = []
    #expect(picture.wanted(at: .seconds(2)).leaves(Self.key) != isRemoved)
    #expect(!picture.wanted(at: .seconds(61)).leaves(Self.key), "its time to live is over")
    picture.ended(Self.web, exitCode: exitCode, at: .seconds(62))
    picture.containers = [try web()]
    #expect(picture.wanted(at: .seconds(63)).values[Self.key] != nil, "it runs again")
  }

  @Test func `always removes whatever the exit code`() throws {
    var picture = try picture()
    _ = picture.wanted(at: .zero)
    picture.ended(Self.web, exitCode: 1, at: .zero)
    picture.containers = []
    #expect(!picture.wanted(at: .zero).leaves(Self.key))
  }

  @Test func `a container that is told to end drains until it ends, runs anew or outlives its time`() throws {
    for (signal, drains) in [("15", true), ("SIGTERM", true), ("3", true), ("9", true), ("1", false), ("10", false)] {
      var picture = try picture()
      picture.draining.signalled(try web(), signal, at: .seconds(5))
      #expect(picture.wanted(at: .seconds(6)).values.isEmpty == drains, "\(signal)")
      #expect(picture.wanted(at: .seconds(35)).values.count == 1, "10 s of its own and 20 s of ours")
    }
    var own = try web()
    own.stopSignal = "SIGUSR1"
    own.stopTimeoutSeconds = 60
    var picture = try picture()
    picture.draining.signalled(own, "10", at: .zero)
    #expect(picture.wanted(at: .seconds(79)).values.isEmpty)
    var restarted = ContainerState(status: .running)
    restarted.startedAt = "2026-01-01T00:00:00Z"
    picture.containers = [try web(state: restarted)]
    #expect(picture.wanted(at: .seconds(79)).values.count == 1)
  }

  @Test func `a unit that is withdrawn has no records until it is down or restored`() throws {
    var picture = try picture()
    picture.containers = [try web([ContainerLabel.unit: "web.service", ContainerLabel.machine: "m1"])]
    let up = RegistrableUnit(
      name: "web.service",
      isUp: true,
      isDown: false,
      announcements: [try ServiceAnnouncement(parsing: "more:1")]
    )
    picture.units = [up]
    #expect(picture.wanted(at: .zero).values.count == 2)
    #expect(picture.announcedUnits == ["web.service"])
    picture.draining.begin(unit: "web.service")
    #expect(picture.wanted(at: .zero).values.isEmpty)
    picture.draining.end(unit: "web.service")
    #expect(picture.wanted(at: .zero).values.count == 2)
    picture.draining.begin(unit: "web.service")
    picture.units = [RegistrableUnit(name: "web.service", isUp: false, isDown: true)]
    _ = picture.wanted(at: .zero)
    picture.units = [up]
    #expect(picture.wanted(at: .zero).values.count == 2, "started again")
  }

  @Test func `a checked service has a record while it is good, and keeps one until that is known`() throws {
    var picture = ServicePicture(configuration: ServiceRecordTests.configuration)
    let announcement = try ServiceAnnouncement(parsing: "api:81 check=tcp retries=2")
    picture.containers = []
    picture.units = [RegistrableUnit(name: "api.service", isUp: true, isDown: false, announcements: [announcement])]
    let key = CheckLedger.Key(unit: "api.service", announcement: announcement)
    let record = "/services/api/core-01:api:81"
    #expect(picture.checkedServices == [key])
    #expect(picture.wanted(at: .zero) == WantedRecords(lingering: [record]))
    var changes: [Bool] = []
    var isThere: [Bool] = []
    for passed in [false, true, false, true, false, false, true] {
      changes.append(picture.checks.record(key, passed: passed))
      isThere.append(picture.wanted(at: .zero).values[record] != nil)
    }
    #expect(changes == [false, true, false, false, false, true, true])
    #expect(isThere == [false, true, true, true, true, false, true])
    picture.units = []
    picture.checks.keep(picture.checkedServices)
    #expect(picture.checks.isGood(key) == nil)
  }

  @Test func `what is paused or restarting has no record`() throws {
    for status in [ContainerState.Status.paused, .restarting] {
      var picture = try picture()
      picture.containers = [try web(state: ContainerState(status: status))]
      #expect(picture.wanted(at: .zero).values.isEmpty)
    }
  }
}
