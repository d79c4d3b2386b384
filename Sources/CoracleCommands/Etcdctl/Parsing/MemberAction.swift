// SPDX-License-Identifier: Apache-2.0

/// A command on the members.
enum MemberAction: Equatable {
  case list
  case add(name: String, peerURL: String)
  case remove(id: String)
  case update(id: String, peerURLs: [String])

  /// Reads the arguments of `member NAME`.
  ///
  /// Source: etcd v3.4.23 `etcdctl/ctlv2/command/member_commands.go`.
  ///
  /// - Throws: ``EtcdctlUsageError``.
  init(_ name: String, _ arguments: [String]) throws(EtcdctlUsageError) {
    func expect(_ count: Int, _ message: String) throws(EtcdctlUsageError) {
      guard arguments.count == count else { throw EtcdctlUsageError(message: message, form: .bare) }
    }
    switch name {
    case "list":
      try expect(0, "No arguments accepted")
      self = .list
    case "add":
      try expect(2, "Provide a name and a single member peerURL")
      self = .add(name: arguments[0], peerURL: arguments[1])
    case "remove":
      try expect(1, "Provide a single member ID")
      self = .remove(id: arguments[0])
    default:
      let example = "0xabcd http://example.com,http://example1.com"
      try expect(2, "Provide an ID and a list of comma separated peerURL (\(example))")
      let urls = arguments[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      self = .update(id: arguments[0], peerURLs: urls)
    }
  }
}
