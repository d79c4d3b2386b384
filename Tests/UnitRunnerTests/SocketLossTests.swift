// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Sockets whose holder, service or start is lost.
@Suite struct SocketLossTests {
  /// A job that is being started until the gate is there.
  private static func slow(_ directory: URL) -> String {
    "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'while ! test -e \(directory.path)/gate; do sleep 0.01; done'"
  }

  /// Has the unit-host close a unit's sockets, as if it were a new one.
  private static func loseSockets(_ unit: String, _ directory: URL) async throws {
    try await eventually("the unit-host to have heard it") {
      let descriptor = LocalSocket.connect(directory: directory.path, name: HostLoop.socketName)
      try #require(descriptor >= 0)
      let connection = FrameConnection(descriptor: descriptor)
      connection.send(HostRequest.closeSockets(unit: unit))
      connection.send(
        HostRequest.hello(
          protocolVersion: HostRequest.protocolVersion,
          journalFileLimitBytes: 0,
          retention: nil,
          machineID: nil
        )
      )
      connection.flush()
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&entry, 1, 1000)
      return !connection.receive(HostEvent.self).isEmpty
    }
  }

  @Test func `a service keeps its sockets when the unit-host is a new one, and has them after a restart`() async throws
  {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "web.sock").path
      let port = try SocketClient.freePort()
      let service = try SocketService(directory)
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "file.socket": "[Socket]\nListenStream=\(path)", "file.service": service.unit(),
          "port.socket": "[Socket]\nListenStream=127.0.0.1:\(port)", "port.service": service.unit(),
          "probe.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true",
        ])
        for name in ["file", "port"] { try await units.start("\(name).socket") }
        for name in ["file", "port"] { try await units.expect("\(name).socket", "active/listening") }
        for name in ["file", "port"] { try await units.start("\(name).service") }
        for name in ["file", "port"] { try await units.expect("\(name).socket", "active/running") }
        let (file, web) = (try await units.mainProcess("file.service"), try await units.mainProcess("port.service"))
        for name in ["file", "port"] { try await Self.loseSockets("\(name).socket", directory) }
        // The supervision has taken over again when something of it has been started.
        try await units.start("probe.service")
        try await units.expect("probe.service", "active/exited")
        #expect(try await SocketClient(path: path).text() == "hello from \(file)")
        #expect(try await SocketClient(port: port).text() == "hello from \(web)")
        for name in ["file", "port"] {
          #expect(await units.words("\(name).socket") == "active/running")
          try await units.supervision.restart(try UnitName("\(name).service"))
        }
        try await eventually("other processes") {
          let now = [try await units.status("file.service"), try await units.status("port.service")]
          return now.allSatisfy { ![file, web, nil].contains($0.mainProcessID) }
        }
        let next = (try await units.mainProcess("file.service"), try await units.mainProcess("port.service"))
        #expect(try await SocketClient(path: path).text() == "hello from \(next.0)")
        #expect(try await SocketClient(port: port).text() == "hello from \(next.1)")
        try await units.stop("port.service")
        try await units.expect("port.socket", "active/listening")
        #expect(try await SocketClient(port: port).text() != "hello from \(next.1)")
      }
    }
  }

  @Test func `a start that waits and is taken back lets the socket listen again`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "web.sock").path
      let service = try SocketService(directory)
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "slow.service": Self.slow(directory), "web.socket": "[Socket]\nListenStream=\(path)\nFlushPending=yes",
          "web.service": "[Unit]\nAfter=slow.service\n" + service.unit(),
        ])
        try await units.start("web.socket")
        try await units.expect("web.socket", "active/listening")
        try await units.start("slow.service")
        try await units.expect("slow.service", "activating/start")
        let client = try SocketClient(path: path)
        try await units.expect("web.socket", "active/running")
        try await units.stop("web.service")
        try await units.expect("web.socket", "active/listening")
        #expect(try await client.text() == "")
        #expect(FileManager.default.createFile(atPath: "\(directory.path)/gate", contents: nil))
      }
    }
  }

  @Test func `whoever waits for a service whose start waits is served by the next node`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "web.sock").path
      let service = try SocketService(directory)
      let waiting = Box<SocketClient>()
      try await SupervisionFixture.with(directory: directory, stopsUnits: false) { units in
        try await units.load([
          "slow.service": Self.slow(directory), "web.socket": "[Socket]\nListenStream=\(path)\nFlushPending=yes",
          "web.service": "[Unit]\nAfter=slow.service\n" + service.unit(),
        ])
        try await units.start("web.socket")
        try await units.expect("web.socket", "active/listening")
        try await units.start("slow.service")
        try await units.expect("slow.service", "activating/start")
        waiting.value = try SocketClient(path: path)
        try await units.expect("web.socket", "active/running")
      }
      let client = try #require(waiting.value)
      try await SupervisionFixture.with(directory: directory) { units in
        #expect(FileManager.default.createFile(atPath: "\(directory.path)/gate", contents: nil))
        let process = try await units.mainProcess("web.service")
        #expect(try await client.text() == "hello from \(process)")
      }
    }
  }

  @Test func `the file of a template goes with the last socket that it is for`() async throws {
    try await withTestDirectory { directory in
      let file = "\(directory.path)/files/each@.service"
      let socket = "[Socket]\nListenStream=\(directory.path)/sock\nAccept=yes"
      let template = "[Service]\nExecStart=/bin/true"
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load(["each.socket": socket, "each@.service": template])
        // Another version of the socket comes in its place.
        try await units.load(["each.socket": "\(socket)\nBacklog=5", "each@.service": template])
        #expect(access(file, F_OK) == 0)
        try await units.supervision.unload(try UnitName("each.socket"))
        #expect(access(file, F_OK) != 0)
        // What was loaded by itself stays.
        try await units.load(["each@.service": template])
        try await units.load(["each.socket": socket])
        try await units.supervision.unload(try UnitName("each.socket"))
        #expect(access(file, F_OK) == 0)
      }
    }
  }

  // MARK: Accepting

  @Test func `a descriptor that is paused is looked at again after that`() throws {
    let poller = Poller()
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0 && write(ends[1], "x", 1) == 1)
    defer { ends.forEach { close($0) } }
    poller.add(ends[0])
    #expect(poller.wait(timeout: .zero) == [ends[0]])
    poller.pause(ends[0], for: .milliseconds(20))
    #expect(poller.wait(timeout: .zero).isEmpty)
    // A wait ends with the pause, and the next one sees what there is.
    let begun = timeSinceBoot()
    #expect(poller.wait(timeout: .seconds(60)).isEmpty && timeSinceBoot() - begun < .seconds(30))
    #expect(poller.wait(timeout: .seconds(60)) == [ends[0]])
    poller.pause(ends[0], for: .milliseconds(1))
    poller.remove(ends[0])
    #expect(poller.wait(timeout: .milliseconds(5)).isEmpty)
  }

  @Test func `a socket from which nobody can be accepted does not keep the unit-host busy`() async throws {
    try await withTestDirectory { directory in
      let port = try SocketClient.freePort()
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load(["each.socket": "[Socket]\nListenStream=127.0.0.1:\(port)\nAccept=yes"])
        try await units.start("each.socket")
        try await units.expect("each.socket", "active/listening")
        let listener = try #require(Self.listener(at: port))
        let before = Self.hostTicks()
        // It is readable ever after, and accept(2) fails.
        #expect(shutdown(listener, Int32(SHUT_RD)) == 0)
        // Hundredths of a second.
        try await holds("the unit-host at rest", for: .milliseconds(500)) { Self.hostTicks() - before < 20 }
      }
    }
  }

  /// The unit-host's descriptor, which is in this process.
  private static func listener(at port: UInt16) -> Int32? {
    directoryEntries("/proc/self/fd").compactMap { Int32($0) }.first { descriptor in
      var address = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      return withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) == 0 }
          && pointer.pointee.sin_family == sa_family_t(AF_INET) && UInt16(bigEndian: pointer.pointee.sin_port) == port
      }
    }
  }

  /// What the threads of unit-hosts have used of the processor.
  private static func hostTicks() -> Int {
    directoryEntries("/proc/self/task").reduce(0) { sum, task in
      guard let text = readSmallFile("/proc/self/task/\(task)/stat"), text.contains("(unit-host)") else { return sum }
      let fields = (text.split(separator: ")").last ?? "").split(separator: " ").map(String.init)
      return sum + (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
    }
  }
}
