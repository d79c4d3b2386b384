// SPDX-License-Identifier: Apache-2.0
import APIServer
import EtcdStore
import EtcdWire
import NIOCore
import StoreTestKit
import Testing

@testable import APIClients

/// Documents by URL, as datasources ask for them.
@Suite struct WebDocumentTests {
  @Test func `a document comes with its status, within its limit`() async throws {
    try await TestServer.with { servers, transport in
      let keys = MemoryKeys()
      servers[0].ports.setStore(.member(keys, MemoryCluster()))
      try await keys.set("/a", "value")
      let url = "\(servers[0].endpoint.url)/v2/keys/a"
      let document = try await transport.document("GET", url, headers: ["X-Any": "1"], limitBytes: 1_024)
      #expect(document.status == 200)
      #expect(String(decoding: document.body, as: UTF8.self).contains(#""value":"value""#))
      #expect(try await transport.document("PUT", "\(url)?value=x", limitBytes: 1_024).status == 200)
      #expect(try await keys.get("/a").event.node.value == "x")
      #expect(try await transport.document("GET", "\(url)?wait=maybe", limitBytes: 1_024).status == 400)
      await #expect(throws: WebDocumentError.tooLong(url: url, limitBytes: 20)) {
        try await transport.document("GET", url, limitBytes: 20)
      }
    }
  }

  @Test func `a server that does not answer is given up, and nonsense is told from silence`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(.member(SlowKeys(delay: .seconds(3_600)), MemoryCluster()))
      let url = "\(servers[0].endpoint.url)/v2/keys/a"
      await #expect {
        try await transport.document("GET", url, limitBytes: 1_024, timeout: .milliseconds(50))
      } throws: { error in
        guard case .unreachable(let reason)? = error as? WebDocumentError else { return false }
        return reason.hasPrefix(url)
      }
      await #expect {
        try await transport.document("GET", "http://127.0.0.1:1/x?y", limitBytes: 1_024)
      } throws: { error in
        "\(error)" == "http://127.0.0.1:1/x?y: dial tcp 127.0.0.1:1: connect: connection refused"
      }
      for nonsense in ["http://", "x", ""] {
        await #expect(throws: WebDocumentError.badURL(nonsense), "\(nonsense)") {
          try await transport.document("GET", nonsense, limitBytes: 1_024)
        }
      }
    }
  }
}
