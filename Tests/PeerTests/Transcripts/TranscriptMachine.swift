// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit

@testable import Differential

/// One coracle in the place of a recorded etcd, on an address of its own on loopback with etcd's ports.
final class TranscriptMachine {
  let name: String
  let address: String
  let directory: URL
  let dataDirectory: URL
  private var child: ChildProcess?

  /// Describes a machine; nothing is started.
  ///
  /// - Parameters:
  ///   - name: Its member name.
  ///   - address: Its address.
  ///   - directory: Where it gets a directory of its own.
  ///   - data: Where its data stand already; fresh when nil.
  /// - Throws: When its directory cannot be made.
  init(_ name: String, _ address: String, below directory: URL, data: URL? = nil) throws {
    self.name = name
    self.address = address
    self.directory = directory.appendingPathComponent("\(name)-\(address)")
    dataDirectory = data ?? self.directory.appendingPathComponent("data")
    try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
  }

  deinit {
    child?.signal(SIGKILL)
  }

  var endpoint: String { "http://\(address):2379" }
  var peerURL: String { "http://\(address):2380" }
  /// What it has logged since its last start.
  var log: String { child?.errors ?? "" }

  /// Listeners on its own address, told to others.
  var ownURLs: [String: String] {
    [
      "listen-client-urls": endpoint, "advertise-client-urls": endpoint, "listen-peer-urls": peerURL,
      "initial-advertise-peer-urls": peerURL,
    ]
  }

  /// Starts it with settings of `coreos.etcd2`.
  func start(_ settings: [String: String], flags: [String] = []) throws {
    let file = directory.appendingPathComponent("user-data.yaml")
    let lines = settings.sorted { $0.key < $1.key }.map { "    \($0.key): \($0.value)\n" }.joined()
    let text = "#cloud-config\ncoreos:\n  etcd2:\n\(lines)  units:\n    - name: etcd2.service\n      command: start\n"
    try text.write(to: file, atomically: true, encoding: .utf8)
    let words = [
      BuiltProgram.coracle.path, "node", "--cloud-config", file.path, "--data-dir", dataDirectory.path, "--name", name,
      "--public-ip", address, "--private-ip", address, "--docker", "none",
    ]
    child = try ChildProcess(words + flags, directory: directory)
  }

  /// Waits until it has an answer on its peer port, which speaks plain HTTP.
  func waitForPeers() async throws {
    try await eventually("\(name) serves peers, or has ended:\n\(log)") {
      let connection = try RawConnection(host: address, port: 2_380)
      connection.send(RequestTemplate("GET", "/members").rendered(offset: 0))
      return connection.answer(isHead: false).status == 200
    }
  }

  /// Waits until it serves.
  func waitUntilHealthy() async throws {
    do {
      try await eventually("\(name) serves") {
        // A member tells its client URL a moment after it serves.
        try ask(RequestTemplate("GET", "/health")).text.contains("true")
          && get("/v2/members").contains("\"clientURLs\":[\"http")
      }
    } catch {
      throw CommandFailed(description: "\(error)\n\(log.suffix(4_000))")
    }
  }

  /// Waits until it has ended by itself.
  ///
  /// - Returns: Its exit status.
  func waitForEnd() async throws -> Int32 {
    guard let child else { return -1 }
    try await child.wait(within: .seconds(60))
    return child.status
  }

  /// Ends it with a signal.
  func end(_ signal: Int32) async throws {
    child?.signal(signal)
    try await child?.wait(within: .seconds(60))
  }

  /// Asks it over a connection of its own.
  func ask(_ request: RequestTemplate) throws -> RawAnswer {
    let connection = try RawConnection(host: address, port: LoneServer.clientPort)
    connection.send(request.rendered(offset: 0))
    return connection.answer(isHead: request.method == "HEAD")
  }

  /// The body of the answer to a GET.
  func get(_ target: String) throws -> String { try ask(RequestTemplate("GET", target)).text }
}
