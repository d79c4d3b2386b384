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
  ///
  /// Of a user that is there already only the password and the keys are changed.
  public struct User: Sendable, Equatable {
    /// Login name.
    public var name: String
    /// Crypt hash; nil makes a new user that no password opens.
    public var passwordHash: String?
    /// Keys, each one line.
    public var sshAuthorizedKeys: [String]
    /// What the user is called in full, or other remarks (`gecos`).
    public var remarks: String?
    /// Absolute path; nil leaves it to the computer.
    public var homeDirectory: String?
    /// Whether the home directory is made.
    public var makesHome: Bool
    /// Name of the group the user is in first; nil leaves it to the computer.
    public var primaryGroup: String?
    /// Further groups.
    public var groups: [String]
    /// Whether a group of the user's own name is made.
    public var makesOwnGroup: Bool
    /// Whether the id is one of those for daemons, and no home is made unless asked for.
    public var isSystem: Bool
    /// Whether the user is entered in the files of last logins.
    public var entersLoginLogs: Bool
    /// Login shell; nil leaves it to the computer.
    public var shell: String?

    /// Makes a user.
    public init(
      name: String,
      passwordHash: String? = nil,
      sshAuthorizedKeys: [String] = [],
      remarks: String? = nil,
      homeDirectory: String? = nil,
      makesHome: Bool = true,
      primaryGroup: String? = nil,
      groups: [String] = [],
      makesOwnGroup: Bool = true,
      isSystem: Bool = false,
      entersLoginLogs: Bool = true,
      shell: String? = nil
    ) {
      self.name = name
      self.passwordHash = passwordHash
      self.sshAuthorizedKeys = sshAuthorizedKeys
      self.remarks = remarks
      self.homeDirectory = homeDirectory
      self.makesHome = makesHome
      self.primaryGroup = primaryGroup
      self.groups = groups
      self.makesOwnGroup = makesOwnGroup
      self.isSystem = isSystem
      self.entersLoginLogs = entersLoginLogs
      self.shell = shell
    }
  }

  /// A script to run once everything else has been carried out: user-data that begins with `#!`, or a part of it.
  public struct Script: Sendable, Equatable {
    /// What messages call it.
    public var name: String
    /// The script, its `#!` line included.
    public var content: [UInt8]

    /// Makes a script.
    public init(name: String, content: [UInt8]) {
      self.name = name
      self.content = content
    }
  }

  /// A setting of a program that is not ours, by the name of its environment variable.
  public struct Variable: Sendable, Equatable {
    /// As the program reads it, such as `FLANNELD_IFACE` or `REBOOT_STRATEGY`.
    public var name: String
    /// The value as text.
    public var value: String

    /// Makes a variable.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
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
  /// `coreos.update`, for `/etc/coreos/update.conf`; in the order of their names.
  public var update: [Variable]
  /// `coreos.locksmith`, for locksmithd's drop-in.
  public var locksmith: [Variable]
  /// `coreos.flannel`, for `/run/flannel/options.env`.
  public var flannel: [Variable]
  /// `coreos.oem`, for `/etc/oem-release`; empty unless an id is given.
  public var oem: [Variable]
  /// Values of the address tokens that are known, for `/etc/environment` (`COREOS_PUBLIC_IPV4` …).
  public var addresses: [Variable]
  /// Scripts, in the order of the user-data.
  public var scripts: [Script]
  /// Files for systemd-networkd (`.network`, `.netdev`, `.link`), which no node runs, in the order of the document.
  ///
  /// Empty when systemd has the units of the document: they are among ``BootPlan/localUnits`` then.
  public var networkUnits: [LocalUnitPlan] = []

  /// Makes a plan.
  public init(
    hostname: String? = nil,
    sshAuthorizedKeys: [String] = [],
    users: [User] = [],
    files: [File] = [],
    managesEtcHosts: Bool = false,
    update: [Variable] = [],
    locksmith: [Variable] = [],
    flannel: [Variable] = [],
    oem: [Variable] = [],
    addresses: [Variable] = [],
    scripts: [Script] = []
  ) {
    self.hostname = hostname
    self.sshAuthorizedKeys = sshAuthorizedKeys
    self.users = users
    self.files = files
    self.managesEtcHosts = managesEtcHosts
    self.update = update
    self.locksmith = locksmith
    self.flannel = flannel
    self.oem = oem
    self.addresses = addresses
    self.scripts = scripts
  }
}
