// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Nodes that boot from datasources, and `coracle cloud-config fetch`.
@Suite(.serialized) struct DatasourceTests {
  private func write(_ files: [String: String], in folder: URL) throws {
    for (name, text) in files {
      let file = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
  }

  private func fetch(_ source: String, _ more: [String] = []) async throws -> CommandOutput {
    try await run([BuiltProgram.coracle.path, "cloud-config", "fetch", "--datasource", source] + more)
  }

  @Test func `a metadata service is asked as it wants to be, and its failures are waited out`() async throws {
    try await withTestDirectory { directory in
      let tree = directory.appendingPathComponent("tree")
      let address = "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250)).1"
      let userData = "#cloud-config\nhostname: from-user-data\n"
      try write(
        [
          ".token": "SECRET", ".failures": "2", "2009-04-04/user-data": userData,
          "2009-04-04/meta-data/index": "hostname\n", "2009-04-04/meta-data/hostname": "ip-10-0-0-9.internal",
          "2009-04-04/meta-data/local-ipv4": "10.0.0.9", "2009-04-04/meta-data/public-keys/index": "0=key",
          "2009-04-04/meta-data/public-keys/0/openssh-key": "ssh-rsa AAAA key\n",
        ],
        in: tree
      )
      let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Programs/metadata.py")
      let server = try ChildProcess(["python3", program.path, address, "8080", tree.path], directory: directory)
      defer { server.signal(SIGKILL) }
      try await eventually("the service listens") {
        try await run(["curl", "-s", "-m", "2", "http://\(address):8080/latest/"]).status == 0
      }
      try write([".failures": "1"], in: tree)
      let found = try await fetch("ec2:http://\(address):8080", ["--output", "json"])
      #expect(found.status == 0 && found.output == userData, "\(found)")
      let facts = try json(found.errors)
      #expect(facts["datasource"] as? String == "ec2:http://\(address):8080")
      #expect(facts["hostname"] as? String == "ip-10-0-0-9.internal" && facts["private_ipv4"] as? String == "10.0.0.9")
      #expect(facts["ssh_authorized_keys"] as? [String] == ["ssh-rsa AAAA key"])

      // Without a token the service gives nothing, and says that there is something.
      let refused = try await fetch("url:http://\(address):8080/2009-04-04/user-data")
      #expect(refused.status == 1 && refused.output.isEmpty, "\(refused)")
      #expect(refused.errors.contains("has nothing (4xx)"), "\(refused)")
      try await succeed(["truncate", "-s", "1048577", tree.appendingPathComponent("2009-04-04/user-data").path])
      let long = try await fetch("ec2:http://\(address):8080")
      #expect(long.status == 1 && long.errors.contains("has more than 1048576 bytes"), "\(long)")
    }
  }

  @Test func `a node starts from its last good user-data when its source is away or has errors`() async throws {
    try await withTestDirectory { directory in
      let address = "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250)).1"
      let seed = directory.appendingPathComponent("seed")
      let data = directory.appendingPathComponent("data")
      func document(_ line: String) -> String {
        """
        #cloud-config
        coreos:
          etcd2:
            name: $private_ipv4
            listen-client-urls: http://\(address):2379
            advertise-client-urls: http://\(address):2379
            listen-peer-urls: http://\(address):2380
            initial-advertise-peer-urls: http://\(address):2380
        \(line)
        """
      }
      func start(_ words: [String] = []) throws -> ChildProcess {
        try ChildProcess(
          [
            BuiltProgram.coracle.path, "node", "--data-dir", data.path, "--docker", "none", "--private-ip", address,
          ] + words,
          environment: ["CORACLE_NODE_DATASOURCE": "nocloud:\(seed.path)"],
          directory: directory
        )
      }
      func serves(_ node: ChildProcess) async throws {
        defer { node.signal(SIGTERM) }
        try await eventually("the node serves\n\(node.errors)") {
          try await run(["curl", "-sf", "-m", "2", "http://\(address):2379/health"]).output.contains("true")
        }
      }
      func ends(_ node: ChildProcess) async throws -> (status: Int32, errors: String) {
        try await node.wait(within: .seconds(60))
        return (node.status, node.errors)
      }

      let first = try await ends(try start())
      #expect(first.status == 1 && first.errors.contains("there is no directory \(seed.path)"), "\(first)")
      try write(["user-data": document("  oops: 1:2: ["), "meta-data": ""], in: seed)
      let bad = try await ends(try start())
      #expect(bad.status == 1 && bad.errors.contains("\(seed.path)/user-data:"), "\(bad)")
      #expect(!FileManager.default.fileExists(atPath: data.path))

      try write(["user-data": document("")], in: seed)
      let good = try start()
      try await serves(good)
      #expect(try await ends(good).status == 0)

      try write(["user-data": document("  oops: 1:2: [")], in: seed)
      let old = try start()
      try await serves(old)
      let told = try await ends(old)
      #expect(told.errors.contains("the user-data has errors: the node starts from the last that had none"), "\(told)")
      #expect(told.errors.contains("\(seed.path)/user-data:"), "\(told)")
      let named = try await ends(try start(["--cloud-config", seed.appendingPathComponent("user-data").path]))
      #expect(named.status == 1 && named.errors.contains("\(seed.path)/user-data:"), "\(named)")

      try FileManager.default.removeItem(at: seed)
      let away = try start()
      try await eventually("the node serves") {
        try await run(["curl", "-sf", "-m", "2", "http://\(address):2379/health"]).output.contains("true")
      }
      away.signal(SIGHUP)
      try await eventually("the reload is told") {
        away.errors.contains("cloud-config reread: the node goes on with the old one")
      }
      away.signal(SIGTERM)
      let gone = try await ends(away)
      #expect(gone.status == 0 && gone.errors.contains("the datasource is away"), "\(gone)")
      #expect(gone.errors.contains("the datasource nocloud:\(seed.path) is away"), "\(gone)")
      // Another datasource has nothing to do with it.
      let other = try await ends(try start(["--datasource", "nocloud:\(directory.path)/other"]))
      #expect(other.status == 1 && other.errors.contains("no datasource has user-data"), "\(other)")
    }
  }
}
