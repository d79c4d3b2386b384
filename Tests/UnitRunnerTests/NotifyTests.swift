// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Services that say something about themselves.
@Suite struct NotifyTests {
  private func with(
    _ settings: String,
    _ words: String,
    _ body: @Sendable @escaping (SupervisionFixture, TalkingService) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      let service = try TalkingService(directory)
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { units in
        try await units.load(["a.service": service.unit(settings, words)])
        try await units.start("a.service")
        try await body(units, service)
      }
    }
  }

  @Test func `a notify service is up when it says so, and goes down when it says so`() async throws {
    try await with("Type=notify", "STATUS=at_it wait:1 'READY=1 STATUS=up' wait:2 STOPPING=1 wait:3") {
      units,
      service in
      try await eventually("a status") { try await units.status("a.service").statusText == "at_it" }
      #expect(await units.words("a.service") == "activating/start")
      service.allow(1)
      try await units.expect("a.service", "active/running")
      try await eventually("a status") { try await units.status("a.service").statusText == "up" }
      service.allow(2)
      try await units.expect("a.service", "deactivating/stop-sigterm")
      service.allow(3)
      try await units.expect("a.service", "inactive/dead")
    }
  }

  @Test func `a notify service that ends without a word has failed`() async throws {
    try await with("Type=notify", "STATUS=x") { units, _ in
      try await units.expect("a.service", "failed/failed")
      #expect(try await units.status("a.service").unit.activity.result == .protocol)
    }
  }

  @Test func `the last words of a service that hands over to another process count`() async throws {
    try await with("Type=notify", "handover wait:1") { units, service in
      try await units.expect("a.service", "active/running")
      try await eventually("the first to be gone") {
        guard let main = try await units.status("a.service").mainProcessID else { return false }
        return try await units.output("a.service") == ["\(main)"]
      }
      service.allow(1)
      try await units.expect("a.service", "inactive/dead")
    }
  }

  @Test func `others are not listened to unless NotifyAccess= allows it`() async throws {
    try await with("Type=notify\nTimeoutStartSec=1h", "child:READY=1 wait:1 READY=1 wait:2") { units, service in
      try await eventually("a refusal") {
        try await units.status("a.service").journal.contains { $0.text.contains("NotifyAccess=main") }
      }
      #expect(await units.words("a.service") == "activating/start")
      service.allow(1)
      try await units.expect("a.service", "active/running")
    }
    try await with("Type=notify\nNotifyAccess=all", "child:READY=1 wait:1") { units, _ in
      try await units.expect("a.service", "active/running")
    }
  }

  @Test func `a service that falls silent is aborted by its watchdog, with what it needs to know`() async throws {
    try await with("WatchdogSec=1h", "env WATCHDOG_USEC=200000 wait:1") { units, _ in
      try await eventually("output") { try await units.output("a.service").count == 1 }
      let main = try #require(try await units.status("a.service").commands.first?.processID)
      #expect(try await units.output("a.service") == ["3600000000 \(main)"])
      try await units.expect("a.service", "failed/failed")
      #expect(try await units.status("a.service").unit.activity.result == .watchdog)
      try await eventually("the signal in the journal") {
        try await units.status("a.service").journal.contains {
          $0.text.hasPrefix("a.service: Main process exited, code=") && $0.text.hasSuffix("6/ABRT")
        }
      }
    }
  }

  @Test func `a start that needs longer can say so`() async throws {
    let words = "EXTEND_TIMEOUT_USEC=3600000000 STATUS=longer wait:1 READY=1 wait:2"
    try await with("Type=notify\nTimeoutStartSec=1min", words) { units, service in
      try await eventually("a status") { try await units.status("a.service").statusText == "longer" }
      let deadline = try await units.deadline("a.service")
      #expect(try #require(deadline) - timeSinceBoot() > .seconds(1800))
      service.allow(1)
      try await units.expect("a.service", "active/running")
    }
  }

  @Test func `a notify-reload service is reloading until it says that it has reloaded`() async throws {
    let words = "READY=1 signal:HUP reloading wait:1 READY=1 wait:2"
    try await with("Type=notify-reload", words) { units, service in
      try await units.expect("a.service", "active/running")
      try await eventually("output") { try await units.output("a.service") == ["waiting for HUP"] }
      try await units.supervision.reload(try UnitName("a.service"))
      try await units.expect("a.service", "reloading/reload-notify")
      service.allow(1)
      try await units.expect("a.service", "active/running")
    }
  }

  @Test func `a path that is too long for a socket is made up for`() async throws {
    let long = String(repeating: "long", count: 30)
    try await withTestDirectory { directory in
      let service = try TalkingService(directory)
      try await SupervisionFixture.with(directory: directory.appendingPathComponent(long)) { units in
        try await units.load(["a.service": service.unit("Type=notify", "READY=1 wait:1")])
        try await units.start("a.service")
        try await units.expect("a.service", "active/running")
      }
    }
  }

  // MARK: While nobody supervises

  @Test func `what is said while no supervision is there is not lost`() async throws {
    try await withTestDirectory { directory in
      let service = try TalkingService(directory)
      let state = directory.appendingPathComponent("s")
      try await SupervisionFixture.with(directory: state, stopsUnits: false) { units in
        try await units.load(["a.service": service.unit("Type=notify", "STATUS=at_it wait:1 handover said:2 wait:3")])
        try await units.start("a.service")
        try await eventually("a status") { try await units.status("a.service").statusText == "at_it" }
      }
      service.allow(1)
      try await service.waitFor(2)
      try await SupervisionFixture.with(directory: state) { units in
        try await units.expect("a.service", "active/running")
        let main = try await units.mainProcess("a.service")
        #expect(try await units.output("a.service") == ["\(main)"])
        service.allow(3)
        try await units.expect("a.service", "inactive/dead")
      }
    }
  }
}

/// A service in Python that does what its words say, one after the other.
struct TalkingService: Sendable {
  private static let script = #"""
    import os, signal, socket, sys, time
    here = os.path.dirname(os.path.abspath(__file__))
    place = os.environ["NOTIFY_SOCKET"]
    place = "\0" + place[1:] if place[0] == "@" else place
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def say(text):
        channel.sendto(text.encode(), place)

    for word in sys.argv[1:]:
        kind, _, rest = word.partition(":")
        if kind == "wait":
            while not os.path.exists(os.path.join(here, rest)):
                time.sleep(0.005)
        elif kind == "said":
            open(os.path.join(here, rest), "w").close()
        elif kind == "env":
            print(os.environ["WATCHDOG_USEC"], os.environ["WATCHDOG_PID"], flush=True)
        elif kind == "child":
            child = os.fork()
            if child == 0:
                say(rest)
                os._exit(0)
            os.waitpid(child, 0)
        elif kind == "handover":
            child = os.fork()
            if child != 0:
                say("MAINPID=%d\nREADY=1" % child)
                os._exit(0)
            print(os.getpid(), flush=True)
        elif kind == "signal":
            number = getattr(signal, "SIG" + rest)
            signal.pthread_sigmask(signal.SIG_BLOCK, [number])
            print("waiting for", rest, flush=True)
            signal.sigwait([number])
        elif kind == "reloading":
            say("RELOADING=1\nMONOTONIC_USEC=%d" % (time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000))
        else:
            say(word.replace(" ", "\n"))
    """#

  private let directory: URL

  init(_ directory: URL) throws {
    self.directory = directory
    try Self.script.write(to: directory.appendingPathComponent("service.py"), atomically: true, encoding: .utf8)
  }

  func unit(_ settings: String, _ words: String) -> String {
    "[Service]\n\(settings)\nExecStart=/usr/bin/python3 \(directory.path)/service.py \(words)"
  }

  /// Lets a `wait:N` go on.
  func allow(_ number: Int) {
    _ = FileManager.default.createFile(atPath: "\(directory.path)/\(number)", contents: nil)
  }

  /// Waits for a `said:N`.
  func waitFor(_ number: Int) async throws {
    try await eventually("word \(number)") { FileManager.default.fileExists(atPath: "\(directory.path)/\(number)") }
  }
}
