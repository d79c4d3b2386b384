// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Socket units with real sockets and processes.
@Suite struct SocketTests {
  @Test func `a connection starts the service once, and the socket listens again after it`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "deep/web.sock").path
      let link = directory.appending(path: "link.sock").path
      let service = try SocketService(directory)
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "web.socket": "[Socket]\nListenStream=\(path)\nSocketMode=0600\nRemoveOnStop=yes\nSymlinks=\(link)",
          "web.service": service.unit(),
        ])
        #expect(await units.words("web.socket") == "inactive/dead")
        try await units.start("web.socket")
        try await units.expect("web.socket", "active/listening")
        #expect(await units.words("web.service") == "inactive/dead")
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(try await units.status("web.socket").statusText == "Listen: \(path) (Stream)")

        let clients = try [path, link, path].map { try SocketClient(path: $0) }
        let process = try await units.mainProcess("web.service")
        for client in clients { #expect(try await client.text() == "hello from \(process)") }
        try await units.expect("web.socket", "active/running")
        try await eventually("its words") { try await units.output("web.service") == ["own web.socket SOCK_STREAM"] }
        #expect(await units.supervision.units().first { $0.name.rawValue == "web.service" }?.isStartRequested == false)

        try await units.stop("web.service")
        try await units.expect("web.socket", "active/listening")
        let later = try SocketClient(path: path)
        #expect(try await later.text() != "hello from \(process)")
        try await units.stop("web.socket")
        try await units.expect("web.socket", "inactive/dead")
        // The service has its sockets for itself.
        try await units.expect("web.service", "active/running")
        try await eventually("the files to be gone") { access(path, F_OK) != 0 && access(link, F_OK) != 0 }
        #expect(throws: SocketClient.Refused.self) { try SocketClient(path: path) }
      }
    }
  }

  @Test func `a service that is started by itself has the sockets, in the order of its socket units`() async throws {
    try await withTestDirectory { directory in
      let (first, second) = (try SocketClient.freePort(), try SocketClient.freePort())
      let service = try SocketService(directory)
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.socket": "[Socket]\nListenStream=\(first)\nListenDatagram=127.0.0.1:\(second)\nFileDescriptorName=one"
            + "\nService=web.service",
          "b.socket": "[Socket]\nListenFIFO=\(directory.path)/fifo\nService=web.service",
          "c.socket": "[Socket]\nListenStream=@never-started\nService=web.service",
          "web.service": "[Unit]\nRequires=a.socket b.socket\nAfter=b.socket\n" + service.unit(),
        ])
        try await units.start("web.service")
        try await units.expect("web.service", "active/running")
        try await eventually("its words") {
          try await units.output("web.service") == ["own one:one:b.socket SOCK_STREAM,SOCK_DGRAM,fifo"]
        }
        try await units.expect("a.socket", "active/running")
        try await units.expect("b.socket", "active/running")
        #expect(await units.words("c.socket") == "inactive/dead")
        let process = try await units.mainProcess("web.service")
        #expect(try await SocketClient(port: first).text() == "hello from \(process)")
      }
    }
  }

  @Test func `datagrams and what is written to a FIFO start a service too`() async throws {
    try await withTestDirectory { directory in
      let port = try SocketClient.freePort()
      let fifo = directory.appending(path: "fifo").path
      let service = try SocketService(directory)
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "log.socket": "[Socket]\nListenDatagram=127.0.0.1:\(port)", "log.service": service.unit("", "once"),
          "pipe.socket": "[Socket]\nListenFIFO=\(fifo)", "pipe.service": service.unit("", "once"),
        ])
        try await units.start("log.socket")
        try await units.start("pipe.socket")
        try await units.expect("log.socket", "active/listening")
        try await units.expect("pipe.socket", "active/listening")
        try SocketClient(port: port, isDatagram: true).send("one")
        try "two".write(toFile: fifo, atomically: false, encoding: .utf8)
        try await eventually("both to have been read") {
          let words = [try await units.output("log.service").last, try await units.output("pipe.service").last]
          return words == ["read one", "read two"]
        }
        try await units.expect("log.socket", "active/listening")
        try await units.expect("pipe.socket", "active/listening")
      }
    }
  }

  @Test func `with Accept each connection gets an instance of the template, gone when it has ended`() async throws {
    try await withTestDirectory { directory in
      let port = try SocketClient.freePort()
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "echo.socket": "[Socket]\nListenStream=127.0.0.1:\(port)\nAccept=yes\nMaxConnections=2",
          "echo@.service": "[Service]\nStandardInput=socket\nStandardError=journal"
            + "\nExecStartPre=/bin/sh -c 'echo made >&2'"
            + "\nExecStart=/bin/sh -c 'read x; echo \"$x from $REMOTE_ADDR as %i, $${LISTEN_FDS:-none} passed\"'",
        ])
        try await units.start("echo.socket")
        try await units.expect("echo.socket", "active/listening")
        let (first, second) = (try SocketClient(port: port), try SocketClient(port: port))
        try await eventually("both to be served") {
          try await units.status("echo.socket").statusText?.hasSuffix("Accepted: 2; Connected: 2") == true
        }
        // No third one is served, and the others are not disturbed.
        #expect(try await SocketClient(port: port).text() == "")
        second.send("two\n")
        let answer = try await second.text()
        #expect(answer.hasPrefix("two from 127.0.0.1 as 1-127.0.0.1:\(port)-127.0.0.1:"))
        #expect(answer.hasSuffix(", none passed\n"))
        first.send("one\n")
        #expect(try await first.text().hasPrefix("one from 127.0.0.1 as 0-"))
        try await eventually("the instances to be gone") {
          try await units.status("echo.socket").statusText?.hasSuffix("Accepted: 2; Connected: 0") == true
        }
        #expect(await units.supervision.units().map(\.name.rawValue) == ["echo.socket"])
        #expect(await units.words("echo.socket") == "active/listening")
      }
    }
  }

  @Test func `an instance may take its connection over as a descriptor`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "a.sock").path
      let text =
        "import os,socket; s=socket.socket(fileno=3); s.sendall((os.environ[\"LISTEN_FDNAMES\"]+\" \"+"
        + "str(os.environ[\"LISTEN_PID\"]==str(os.getpid()))).encode())"
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.socket": "[Socket]\nListenStream=\(path)\nAccept=yes",
          "a@.service": "[Service]\nExecStart=/usr/bin/python3 -c '\(text)'",
        ])
        try await units.start("a.socket")
        try await units.expect("a.socket", "active/listening")
        #expect(try await SocketClient(path: path).text() == "connection True")
      }
    }
  }

  @Test func `the socket is there all the time while the node is another process`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "web.sock").path
      let accepting = directory.appending(path: "each.sock").path
      let service = try SocketService(directory)
      try await SupervisionFixture.with(directory: directory, stopsUnits: false) { units in
        try await units.load([
          "web.socket": "[Socket]\nListenStream=\(path)", "web.service": service.unit(),
          "each.socket": "[Socket]\nListenStream=\(accepting)\nAccept=yes",
          "each@.service": "[Service]\nStandardInput=socket\nExecStart=/bin/sh -c 'read x; echo got $x'",
        ])
        for name in ["web.socket", "each.socket"] {
          try await units.start(name)
          try await units.expect(name, "active/listening")
        }
        let early = try SocketClient(path: accepting)
        try await eventually("it to be served") {
          try await units.status("each.socket").statusText?.hasSuffix("Connected: 1") == true
        }
        early.send("early\n")
        #expect(try await early.text() == "got early\n")
      }
      // Nobody decides now, and nobody is refused.
      let (client, each) = (try SocketClient(path: path), try SocketClient(path: accepting))
      each.send("late\n")
      try await SupervisionFixture.with(directory: directory, stopsUnits: false) { units in
        #expect(try await client.text() == "hello from \(try await units.mainProcess("web.service"))")
        #expect(try await each.text() == "got late\n")
        try await units.expect("web.socket", "active/running")
      }
      let process = try SocketClient(path: path)
      try await SupervisionFixture.with(directory: directory) { units in
        let main = try await units.mainProcess("web.service")
        #expect(try await process.text() == "hello from \(main)")
        #expect(await units.words("web.socket") == "active/running")
        try await units.stop("web.service")
        try await units.expect("web.socket", "active/listening")
        #expect(try await SocketClient(path: path).text() != "hello from \(main)")
      }
    }
  }

  @Test func `a socket that cannot be made says why, and one without its template closes connections`() async throws {
    try await withTestDirectory { directory in
      let port = try SocketClient.freePort()
      let path = directory.appending(path: "a.sock").path
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "one.socket": "[Socket]\nListenStream=127.0.0.1:\(port)", "one.service": "[Service]\nExecStart=/bin/true",
          "two.socket": "[Socket]\nListenStream=127.0.0.1:\(port)", "two.service": "[Service]\nExecStart=/bin/true",
          "user.socket": "[Socket]\nListenStream=\(path)\nSocketUser=nobody-at-all",
          "lone.socket": "[Socket]\nListenStream=\(path)\nAccept=yes",
        ])
        try await units.start("one.socket")
        try await units.expect("one.socket", "active/listening")
        try await units.start("two.socket")
        try await units.expect("two.socket", "failed/failed")
        #expect(
          try await units.status("two.socket").unit.problem
            == "cannot bind to 127.0.0.1:\(port): Address already in use"
        )
        try await units.start("user.socket")
        try await units.expect("user.socket", "failed/failed")
        #expect(
          try await units.status("user.socket").unit.problem == "there is no user \"nobody-at-all\" on this machine"
        )
        try await units.start("lone.socket")
        try await units.expect("lone.socket", "active/listening")
        #expect(try await SocketClient(path: path).text() == "")
        try await eventually("a line about it") {
          try await units.status("lone.socket").journal.contains {
            $0.text == "lone.socket: a connection is closed: there is no lone@.service on this machine"
          }
        }
      }
    }
  }

  @Test func `a service that does not take its connections makes the socket fail in the end`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "a.sock").path
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.socket": "[Socket]\nListenStream=\(path)\nTriggerLimitBurst=3\nTriggerLimitIntervalSec=1h",
          "a.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=/bin/echo ran",
          "b.socket": "[Socket]\nListenStream=\(path).b",
          "b.service": "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=1h\n[Service]\nExecStart=/bin/false",
        ])
        for name in ["a.socket", "b.socket"] { try await units.start(name) }
        for name in ["a.socket", "b.socket"] { try await units.expect(name, "active/listening") }
        let clients = [try SocketClient(path: path), try SocketClient(path: "\(path).b")]
        for name in ["a.socket", "b.socket"] { try await units.expect(name, "failed/failed") }
        for client in clients { #expect(try await client.text() == "") }
        #expect(try await units.output("a.service") == ["ran", "ran", "ran"])
        let results = await units.supervision.units().filter { $0.name.suffix == "socket" }.map(\.activity.result)
        #expect(results == [.triggerLimitHit, .serviceStartLimitHit])
      }
    }
  }
}
