// SPDX-License-Identifier: Apache-2.0

/// What the document wants changed on the computer itself.
public struct SystemPlan: Sendable, Equatable {
  /// A file to write (`write_files[]`).
  public struct File: Sendable, Equatable {
    /// Absolute path.
    public var path: String
    /// Decoded content.
    public var content: [UInt8]
    /// `user` or `user:group`; nil means root.
    public var owner: String?
    /// Permission bits.
    public var permissions: UInt32

    /// Makes a file.
    public init(path: String, content: [UInt8], owner: String? = nil, permissions: UInt32 = 0o644) {
      self.path = path
      self.content = content
      self.owner = owner
      self.permissions = permissions
    }
  }

  /// A user to make or change (`users[]`).
  public struct User: Sendable, Equatable {
    /// Login name.
    public var name: String
    /// Crypt hash.
    public var passwordHash: String?
    /// Keys, each one line.
    public var sshAuthorizedKeys: [String]
    /// Further groups.
    public var groups: [String]

    /// Makes a user.
    public init(name: String, passwordHash: String? = nil, sshAuthorizedKeys: [String] = [], groups: [String] = []) {
      self.name = name
      self.passwordHash = passwordHash
      self.sshAuthorizedKeys = sshAuthorizedKeys
      self.groups = groups
    }
  }

  /// The host name to set.
  public var hostname: String?
  /// Keys for the user `core`.
  public var sshAuthorizedKeys: [String]
  /// Users, in the order of the document.
  public var users: [User]
  /// Files, in the order of the document.
  public var files: [File]
  /// Whether `/etc/hosts` is to name this machine.
  public var managesEtcHosts: Bool

  /// Makes a plan.
  public init(
    hostname: String? = nil,
    sshAuthorizedKeys: [String] = [],
    users: [User] = [],
    files: [File] = [],
    managesEtcHosts: Bool = false
  ) {
    self.hostname = hostname
    self.sshAuthorizedKeys = sshAuthorizedKeys
    self.users = users
    self.files = files
    self.managesEtcHosts = managesEtcHosts
  }
}
