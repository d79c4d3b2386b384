// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import EtcdWire

/// Paths before routing: specs §1.3 and §1.4.
struct RequestTargetTests {
  @Test(arguments: [
    ("/v2/keys/a%20b+c?x=%20", "/v2/keys/a b+c", "x=%20", "/a b+c"),
    ("/v2/keys", "/v2/keys", "", "/"),
    ("/v2/keys/?a?b", "/v2/keys/", "a?b", "/"),
    ("/v2/keys/a%2Fb/", "/v2/keys/a/b/", "", "/a/b"),
    ("http://host:1/v2/keys/a?q=1", "/v2/keys/a", "q=1", "/a"),
    ("https://host", "/", "", nil),
    ("/v2/keysfoo", "/v2/keysfoo", "", nil),
    ("/v2/keys/%E4%B8%AD", "/v2/keys/中", "", "/中"),
  ])
  func `a target is taken apart`(target: String, path: String, query: String, key: String?) throws {
    let parsed = try #require(RequestTarget(target))
    #expect(parsed.path == path)
    #expect(parsed.query == query)
    #expect(parsed.key == key)
    #expect(parsed.redirect == nil)
  }

  @Test(arguments: [
    ("/v2/keys/u/x//y", "/v2/keys/u/x/y"), ("/v2/keys//u?a=1", "/v2/keys/u?a=1"), ("/v2/keys/u/../v", "/v2/keys/v"),
    ("/v2/keys/u/./v/", "/v2/keys/u/v/"), ("/v2/keys/%2e%2e/x", "/v2/x"), ("/v2/keys/a%2F%2Fb", "/v2/keys/a/b"),
    ("/a/..", "/"), ("//", "/"), ("/a//b c%3F", "/a/b%20c%3F"), ("/v2/keys/.", "/v2/keys"),
  ])
  func `a path that is not clean is redirected`(target: String, location: String) throws {
    #expect(try #require(RequestTarget(target)).redirect == location)
  }

  @Test(arguments: ["/v2/keys/a%zzb", "/%", "/a%4"])
  func `a malformed escape in the path is refused`(target: String) {
    #expect(RequestTarget(target) == nil)
  }
}
