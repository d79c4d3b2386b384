// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import DockerEngine

/// Every flag combination whose request was recorded from docker CLI 28.2.2.
@Suite struct FlagFixtureTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  static let cases: [String] = {
    let text = (try? String(contentsOf: folder.appending(path: "flags.jsonl"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }()

  static func object(_ data: Data) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// Lays `top` over `base`, member by member.
  static func merged(_ base: [String: Any], _ top: [String: Any]) -> [String: Any] {
    base.merging(top) { old, new in
      guard let old = old as? [String: Any], let new = new as? [String: Any] else { return new }
      return merged(old, new)
    }
  }

  @Test func `there are fixtures`() {
    #expect(Self.cases.count >= 78)
  }

  @Test(arguments: cases) func `the request is the one docker's own program sends`(line: String) throws {
    let fixture = try Self.object(Data(line.utf8))
    let base = try #require(
      try Self.object(Data(contentsOf: Self.folder.appending(path: "create-base.json")))["body"] as? [String: Any]
    )
    let words = try #require(fixture["args"] as? [String])
    guard case .create(let specification) = try DockerCommandLine(parsing: ["create"] + words + ["img"]).command else {
      throw TestFailure("no create")
    }
    let caller = DockerCaller(environment: ["HOSTVAR": "fromenv"], workingDirectory: Self.folder.path)
    let creation = try ContainerCreation(specification.removedByEngine(), for: caller, version: .newest)
    let request = EngineRequest(method: .post, path: "", query: creation.query, purpose: "")
    #expect(request.target.drop { $0 == "?" } == fixture["query"] as? String ?? "-")

    let difference = fixture["body_diff"] as? [String: Any] ?? [:]
    let expected = Self.merged(base, difference)
    let sent = Self.merged(base, try Self.object(Data(creation.body.compactText.utf8)))
    #expect(NSDictionary(dictionary: sent) == NSDictionary(dictionary: expected))
  }
}
