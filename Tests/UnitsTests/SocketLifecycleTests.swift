// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

/// A socket with a clock that is moved by hand.
private struct SocketScript {
  var machine: SocketLifecycle
  var now = Duration.seconds(100)

  init(_ text: String, resuming snapshot: SocketLifecycle.Snapshot? = nil) throws {
    let reading = ServiceReading(try UnitFile(parsing: "[Socket]\n\(text)"), name: try UnitName("web.socket"))
    try #require(reading.findings.isEmpty)
    guard case .socket(let definition) = reading.kind else { throw UnitNameError.empty }
    machine = SocketLifecycle(definition, name: reading.definition.name, resuming: snapshot)
  }

  /// One that listens.
  static func listening(_ text: String) throws -> SocketScript {
    var socket = try SocketScript(text)
    #expect(socket.start() == "listen; = start-chown")
    #expect(socket.opened() == "watch; = listening")
    return socket
  }

  var snapshot: SocketLifecycle.Snapshot? { if case .socket(let kept) = machine.kept { kept } else { nil } }

  mutating func start() -> String { line { $0.start(at: $1) } }
  mutating func stop() -> String { line { $0.stop(at: $1) } }
  mutating func opened() -> String { line { $0.opened(at: $1) } }
  mutating func refused() -> String { line { $0.refused(at: $1) } }
  mutating func touched() -> String { line { $0.touched(at: $1) } }
  mutating func resumed() -> String { line { $0.resumed(at: $1) } }
  mutating func unitRefused() -> String { line { $0.triggeredRefused(at: $1) } }
  mutating func unit(_ sub: UnitActivity.SubState, _ result: ServiceResult = .success) -> String {
    line { $0.triggeredChanged(to: UnitActivity(sub: sub, result: result), at: $1) }
  }
  mutating func connected(_ id: String, from address: String? = nil) -> String {
    let ends = address.map { "10.0.0.1:80-\($0):4000" } ?? "77-0"
    return line { $0.connected(SocketConnection(id: id, ends: ends, remoteAddress: address, remotePort: 4000), at: $1) }
  }
  mutating func disconnected(_ instance: String) -> String { line { $0.disconnected(instance, at: $1) } }

  private mutating func line(_ input: (inout SocketLifecycle, UnitMoment) -> [PassiveDirective]) -> String {
    let moment = UnitMoment(sinceBoot: now)
    var words = input(&machine, moment).map { directive in
      switch directive {
      case .startUnit(let name): "start \(name)"
      case .listen: "listen"
      case .watchSockets(let isOn): isOn ? "watch" : "unwatch"
      case .flushSockets: "flush"
      case .closeSockets: "close"
      case .closeConnection(let id, let reason): "close \(id)\(reason.map { " (\($0))" } ?? "")"
      case .startInstance(let name, let template, let connection): "start \(name) of \(template) for \(connection.id)"
      default: "\(directive)"
      }
    }
    let result = machine.activity.result == .success ? "" : " (\(machine.activity.result.rawValue))"
    words.append("= \(machine.activity.sub.rawValue)\(result)")
    return words.joined(separator: "; ")
  }
}

@Suite struct SocketLifecycleTests {
  @Test func `a socket listens, starts its service once, and listens again when that is down`() throws {
    var socket = try SocketScript.listening("ListenStream=80")
    #expect(socket.start() == "= listening")
    #expect(socket.touched() == "start web.service; = running")
    #expect(socket.touched() == "= running")
    #expect(socket.unit(.start) == "= running")
    #expect(socket.unit(.running) == "= running")
    #expect(socket.unit(.stopSigterm) == "= running")
    #expect(socket.unit(.dead) == "listen; watch; = listening")
    #expect(socket.stop() == "close; = dead")
    #expect(socket.stop() == "= dead")
    #expect(socket.touched() == "= dead")
    #expect(socket.unit(.running) == "= dead")
  }

  @Test func `a service that is started by others has the sockets too`() throws {
    var socket = try SocketScript.listening("ListenStream=80\nFlushPending=yes")
    #expect(socket.machine.hasSockets)
    #expect(socket.unit(.startPre) == "unwatch; = running")
    #expect(socket.machine.hasSockets)
    #expect(socket.unit(.running) == "= running")
    #expect(socket.unit(.autoRestart, .exitCode) == "listen; flush; watch; = listening")
    #expect(socket.stop() == "close; = dead")
    #expect(!socket.machine.hasSockets)
  }

  @Test func `sockets that cannot be made make the unit fail, and so does a service that cannot be started`() throws {
    var socket = try SocketScript("ListenStream=80")
    _ = socket.start()
    #expect(socket.refused() == "close; = failed (resources)")
    #expect(socket.start() == "listen; = start-chown")
    #expect(socket.stop() == "close; = dead")
    // The answer to a start that was taken back.
    #expect(socket.opened() == "= dead")
    socket = try SocketScript.listening("ListenStream=80")
    _ = socket.touched()
    #expect(socket.unitRefused() == "close; = failed (resources)")
    socket = try SocketScript.listening("ListenStream=80")
    _ = socket.touched()
    #expect(socket.unit(.failed, .startLimitHit) == "close; = failed (service-start-limit-hit)")
  }

  @Test func `a service that leaves its connections alone is not started again and again`() throws {
    var socket = try SocketScript.listening("ListenStream=80\nTriggerLimitBurst=2\nTriggerLimitIntervalSec=10")
    for _ in 0..<2 {
      #expect(socket.touched() == "start web.service; = running")
      #expect(socket.unit(.dead) == "listen; watch; = listening")
    }
    #expect(socket.touched() == "close; = failed (trigger-limit-hit)")
    socket = try SocketScript.listening("ListenStream=80\nTriggerLimitBurst=2\nTriggerLimitIntervalSec=10")
    for _ in 0..<6 {
      #expect(socket.touched() == "start web.service; = running")
      #expect(socket.unit(.dead) == "listen; watch; = listening")
      socket.now += .seconds(6)
    }
    socket = try SocketScript.listening("ListenStream=80\nTriggerLimitBurst=0")
    for _ in 0..<100 {
      #expect(socket.touched() == "start web.service; = running")
      _ = socket.unit(.dead)
    }
  }

  @Test func `with Accept each connection gets an instance, as many as are allowed`() throws {
    var socket = try SocketScript.listening(
      "ListenStream=80\nAccept=yes\nMaxConnections=3\nMaxConnectionsPerSource=2"
    )
    #expect(socket.machine.triggered == nil && socket.touched() == "= listening")
    let first = "web@0-10.0.0.1:80-10.0.0.9:4000.service"
    #expect(socket.connected("a", from: "10.0.0.9") == "start \(first) of web@.service for a; = listening")
    #expect(try UnitName(first).template == "web@.service")
    #expect(socket.connected("b", from: "10.0.0.9").hasPrefix("start web@1-"))
    #expect(
      socket.connected("c", from: "10.0.0.9")
        == "close c (there are 2 from 10.0.0.9 already, which is what MaxConnectionsPerSource= allows); = listening"
    )
    #expect(socket.connected("d") == "start web@2-77-0.service of web@.service for d; = listening")
    #expect(
      socket.connected("e") == "close e (there are 3 already, which is what MaxConnections= allows); = listening"
    )
    #expect(socket.machine.statusText == "Listen: [::]:80 (Stream); Accepted: 3; Connected: 3")
    #expect(socket.disconnected(first) == "= listening")
    #expect(socket.connected("f", from: "10.0.0.9").hasPrefix("start web@3-"))
    // Its connections stay when it is stopped.
    #expect(socket.stop() == "close; = dead")
    #expect(socket.machine.connections.map(\.id) == ["b", "d", "f"])
    #expect(socket.connected("g") == "close g; = dead")
  }

  @Test func `too many connections in a short time make the unit fail`() throws {
    var socket = try SocketScript.listening("ListenStream=80\nAccept=yes\nTriggerLimitBurst=1")
    _ = socket.connected("a")
    #expect(socket.connected("b") == "close; close b; = failed (trigger-limit-hit)")
  }

  @Test func `a socket goes on as it was left`() throws {
    var socket = try SocketScript.listening("ListenStream=80")
    socket = try SocketScript("ListenStream=80", resuming: socket.snapshot)
    #expect(socket.resumed() == "listen; = listening")
    #expect(socket.opened() == "watch; = listening")
    _ = socket.touched()
    socket = try SocketScript("ListenStream=80", resuming: socket.snapshot)
    // The service listens: whoever took its place would be deaf, or refused.
    #expect(socket.resumed() == "= running")
    #expect(socket.opened() == "= running")
    #expect(socket.refused() == "close; = failed (resources)")
    #expect(socket.resumed() == "= failed (resources)")
  }
}
