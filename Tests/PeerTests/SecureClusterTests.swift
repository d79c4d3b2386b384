// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Debian's etcdctl, curl and python-etcd against clusters with TLS and client certificates on every port.
@Suite(.serialized) struct SecureClusterTests {
  @Test func `etcdctl and python-etcd work against members and a worker`() async throws {
    try await SecureCluster.with(members: 3, workers: 1) { cluster in
      for node in cluster.nodes {
        let root = "/secure/\(node.number)"
        func etcdctl(_ words: String..., status: Int32 = 0) async throws -> CommandOutput {
          let result = try await cluster.etcdctl(words, on: node)
          #expect(result.status == status, "\(result)")
          return result
        }
        #expect(try await etcdctl("set", "\(root)/a", "one").output == "one\n")
        #expect(try await etcdctl("get", "--quorum", "\(root)/a").output == "one\n")
        #expect(try await etcdctl("set", "--swap-with-value", "one", "\(root)/a", "two").output == "two\n")
        #expect(try await etcdctl("ls", "--recursive", root).output == "\(root)/a\n")
        let watch = try ChildProcess(
          ["etcdctl"] + SecureCluster.patience + ["watch", "\(root)/w"],
          environment: cluster.etcdctlEnvironment(node),
          directory: cluster.directory
        )
        try await eventually("the watch has its event") {
          _ = try await etcdctl("set", "\(root)/w", "seen")
          return !watch.isRunning
        }
        #expect(watch.output == "seen\n")
        #expect(try await etcdctl("member", "list").output.components(separatedBy: "clientURLs=https://").count == 4)
        // A member that is kept from its second of a quorum read says so.
        try await eventually("the cluster is healthy") {
          try await cluster.etcdctl(["cluster-health"], on: node).output.contains("cluster is healthy")
        }

        let python = try await run(
          [
            "python3", peerFile("Programs/python_etcd.py"), node.address, "2379", cluster.authorityFile,
            cluster.client.certificate, cluster.client.key,
          ]
        )
        #expect(python.output == "ok\n", "\(python)")
      }
    }
  }

  @Test func `our own clients take the same files`() async throws {
    try await SecureCluster.with(members: 1) { cluster in
      let node = cluster.nodes[0]
      #expect(try await cluster.coracle(["kv", "set", "/a", "1"], on: node).output == "1\n")
      #expect(try await cluster.coracle(["cluster", "health"], on: node).output.hasSuffix("cluster is healthy\n"))
      let flags = [
        "--ca-file", cluster.authorityFile, "--cert-file", cluster.client.certificate, "--key-file",
        cluster.client.key,
      ]
      let etcdctl = try await run(
        [BuiltProgram.coracle.path, "etcdctl", "--endpoints", node.endpoint] + flags + ["get", "/a"]
      )
      #expect(etcdctl.output == "1\n", "\(etcdctl)")

      let untrusted = try await run([BuiltProgram.coracle.path, "kv", "get", "/a", "--endpoint", node.endpoint])
      #expect(untrusted.status != 0)
      #expect(untrusted.errors.contains("its certificate is not trusted"), "\(untrusted)")
      let bare = try await run(
        [BuiltProgram.coracle.path, "kv", "get", "/a", "--endpoint", node.endpoint] + flags.prefix(2)
      )
      #expect(bare.errors.contains("it wants a client certificate"), "\(bare)")
      let missing = try await run(
        [BuiltProgram.coracle.path, "kv", "get", "/a", "--endpoint", node.endpoint, "--ca-file", "/nowhere"]
      )
      #expect(missing.errors.contains("--ca-file: /nowhere: no such file or directory"), "\(missing)")
      // A unit's programs have no certificate; they go through the control socket.
      let socket = "unix://\(node.directory.path)/coracle.sock"
      #expect(try await succeed([BuiltProgram.coracle.path, "etcdctl", "--endpoints", socket, "get", "/a"]) == "1\n")
    }
  }

  @Test func `those without a certificate of the authority are refused on both ports`() async throws {
    try await SecureCluster.with(members: 1) { cluster in
      let node = cluster.nodes[0]
      let stranger = try CertificateAuthority(named: "another").issue("stranger")
        .write(to: cluster.directory, as: "stranger")
      for port in [2379, 2380] {
        let url = "https://\(node.address):\(port)/\(port == 2379 ? "version" : "members")"
        let curl = ["curl", "-sS", "-m", "20", "--cacert", cluster.authorityFile, url]
        let known = try await run(curl + ["--cert", cluster.client.certificate, "--key", cluster.client.key])
        #expect(known.status == 0 && !known.output.isEmpty, "\(known)")
        let wrong = try await run(curl + ["--cert", stranger.certificate, "--key", stranger.key])
        #expect(wrong.status != 0 && wrong.output.isEmpty, "\(wrong)")
        let bare = try await run(curl)
        #expect(bare.status != 0 && bare.output.isEmpty, "\(bare)")
        let old = try await run(
          curl + ["--cert", cluster.client.certificate, "--key", cluster.client.key, "--tls-max", "1.1"]
        )
        #expect(old.status != 0 && old.output.isEmpty, "\(old)")
        let plain = try await run(["curl", "-sS", "-m", "20", "-i", "http://\(node.address):\(port)/version"])
        #expect(plain.output.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(plain)")
        #expect(plain.output.hasSuffix("\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"), "\(plain)")
      }
      #expect(node.log.contains("TLS connection refused"))
    }
  }

  @Test func `new certificates are served without a restart, and peers go on with them`() async throws {
    try await SecureCluster.with(members: 3) { cluster in
      let node = cluster.nodes[0]
      #expect(try await cluster.curl("/version", on: node, ["-v"]).errors.contains("subject: CN=node1-client"))
      try cluster.issue("renewed", to: node, for: "client")
      #expect(try await cluster.curl("/version", on: node, ["-v"]).errors.contains("subject: CN=renewed"))

      for member in cluster.nodes { try cluster.issue("renewed-\(member.number)", to: member, for: "peer") }
      // Its streams are made anew, with the new certificates at both ends.
      try await node.end(SIGTERM)
      try node.start()
      try await cluster.waitUntilHealthy(node)
      #expect(try await cluster.etcdctl(["set", "/a", "1"], on: node).output == "1\n")
      let peers = try await run([
        "curl", "-sSv", "-m", "20", "--cacert", cluster.authorityFile, "--cert", cluster.client.certificate, "--key",
        cluster.client.key, "https://\(cluster.nodes[1].address):2380/members",
      ])
      #expect(peers.errors.contains("subject: CN=renewed-2"), "\(peers)")
    }
  }

  @Test func `a node that cannot have its TLS does not start, and says why`() async throws {
    try await withTestDirectory { directory in
      let files = try CertificateAuthority().issue("node", for: ["127.0.0.1"]).write(to: directory, as: "node")
      let other = try CertificateAuthority().issue("other").write(to: directory, as: "other")
      func start(_ lines: [String]) async throws -> CommandOutput {
        let userData = directory.appendingPathComponent("user-data.yaml")
        let text =
          "#cloud-config\ncoreos:\n  etcd2:\n    listen-client-urls: https://127.0.0.1:2379\n"
          + lines.map { "    \($0)\n" }.joined()
        try text.write(to: userData, atomically: true, encoding: .utf8)
        return try await run([
          BuiltProgram.coracle.path, "node", "--cloud-config", userData.path, "--data-dir",
          directory.appendingPathComponent("data").path, "--docker", "none",
        ])
      }
      let bare = try await start([])
      #expect(bare.status == 1)
      #expect(bare.errors.contains("https://127.0.0.1:2379 needs coreos.etcd2.cert-file and coreos.etcd2.key-file"))
      let missing = try await start(["cert-file: /nowhere.pem", "key-file: \(files.key)"])
      #expect(missing.status == 1)
      #expect(missing.errors.hasSuffix("coracle: coreos.etcd2.cert-file: /nowhere.pem: no such file or directory\n"))
      let mixed = try await start(["cert-file: \(files.certificate)", "key-file: \(other.key)"])
      #expect(mixed.status == 1)
      #expect(mixed.errors.contains("coreos.etcd2.key-file: \(other.key) is not the key of the certificate in"))
    }
  }
}
