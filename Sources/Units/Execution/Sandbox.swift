// SPDX-License-Identifier: Apache-2.0

/// What of the machine is kept from a unit's commands.
///
/// Source: systemd.exec(5) "SANDBOXING", "PATHS", "CAPABILITIES".
public struct Sandbox: Sendable, Equatable {
  /// How much of the system is read-only (`ProtectSystem=`).
  public enum SystemProtection: String, Sendable {
    case no
    case yes
    case full
    case strict
  }

  /// What is left of home directories (`ProtectHome=`).
  public enum HomeProtection: String, Sendable {
    case no
    case yes
    case readOnly = "read-only"
    case tmpfs
  }

  /// A path that is seen at another place (`BindPaths=`).
  public struct Bind: Sendable, Equatable {
    /// What is seen.
    public var source: String
    /// Where it is seen.
    public var target: String
    /// Whether the source may be missing.
    public var isOptional: Bool
    /// Whether it can only be read.
    public var isReadOnly: Bool
    /// Whether what is mounted below it comes along.
    public var isRecursive: Bool
  }

  /// An empty file system in memory (`TemporaryFileSystem=`).
  public struct Memory: Sendable, Equatable {
    /// Where.
    public var path: String
    /// Options of the mount, such as `size=10M` and `ro`.
    public var options: [String]
  }

  /// `NoNewPrivileges=`.
  public var hasNoNewPrivileges = false
  /// `PrivateTmp=`.
  public var hasPrivateTmp = false
  /// `PrivateDevices=`.
  public var hasPrivateDevices = false
  /// `PrivateNetwork=`.
  public var hasPrivateNetwork = false
  /// `PrivateIPC=`.
  public var hasPrivateIPC = false
  /// `PrivateMounts=`.
  public var hasPrivateMounts = false
  /// `ProtectHostname=`.
  public var protectsHostName = false
  /// `ProtectSystem=`.
  public var system = SystemProtection.no
  /// `ProtectHome=`.
  public var home = HomeProtection.no
  /// `ProtectKernelTunables=`.
  public var protectsTunables = false
  /// `ProtectKernelModules=`.
  public var protectsModules = false
  /// `ProtectKernelLogs=`.
  public var protectsKernelLogs = false
  /// `ProtectClock=`.
  public var protectsClock = false
  /// `ProtectControlGroups=`.
  public var protectsControlGroups = false
  /// `ReadOnlyPaths=`.
  public var readOnlyPaths: [ExecutionSettings.OptionalPath] = []
  /// `ReadWritePaths=`.
  public var readWritePaths: [ExecutionSettings.OptionalPath] = []
  /// `InaccessiblePaths=`.
  public var inaccessiblePaths: [ExecutionSettings.OptionalPath] = []
  /// `BindPaths=` and `BindReadOnlyPaths=`.
  public var binds: [Bind] = []
  /// `TemporaryFileSystem=`.
  public var memories: [Memory] = []
  /// `CapabilityBoundingSet=`; nil when it is not given.
  public var boundingSet: CapabilitySet?
  /// `AmbientCapabilities=`; nil when it is not given.
  public var ambientSet: CapabilitySet?

  /// Makes a sandbox that keeps nothing away.
  public init() {}

  /// The capabilities that commands may have at most; nil leaves them as they are.
  public var capabilities: CapabilitySet? {
    var kept = boundingSet ?? .all
    for (isProtected, names) in [
      (protectsModules, ["CAP_SYS_MODULE"]), (protectsKernelLogs, ["CAP_SYSLOG"]),
      (protectsClock, ["CAP_SYS_TIME", "CAP_WAKE_ALARM"]), (hasPrivateDevices, ["CAP_MKNOD", "CAP_SYS_RAWIO"]),
    ] where isProtected {
      kept = kept.subtracting(CapabilitySet(names) ?? .none)
    }
    return kept == .all ? nil : kept
  }

  /// Whether commands see mounts of their own.
  public var needsMounts: Bool {
    hasPrivateTmp || hasPrivateDevices || hasPrivateMounts || system != .no || home != .no || protectsTunables
      || protectsModules
      || protectsKernelLogs || protectsControlGroups || !readOnlyPaths.isEmpty || !readWritePaths.isEmpty
      || !inaccessiblePaths.isEmpty || !binds.isEmpty || !memories.isEmpty
  }

  /// The directives that need a namespace, as they would be named where there is none.
  public var namespaceDirectives: [String] {
    let named: [(Bool, String)] = [
      (hasPrivateTmp, "PrivateTmp"), (hasPrivateDevices, "PrivateDevices"), (hasPrivateNetwork, "PrivateNetwork"),
      (hasPrivateIPC, "PrivateIPC"),
      (hasPrivateMounts, "PrivateMounts"), (protectsHostName, "ProtectHostname"), (system != .no, "ProtectSystem"),
      (home != .no, "ProtectHome"), (protectsTunables, "ProtectKernelTunables"),
      (protectsModules, "ProtectKernelModules"), (protectsKernelLogs, "ProtectKernelLogs"),
      (protectsControlGroups, "ProtectControlGroups"), (!readOnlyPaths.isEmpty, "ReadOnlyPaths"),
      (!readWritePaths.isEmpty, "ReadWritePaths"), (!inaccessiblePaths.isEmpty, "InaccessiblePaths"),
      (binds.contains { !$0.isReadOnly }, "BindPaths"), (binds.contains(where: \.isReadOnly), "BindReadOnlyPaths"),
      (!memories.isEmpty, "TemporaryFileSystem"),
    ]
    return named.compactMap { $0 ? $1 : nil }
  }

  /// Whether a command may run without its namespaces where the machine gives none: it then sees more than it should,
  /// and not something else than it should.
  public var canLackNamespaces: Bool { binds.isEmpty && memories.isEmpty }
}
