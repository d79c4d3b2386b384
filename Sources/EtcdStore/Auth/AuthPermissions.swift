// SPDX-License-Identifier: Apache-2.0

/// The patterns of keys that a role may read and write.
///
/// A pattern that ends in `*` stands for every key that starts with what is before the star; any other stands for
/// itself alone. What is compared is the text after `/v2/keys` as the client sent it.
///
/// Shape: a list is nil where the client sent none (`null` in JSON), which changes nothing but the texts of answers.
/// Source: etcd v3.4.23 `etcdserver/api/v2auth/auth.go` `RWPermission`; specs §13.
public struct AuthPermissions: Sendable, Equatable {
  /// Patterns of keys that may be read.
  public var read: [String]?
  /// Patterns of keys that may be written.
  public var write: [String]?

  /// Makes permissions.
  public init(read: [String]? = nil, write: [String]? = nil) {
    self.read = read
    self.write = write
  }

  /// Whether nothing is permitted.
  public var isEmpty: Bool { (read ?? []).isEmpty && (write ?? []).isEmpty }

  /// Whether one of the patterns allows an access.
  ///
  /// A recursive request reaches below its key, so only patterns with a star count for it.
  func allow(_ access: AuthAccess) -> Bool {
    let patterns = (access.isWrite ? write : read) ?? []
    return patterns.contains { Self.matches($0, access.key, onlyPrefixes: access.isRecursive) }
  }

  private static func matches(_ pattern: String, _ key: String, onlyPrefixes: Bool) -> Bool {
    if pattern.utf8.last == UInt8(ascii: "*") { return key.utf8.starts(with: pattern.utf8.dropLast()) }
    return !onlyPrefixes && haveEqualBytes(pattern, key)
  }

  /// The permissions with others added.
  ///
  /// - Throws: ``AuthError`` for the first that was there already.
  func granting(_ more: AuthPermissions?) throws(AuthError) -> AuthPermissions {
    guard let more else { return self }
    return AuthPermissions(
      read: try Self.union(read, more.read, "read"),
      write: try Self.union(write, more.write, "write")
    )
  }

  /// The permissions without others; what is not there does not matter.
  func revoking(_ less: AuthPermissions?) -> AuthPermissions {
    guard let less else { return self }
    return AuthPermissions(read: Self.difference(read, less.read), write: Self.difference(write, less.write))
  }

  private static func union(_ old: [String]?, _ more: [String]?, _ kind: String) throws(AuthError) -> [String] {
    var patterns = Set((old ?? []).map { ByteString($0) })
    for pattern in more ?? [] {
      guard patterns.insert(ByteString(pattern)).inserted else {
        throw AuthError(.conflict, "Granting duplicate \(kind) permission \(pattern)")
      }
    }
    return patterns.sorted().map(\.text)
  }

  private static func difference(_ old: [String]?, _ less: [String]?) -> [String] {
    Set((old ?? []).map { ByteString($0) }).subtracting((less ?? []).map { ByteString($0) }).sorted().map(\.text)
  }
}
