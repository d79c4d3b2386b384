// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// What a service manager such as systemd is told, with `Type=notify`.
@Suite(.serialized) struct ServiceManagerTests {
  @Test(arguments: [true, false])
  func `a node says when it serves, when it rereads its cloud-config, and when it ends`(isFile: Bool) async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let node = cluster.nodes[0]
      try await node.end(SIGTERM)
      let path = node.directory.appendingPathComponent("notify").path
      let manager = try TestServiceManager(isFile ? path : "@coracle-test-\(UUID().uuidString)")
      defer { manager.close() }
      node.environment["NOTIFY_SOCKET"] = manager.name
      try node.start()
      try await eventually("the node is ready") { manager.heard().contains { $0.hasPrefix("READY=1\n") } }
      #expect(manager.heard().last == "READY=1\nSTATUS=member node1 of the cluster")
      // What is ordered behind it may ask it at once.
      let list = try await cluster.coracle(["kv", "ls", "/"], on: node)
      #expect(list.status == 0, "\(list)")

      let processID = try #require(node.processID)
      kill(processID, SIGHUP)
      try await eventually("the node has reread its cloud-config") {
        let heard = manager.heard()
        guard let reload = heard.firstIndex(where: { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") }) else {
          return false
        }
        return heard[(reload + 1)...].contains { $0.hasPrefix("READY=1\n") }
      }
      try await node.end(SIGTERM)
      #expect(node.exitStatus == 0)
      #expect(manager.heard().last == "STOPPING=1\nSTATUS=stopping")
    }
  }

  @Test func `a node that still looks for its cluster says so, and is not ready when it rereads its cloud-config`()
    async throws
  {
    try await withTestDirectory { directory in
      let manager = try TestServiceManager(directory.appendingPathComponent("notify").path)
      defer { manager.close() }
      let file = directory.appendingPathComponent("user-data")
      // Nobody listens there.
      try """
      #cloud-config
      coreos:
        etcd2:
          discovery: http://127.77.201.1:1/discovery/0123456789abcdef
          listen-client-urls: http://127.77.201.2:2379
          advertise-client-urls: http://127.77.201.2:2379
          listen-peer-urls: http://127.77.201.2:2380
          initial-advertise-peer-urls: http://127.77.201.2:2380
      """.write(to: file, atomically: true, encoding: .utf8)
      let node = try ChildProcess(
        [
          BuiltProgram.coracle.path, "node", "--cloud-config", file.path, "--docker", "none",
          "--data-dir", directory.appendingPathComponent("data").path,
        ],
        environment: ["NOTIFY_SOCKET": manager.name],
        directory: directory
      )
      try await eventually("the node says what it does") {
        manager.heard().contains("STATUS=finding the cluster; units of this machine are looked after")
      }
      kill(node.id, SIGHUP)
      try await eventually("the cloud-config is reread") { node.errors.contains("cloud-config reread") }
      kill(node.id, SIGTERM)
      try await eventually("the node has ended") { !node.isRunning }
      #expect(manager.heard().count == 2, "\(manager.heard())")
      #expect(manager.heard().last == "STOPPING=1\nSTATUS=stopping")
    }
  }

  @Test func `a value that is no socket is told, and the node runs all the same`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let node = cluster.nodes[0]
      try await node.end(SIGTERM)
      node.environment["NOTIFY_SOCKET"] = "vsock:2:1234"
      try node.start()
      try await eventually("the node serves") {
        try await cluster.coracle(["cluster", "health"], on: node).status == 0
      }
      #expect(node.log.contains("NOTIFY_SOCKET is") && node.log.contains("vsock:2:1234"), "\(node.log)")
    }
  }
}

/// A service manager's end of `NOTIFY_SOCKET`.
private final class TestServiceManager {
  /// The value of the variable.
  let name: String
  private let descriptor: Int32
  private var messages: [String] = []

  init(_ name: String) throws {
    self.name = name
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let isBound = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
    }
    guard isBound else { throw CommandFailed(description: "bind \(name): \(String(cString: strerror(errno)))") }
  }

  /// Every message until now.
  func heard() -> [String] {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count >= 0 else { return messages }
      messages.append(String(decoding: buffer[..<count], as: UTF8.self))
    }
  }

  func close() { _ = Glibc.close(descriptor) }
}
