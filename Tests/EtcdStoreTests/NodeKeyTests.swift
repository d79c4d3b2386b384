// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import EtcdStore

struct NodeKeyTests {
  @Test(arguments: [
    ("/", "/"), ("", "/"), ("/a", "/a"), ("a", "/a"), ("/a/", "/a"), ("//a", "/a"), ("/a//b", "/a/b"),
    ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/../b", "/b"), ("/a/..", "/"), ("/...", "/..."), ("/a/.b", "/a/.b"),
    ("/a b/é", "/a b/é"),
  ])
  func `a key is cleaned like a path of Go`(key: String, clean: String) {
    #expect(NodeKey.cleaned(key) == clean)
    #expect(NodeKey.isClean(clean))
    #expect(NodeKey.isClean(key) == (key == clean))
  }
}
