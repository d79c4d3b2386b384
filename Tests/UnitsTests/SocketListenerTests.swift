// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct SocketListenerTests {
  @Test(arguments: [
    ("8080", "[::]:8080 (Stream)"), ("127.0.0.1:80", "127.0.0.1:80 (Stream)"), ("[::1]:80", "[::1]:80 (Stream)"),
    ("[fe80::1:2]:65535", "[fe80::1:2]:65535 (Stream)"), ("[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1 (Stream)"),
    ("[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7:8]:1 (Stream)"), ("/run/a.sock", "/run/a.sock (Stream)"),
    ("//run/./a.sock", "/run/a.sock (Stream)"), ("@abstract/name", "@abstract/name (Stream)"),
  ])
  func `an address is read`(text: String, description: String) {
    #expect(SocketListener(text, kind: .stream)?.description == description)
  }

  @Test(arguments: [
    "", "0", "65536", "+1", "a:1", "1.2.3:4", "1.2.3.256:4", "1.2.3.4:", "[::1]", "[::1]:0", "[:::1]:1", "[1:2]:3",
    "::1:80",
    "[1:2:3:4:5:6:7:8:9]:1", "[12345::]:1", "[fe80::1%eth0]:1", "@", "/", "run/a", "/run/../a", "localhost:80",
  ])
  func `what is no address is refused`(text: String) {
    #expect(SocketListener(text, kind: .stream) == nil)
  }

  @Test func `each kind has its own addresses`() {
    let long = "/" + String(repeating: "a", count: 107)
    #expect(SocketListener(long, kind: .stream) == nil)
    #expect(SocketListener(String(long.dropLast()), kind: .datagram) != nil)
    #expect(SocketListener(long, kind: .fifo)?.description == "\(long) (FIFO)")
    #expect(SocketListener("80", kind: .fifo) == nil && SocketListener("@a", kind: .fifo) == nil)
    #expect(SocketListener("80", kind: .sequentialPacket) == nil)
    #expect(SocketListener("@a", kind: .sequentialPacket)?.description == "@a (SequentialPacket)")
    #expect(SocketListener("53", kind: .datagram)?.description == "[::]:53 (Datagram)")
  }
}

@Suite struct SocketReadingTests {
  private func read(_ text: String, _ name: String = "web.socket") throws -> (SocketDefinition, ServiceReading) {
    let reading = ServiceReading(try UnitFile(parsing: text), name: try UnitName(name))
    guard case .socket(let socket) = reading.kind else { throw UnitNameError.empty }
    return (socket, reading)
  }

  private func findings(_ text: String) throws -> [String] {
    try read("[Socket]\n\(text)").1.findings.map(\.description)
  }

  @Test func `the engine's socket is refused, with the place where it can stand`() throws {
    for (text, name) in [
      ("[Socket]\nListenStream=2375\nService=docker.service", "docker-tcp.socket"),
      ("[Socket]\nListenStream=2375", "docker.socket"),
    ] {
      let reading = try read(text, name).1
      #expect(reading.errors == [.socketOfEngine])
      #expect(reading.errors.first?.description.contains("coreos.units of its cloud-config") == true)
    }
    #expect(try read("[Socket]\nListenStream=2375", "docker-tcp.socket").1.errors.isEmpty)
  }

  @Test func `a socket's own settings are read`() throws {
    let text = """
      [Unit]
      Description=The web
      [Socket]
      ListenStream=/run/%p.sock
      ListenDatagram=127.0.0.1:53
      Backlog=4294967295
      BindIPv6Only=both
      SocketMode=0660
      DirectoryMode=0700
      SocketUser=www
      SocketGroup=www-data
      RemoveOnStop=yes
      Symlinks=/run/a.sock /run/b.sock
      NoDelay=yes
      KeepAlive=yes
      KeepAliveTimeSec=2min
      ReusePort=yes
      FreeBind=yes
      PassCredentials=yes
      ReceiveBuffer=64K
      FileDescriptorName=web
      TriggerLimitIntervalSec=10s
      TriggerLimitBurst=3
      FlushPending=yes
      Service=other.service
      [Install]
      WantedBy=sockets.target
      """
    let (socket, reading) = try read(text)
    #expect(reading.findings.isEmpty)
    #expect(socket.listeners.map(\.description) == ["/run/web.sock (Stream)", "127.0.0.1:53 (Datagram)"])
    let settings = socket.settings
    #expect(settings.backlog == .max && settings.ipv6Binding == .both)
    #expect(settings.mode == 0o660 && settings.directoryMode == 0o700 && settings.isRemovedOnStop)
    #expect(settings.links == ["/run/a.sock", "/run/b.sock"] && settings.keepAliveSeconds == 120)
    #expect(settings.hasNoDelay && settings.keepsAlive && settings.reusesPort && settings.bindsFreely)
    #expect(settings.passesCredentials && settings.receiveBufferBytes == 65536)
    #expect(socket.user == "www" && socket.group == "www-data" && socket.descriptorName == "web")
    #expect(socket.triggerLimit == ServiceDefinition.StartLimit(interval: .seconds(10), burst: 3))
    #expect(socket.flushesPending && socket.service == "other.service")
    #expect(reading.definition.dependencies[.before] == ["other.service"])
  }

  @Test func `without further settings a socket is for the service of its name`() throws {
    let (socket, _) = try read("[Socket]\nListenStream=80")
    #expect(socket.service == "web.service" && socket.descriptorName == "web.socket" && !socket.accepts)
    #expect(socket.triggerLimit == ServiceDefinition.StartLimit(interval: .seconds(2), burst: 20))
    #expect(socket.settings == SocketDefinition.Settings() && socket.maxConnections == 64)
    let (accepting, reading) = try read("[Socket]\nListenStream=80\nAccept=yes\nMaxConnectionsPerSource=2")
    #expect(accepting.service == "web@.service" && accepting.triggerLimit.burst == 200)
    #expect(accepting.maxConnectionsPerSource == 2 && reading.definition.dependencies[.before].isEmpty)
    #expect(try read("[Socket]\nListenStream=80", "web@1.socket").0.service == "web@1.service")
  }

  @Test func `what is wrong with a socket is said once, with what it should be`() throws {
    #expect(
      try findings("") == [
        "the socket listens on nothing: it has none of ListenStream=, ListenDatagram=, ListenSequentialPacket=, ListenFIFO="
      ]
    )
    #expect(try findings("ListenStream=80\nListenStream=").count == 1)
    #expect(
      try findings("ListenStream=localhost:80") == [
        "ListenStream=localhost:80 in [Socket]: expected a port, ADDRESS:PORT, [IPV6]:PORT, an absolute path of at most 107"
          + " bytes or a name after @"
      ]
    )
    #expect(
      try findings("ListenDatagram=53\nAccept=yes") == [
        "Accept=yes needs connections, which only ListenStream= and ListenSequentialPacket= have"
      ]
    )
    #expect(
      try findings("ListenStream=80\nAccept=yes\nService=a.service") == [
        "Service=a.service in [Socket]: expected no Service= with Accept=yes, which has a template's instances"
      ]
    )
    #expect(
      try findings("ListenStream=80\nSymlinks=/a") == ["Symlinks= needs exactly one listener that is a file"]
    )
    #expect(
      try findings("ListenStream=80\nSocketMode=rw") == [
        "SocketMode=rw in [Socket]: expected an octal mode such as 0660"
      ]
    )
    #expect(
      try findings("ListenStream=80\nExecStartPre=/bin/true") == [
        "ExecStartPre= in [Socket] is not carried out yet and has no effect: sockets execute no commands of their own"
      ]
    )
    #expect(
      try findings("ListenStream=80\nListenNetlink=route 1")
        == ["ListenNetlink= in [Socket] is not carried out yet and has no effect"]
    )
  }

  @Test func `what reads from a socket answers there unless it says otherwise`() throws {
    func execution(_ text: String) throws -> ExecutionSettings {
      let file = try UnitFile(parsing: "[Service]\nExecStart=/bin/cat\n\(text)")
      let reading = ServiceReading(file, name: try UnitName("a@.service"))
      #expect(reading.findings.isEmpty)
      return reading.definition.execution
    }
    let both = try execution("StandardInput=socket")
    #expect(both.input == .socket && both.output == .inherit && both.errorOutput == .inherit)
    #expect(try execution("StandardInput=socket\nStandardOutput=journal").output == .journal)
    #expect(try execution("StandardOutput=socket").output == .socket)
  }
}
