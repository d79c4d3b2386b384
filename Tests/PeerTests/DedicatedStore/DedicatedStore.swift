// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Three members that hold the store for others: TLS, client certificates, and users, of whom the guest may do next to nothing.
final class DedicatedStore: @unchecked Sendable {
  // The suites that use it are serialized, so no two tests use it at once.
  enum Kind: String, Sendable {
    /// coracle, with `etcd2.service` started and fleet not.
    case coracle
    /// Debian's etcd 3.4 with its v2 API on.
    case etcd

    // Passwords are hashed with care: by etcd for every single request, by coracle for the first to a member that has
    // started, and a debug build takes its time. Presence must not run out meanwhile.
    var agentTTL: Duration { self == .etcd ? .seconds(30) : .seconds(6) }
  }

  /// The users: who may do everything, and who fleet is.
  static let root = "root:root-secret"
  static let fleet = (name: "fleet", password: "fleet-secret")

  let kind: Kind
  let endpoints: [String]
  let directory: URL
  let authorityFile: String
  let client: (certificate: String, key: String)
  private let startMember: (Int) throws -> Void
  private let processOf: (Int) -> Int32?

  private init(
    _ kind: Kind,
    endpoints: [String],
    directory: URL,
    authorityFile: String,
    client: (certificate: String, key: String),
    start: @escaping (Int) throws -> Void,
    process: @escaping (Int) -> Int32?
  ) {
    self.kind = kind
    self.endpoints = endpoints
    self.directory = directory
    self.authorityFile = authorityFile
    self.client = client
    startMember = start
    processOf = process
  }

  static func with(_ kind: Kind, _ body: (DedicatedStore) async throws -> Void) async throws {
    switch kind {
    case .coracle:
      try await SecureCluster.with(members: 3) { members in
        let store = DedicatedStore(
          .coracle,
          endpoints: members.nodes.map(\.endpoint),
          directory: members.directory,
          authorityFile: members.authorityFile,
          client: members.client,
          start: { try members.nodes[$0].start() },
          process: { members.nodes[$0].processID }
        )
        try await store.makeUsers()
        try await body(store)
      }
    case .etcd: try await withEtcd(body)
    }
  }

  private static func withEtcd(_ body: (DedicatedStore) async throws -> Void) async throws {
    try await withTestDirectory { directory in
      let authority = try CertificateAuthority()
      let authorityFile = directory.appendingPathComponent("ca.pem").path
      try authority.pem().write(toFile: authorityFile, atomically: true, encoding: .utf8)
      let client = try authority.issue("client", usage: .client).write(to: directory, as: "client")
      let prefix = "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250))"
      let addresses = (1...3).map { "\(prefix).\($0)" }
      let peers = addresses.enumerated().map { "m\($0.offset)=http://\($0.element):2380" }.joined(separator: ",")
      var members: [ChildProcess?] = [nil, nil, nil]
      let commands = try addresses.enumerated().map { number, address in
        let (certificate, key) = try authority.issue("m\(number)", for: [address]).write(
          to: directory,
          as: "m\(number)"
        )
        return [
          "etcd", "--enable-v2", "--logger", "zap", "--name", "m\(number)", "--data-dir",
          "\(directory.path)/m\(number)",
          "--listen-client-urls", "https://\(address):2379", "--advertise-client-urls", "https://\(address):2379",
          "--listen-peer-urls", "http://\(address):2380", "--initial-advertise-peer-urls", "http://\(address):2380",
          "--initial-cluster", peers, "--cert-file", certificate, "--key-file", key, "--trusted-ca-file", authorityFile,
          "--client-cert-auth",
        ]
      }
      let store = DedicatedStore(
        .etcd,
        endpoints: addresses.map { "https://\($0):2379" },
        directory: directory,
        authorityFile: authorityFile,
        client: client,
        start: { members[$0] = try ChildProcess(commands[$0], directory: directory) },
        process: { number in members[number].flatMap { $0.isRunning ? $0.id : nil } }
      )
      do {
        for number in 0..<3 { try store.start(number) }
        try await store.makeUsers()
        try await body(store)
      } catch {
        for member in members { FileHandle.standardError.write(Data("\(member?.errors.suffix(3_000) ?? "")\n".utf8)) }
        for number in 0..<3 { try? await store.kill(number) }
        throw error
      }
      for number in 0..<3 { try await store.kill(number) }
    }
  }

  // MARK: Members

  func start(_ member: Int) throws { try startMember(member) }

  func signal(_ member: Int, _ signal: Int32) {
    if let process = processOf(member) { Glibc.kill(process, signal) }
  }

  func kill(_ member: Int) async throws {
    signal(member, SIGKILL)
    try await eventually("member \(member) has ended") { processOf(member) == nil }
  }

  func waitUntilHealthy() async throws {
    for endpoint in endpoints {
      try await eventually("\(endpoint) serves") {
        try await succeed(curl + ["-m", "2", "\(endpoint)/health"]).contains("true")
      }
    }
  }

  // MARK: Clients

  private var curl: [String] {
    ["curl", "-s", "-S", "--cacert", authorityFile, "--cert", client.certificate, "--key", client.key]
  }

  /// Debian's etcdctl.
  func etcdctl(as user: String? = nil, _ words: [String]) async throws -> CommandOutput {
    try await run(
      ["etcdctl", "--no-sync", "--timeout", "20s", "--total-timeout", "40s"] + (user.map { ["-u", $0] } ?? []) + words,
      environment: [
        "ETCDCTL_API": "2", "ETCDCTL_ENDPOINTS": endpoints.joined(separator: ","), "ETCDCTL_CA_FILE": authorityFile,
        "ETCDCTL_CERT_FILE": client.certificate, "ETCDCTL_KEY_FILE": client.key,
      ],
      directory: directory
    )
  }

  private func makeUsers() async throws {
    try await waitUntilHealthy()
    let steps: [(String?, [String])] = [
      (nil, ["user", "add", Self.root]),
      (nil, ["user", "add", "\(Self.fleet.name):\(Self.fleet.password)"]),
      (nil, ["role", "add", "fleet"]),
      (nil, ["role", "grant", "fleet", "--path", "/_coreos.com/fleet*", "--readwrite"]),
      (nil, ["user", "grant", "fleet", "--roles", "fleet"]),
      (nil, ["auth", "enable"]),
      (Self.root, ["role", "revoke", "guest", "--path", "/*", "--readwrite"]),
      (Self.root, ["role", "grant", "guest", "--path", "/noise/*", "--readwrite"]),
    ]
    for (user, words) in steps {
      let result = try await etcdctl(as: user, words)
      guard result.status == 0 else { throw CommandFailed(description: result.description) }
    }
  }

  /// Writes more keys than the store remembers events, as the guest: etcd would take a minute to check passwords.
  func writeBeyondHistory() async throws {
    let requests = (0..<1_100).map { number in
      """
      url = "\(endpoints[0])/v2/keys/noise/\(number % 7)"
      cacert = "\(authorityFile)"
      cert = "\(client.certificate)"
      key = "\(client.key)"
      request = "PUT"
      data = "value=\(number)"
      output = "/dev/null"

      """
    }
    let file = directory.appendingPathComponent("noise").path
    try requests.joined(separator: "next\n").write(toFile: file, atomically: true, encoding: .utf8)
    try await succeed(["curl", "-s", "-S", "-f", "-K", file], within: .seconds(120))
  }

  /// What `coreos.fleet` says of the store; the first of the endpoints is dead for good.
  var fleetLines: String {
    """
        etcd-servers: \((["https://127.0.0.9:9"] + endpoints).joined(separator: ","))
        etcd-username: \(Self.fleet.name)
        etcd-password: \(Self.fleet.password)
        etcd-cafile: \(authorityFile)
        etcd-certfile: \(client.certificate)
        etcd-keyfile: \(client.key)
        etcd-request-timeout: \(kind == .etcd ? 10 : 3)
    """
  }
}

/// Gives a suite three workers, whose store is held by others.
struct DedicatedStoreTrait: SuiteTrait, TestScoping {
  let kind: DedicatedStore.Kind

  @TaskLocal static var current: DedicatedStore?

  @concurrent func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    try await DedicatedStore.with(kind) { store in
      let shape = TestClusterShape(
        machines: 3,
        nodeArguments: ["--stop-units", "--log-level", "debug"],
        agentTTL: "\(kind.agentTTL.components.seconds)s",
        fleetLines: store.fleetLines
      )
      let directory = store.directory.appendingPathComponent("workers")
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      try await TestCluster.withWorkers(shape, directory: directory) { cluster in
        try await Self.$current.withValue(store) {
          try await SharedCluster.share(cluster) { try await function() }
        }
      }
    }
  }
}

extension Trait where Self == DedicatedStoreTrait {
  /// Three workers and three members; tests find them by `SharedCluster.use` and `DedicatedStoreTrait.current`.
  static func dedicatedStore(_ kind: DedicatedStore.Kind) -> Self { DedicatedStoreTrait(kind: kind) }
}
