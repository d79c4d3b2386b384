// SPDX-License-Identifier: Apache-2.0
public import Foundation
import EtcdWire
import Glibc
import TestKit

/// One server of one member, on an address of its own on loopback, which listens on 2379 for clients.
public struct LoneServer {
  /// Its address.
  public let host: String
  let process: ChildProcess

  /// The port that both kinds listen on.
  public static let clientPort: UInt16 = 2379

  /// A loopback network for servers that run at the same time; their addresses end in 1 and 2.
  public static func freePrefix() -> String { "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250))" }

  /// Connects to it.
  public func connection() throws(ConnectionFailure) -> RawConnection {
    try RawConnection(host: host, port: Self.clientPort)
  }

  /// What it has logged.
  public var log: String { process.errors }

  /// Ends it.
  public func stop() {
    process.signal(SIGKILL)
  }

  /// Starts a coracle whose data stand below a directory, and waits until it serves.
  ///
  /// - Throws: When it does not come up, with its log.
  public static func coracle(_ host: String, directory: URL) async throws -> LoneServer {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let userData = directory.appendingPathComponent("user-data.yaml")
    try """
    #cloud-config
    coreos:
      etcd2:
        name: m0
        listen-client-urls: http://\(host):2379
        advertise-client-urls: http://\(host):2379
        listen-peer-urls: http://\(host):2380
        initial-advertise-peer-urls: http://\(host):2380
        initial-cluster: m0=http://\(host):2380
        cors: "*"
      units:
        - name: etcd2.service
          command: start

    """.write(to: userData, atomically: true, encoding: .utf8)
    let arguments = [
      BuiltProgram.coracle.path, "node", "--cloud-config", userData.path, "--data-dir", directory.path + "/data",
      "--public-ip", host, "--private-ip", host, "--docker", "none",
    ]
    return try await LoneServer(host: host, process: ChildProcess(arguments, directory: directory)).served()
  }

  /// Starts an etcd with its v2 API, and waits until it has a cluster version, after which it writes no more keys of
  /// its own.
  ///
  /// - Throws: When it does not come up, with its log.
  public static func etcd(_ host: String, directory: URL) async throws -> LoneServer {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let (client, peer) = ("http://\(host):2379", "http://\(host):2380")
    let arguments = [
      "etcd", "--enable-v2=true", "--name", "m0", "--data-dir", directory.path + "/data", "--listen-client-urls",
      client,
      "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
      "--initial-cluster", "m0=\(peer)",
    ]
    return try await LoneServer(host: host, process: ChildProcess(arguments, directory: directory)).served()
  }

  private func served() async throws -> LoneServer {
    do {
      try await eventually("\(host) has a cluster version") {
        let connection = try connection()
        connection.send(RequestTemplate("GET", "/version").rendered(offset: 0))
        let answer = connection.answer(isHead: false, within: .seconds(2))
        guard answer.status == 200, !answer.text.contains("not_decided") else { return false }
        // A member tells its client URL a moment after it serves.
        connection.send(RequestTemplate("GET", "/v2/members").rendered(offset: 0))
        return connection.answer(isHead: false, within: .seconds(2)).text.contains("\"clientURLs\":[\"http")
      }
      return self
    } catch {
      stop()
      throw CommandFailed(description: "\(error)\n\(process.errors.suffix(4_000))")
    }
  }

  /// What is its own in its answers, while indexes are not compared yet.
  func facts(_ label: String) throws -> ServerFacts {
    let connection = try connection()
    connection.send(RequestTemplate("GET", "/v2/members").rendered(offset: 0))
    let answer = connection.answer(isHead: false)
    guard let id = try JSONValue.parse(answer.body)["members"]?.array?.first?["id"]?.string else {
      throw CommandFailed(description: "\(label) does not tell its members: \(answer.text)")
    }
    return ServerFacts(label: label, replacements: [(id, "MEMBER"), (host, "HOST")])
  }
}

/// A coracle of one member and an etcd of one member.
public final class ServerPair {
  /// Ours.
  public let coracle: LoneServer
  /// The real one.
  public let etcd: LoneServer

  static let clientPort = LoneServer.clientPort

  /// Starts both below a directory.
  ///
  /// - Throws: When one of them does not come up, with its log.
  public init(directory: URL) async throws {
    let prefix = LoneServer.freePrefix()
    coracle = try await .coracle("\(prefix).1", directory: directory.appendingPathComponent("coracle"))
    do {
      etcd = try await .etcd("\(prefix).2", directory: directory.appendingPathComponent("etcd"))
    } catch {
      coracle.stop()
      throw error
    }
  }

  /// Ends both.
  public func stop() {
    for server in [coracle, etcd] { server.stop() }
  }

  /// Where data of servers may stand that need not outlive them: memory where there is a file system of it.
  public static var fastDirectory: URL {
    let memory = URL(fileURLWithPath: "/dev/shm")
    return FileManager.default.isWritableFile(atPath: memory.path) ? memory : FileManager.default.temporaryDirectory
  }

  func facts() throws -> (coracle: ServerFacts, etcd: ServerFacts) {
    (try coracle.facts("coracle"), try etcd.facts("etcd"))
  }
}
