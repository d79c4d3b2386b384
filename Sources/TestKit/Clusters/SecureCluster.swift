// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Glibc

/// Members and workers that speak TLS on every port and let in only certificates of one authority.
///
/// The members are named by `initial-cluster`; each node has an address of its own on loopback.
public final class SecureCluster {
  /// The nodes in order, members first.
  public let nodes: [TestNode]
  /// How many of the nodes are members.
  public let memberCount: Int
  /// A directory for files of the test.
  public let directory: URL
  /// Who has issued all certificates.
  public let authority: CertificateAuthority
  /// The path of the authority's own certificate.
  public let authorityFile: String
  /// The paths of a client's certificate and its key.
  public let client: (certificate: String, key: String)

  private init(members: Int, workers: Int, directory: URL) throws {
    memberCount = members
    self.directory = directory
    authority = try CertificateAuthority()
    authorityFile = directory.appendingPathComponent("ca.pem").path
    try authority.pem().write(toFile: authorityFile, atomically: true, encoding: .utf8)
    client = try authority.issue("client", usage: .client).write(to: directory, as: "client")
    let prefix = "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250))"
    nodes = (1...(members + workers)).map { number in
      let node = TestNode(
        number: number,
        address: "\(prefix).\(number)",
        directory: directory.appendingPathComponent("node\(number)"),
        namespace: nil,
        userData: directory.appendingPathComponent("node\(number).yaml")
      )
      node.scheme = "https"
      return node
    }
  }

  /// Boots a cluster, runs the body, and takes everything down; the logs are printed when the body fails.
  ///
  /// - Parameters:
  ///   - members: How many members there are.
  ///   - workers: How many workers there are besides.
  ///   - etcdLines: Lines put under `coreos.etcd2`, already indented by four blanks.
  ///   - body: What is done with the cluster.
  /// - Returns: What the body returns.
  /// - Throws: What the body throws, or what went wrong while booting.
  public static func with<Value>(
    members: Int = 3,
    workers: Int = 0,
    etcdLines: String = "",
    _ body: (SecureCluster) async throws -> Value
  ) async throws -> Value {
    try await withTestDirectory { directory in
      let cluster = try SecureCluster(members: members, workers: workers, directory: directory)
      do {
        for node in cluster.nodes { try cluster.prepare(node, etcdLines) }
        for node in cluster.nodes { try node.start() }
        for node in cluster.nodes { try await cluster.waitUntilHealthy(node) }
        let value = try await body(cluster)
        await cluster.tearDown()
        return value
      } catch {
        cluster.printLogs()
        await cluster.tearDown()
        throw error
      }
    }
  }

  /// Waits until a node serves, and knows the client URLs of all members.
  ///
  /// - Throws: ``DeadlinePassed``.
  public func waitUntilHealthy(_ node: TestNode) async throws {
    try await eventually("node \(node.number) serves") {
      guard try await curl("/health", on: node).output.contains("true") else { return false }
      let members = try await curl("/v2/members", on: node).output
      return members.components(separatedBy: "\"clientURLs\":[\"https").count == memberCount + 1
    }
  }

  /// Gives a node a certificate, in the place of the one it has.
  ///
  /// - Parameters:
  ///   - name: The certificate's common name.
  ///   - node: Whose it is.
  ///   - port: `client` or `peer`.
  /// - Throws: When it cannot be made or written.
  public func issue(_ name: String, to node: TestNode, for port: String) throws {
    try authority.issue(name, for: [node.address]).write(to: node.directory, as: port)
  }

  private func prepare(_ node: TestNode, _ etcdLines: String) throws {
    try FileManager.default.createDirectory(at: node.directory, withIntermediateDirectories: true)
    for port in ["client", "peer"] { try issue("node\(node.number)-\(port)", to: node, for: port) }
    let members = nodes.prefix(memberCount).map { "node\($0.number)=https://\($0.address):2380" }
    let isMember = node.number <= memberCount
    let place = node.directory.path
    let text = """
      #cloud-config
      coreos:
        etcd2:
          initial-cluster: \(members.joined(separator: ","))
          \(isMember ? "listen-peer-urls: https://\(node.address):2380" : "proxy: on")
          initial-advertise-peer-urls: https://\(node.address):2380
          listen-client-urls: https://\(node.address):2379
          advertise-client-urls: https://\(node.address):2379
          cert-file: \(place)/client.pem
          key-file: \(place)/client-key.pem
          trusted-ca-file: \(authorityFile)
          client-cert-auth: true
          peer-cert-file: \(place)/peer.pem
          peer-key-file: \(place)/peer-key.pem
          peer-trusted-ca-file: \(authorityFile)
          peer-client-cert-auth: true
      \(etcdLines)
        units:
          - name: etcd2.service
            command: start

      """
    try text.write(to: node.userData, atomically: true, encoding: .utf8)
  }

  private func printLogs() {
    for node in nodes {
      FileHandle.standardError.write(Data("--- log of node \(node.number)\n\(node.log.suffix(12_000))\n".utf8))
    }
  }

  private func tearDown() async {
    for node in nodes { try? await node.powerOff() }
  }

  // MARK: Clients

  /// Runs curl against a node with the client's certificate.
  ///
  /// - Throws: When it cannot be run or does not end.
  public func curl(_ path: String, on node: TestNode, _ arguments: [String] = []) async throws -> CommandOutput {
    try await run(
      [
        "curl", "-sS", "-m", "20", "--cacert", authorityFile, "--cert", client.certificate, "--key", client.key,
        "\(node.endpoint)\(path)",
      ] + arguments
    )
  }

  /// The environment that makes Debian's etcdctl speak v2 over TLS to a node.
  public func etcdctlEnvironment(_ node: TestNode) -> [String: String] {
    [
      "ETCDCTL_API": "2", "ETCDCTL_ENDPOINTS": node.endpoint, "ETCDCTL_CA_FILE": authorityFile,
      "ETCDCTL_CERT_FILE": client.certificate, "ETCDCTL_KEY_FILE": client.key,
    ]
  }

  /// What has etcdctl wait: a debug build hashes passwords for seconds when others keep the processors busy.
  public static let patience = ["--timeout", "20s", "--total-timeout", "40s"]

  /// Runs Debian's etcdctl against a node with the client's certificate.
  ///
  /// - Parameters:
  ///   - words: Its command line.
  ///   - node: The node.
  ///   - input: Text for standard input.
  /// - Returns: What it printed and its status, whatever that is.
  /// - Throws: When it cannot be run or does not end.
  public func etcdctl(_ words: [String], on node: TestNode, input: String? = nil) async throws -> CommandOutput {
    try await run(
      ["etcdctl"] + Self.patience + words,
      environment: etcdctlEnvironment(node),
      directory: directory,
      input: input
    )
  }

  /// Runs `coracle` against a node with the client's certificate.
  ///
  /// - Throws: When it cannot be run or does not end.
  public func coracle(_ words: [String], on node: TestNode) async throws -> CommandOutput {
    try await run(
      [BuiltProgram.coracle.path] + words,
      environment: [
        "CORACLE_ENDPOINT": node.endpoint, "CORACLE_CA_FILE": authorityFile, "CORACLE_CERT_FILE": client.certificate,
        "CORACLE_KEY_FILE": client.key,
      ],
      directory: directory
    )
  }
}
