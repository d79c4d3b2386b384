// SPDX-License-Identifier: Apache-2.0
public import Units

/// Settings of ``UnitSupervision``.
public struct UnitSupervisionConfiguration: Sendable {
  /// How the unit-host comes into being.
  public enum HostLaunch: Sendable {
    /// A second process of ``UnitSupervisionConfiguration/executable``, which outlives this one.
    case process
    /// A thread of this process, for tests; it ends with ``UnitSupervision/run()``'s process.
    case thread
  }

  /// Where records, journals and the unit-host's socket are kept: `DATA-DIR/units`.
  public var stateDirectory: String
  /// This machine's id, for `%m`.
  public var machineID: String
  /// The program that is the unit-host and, by other names, `docker`, `etcdctl` and `fleetctl` on units' PATH.
  public var executable: String
  /// Variables every unit gets; its own settings win over them.
  public var environment: [String: String]
  /// Units that count as there and active without being loaded.
  public var presentUnits: Set<String>
  /// How the unit-host comes into being.
  public var hostLaunch: HostLaunch
  /// How much of the units' journals is kept.
  public var journalRetention: JournalRetention

  /// Whether units get control groups.
  public var usesControlGroups = true
  /// Below which control group of each hierarchy the units' are; nil is the one the node is in.
  public var controlGroupRoot: String?
  /// Stands before the places of units' directories: `/run`, `/var/lib` and so on are below it.
  public var directoryRoot = ""
  /// Directories that have units' drop-ins in `NAME.d` directories; of two with one name the first one's counts.
  public var dropInDirectories = UnitSupervisionConfiguration.usualDropInDirectories
  /// Drop-ins from elsewhere, such as a cloud-config's; they win over those.
  public var dropIns: [DropIn] = []

  /// How often the engine's containers are looked through for leftovers of units.
  public var containerSweepInterval = Duration.seconds(10)

  /// Where systemd looks for drop-ins.
  public static let usualDropInDirectories = [
    "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
  ]

  /// Makes settings.
  ///
  /// - Parameters:
  ///   - stateDirectory: Where everything is kept.
  ///   - machineID: This machine's id.
  ///   - executable: Nil takes the running program.
  ///   - environment: Variables every unit gets.
  ///   - presentUnits: Units that count as there and active.
  ///   - hostLaunch: How the unit-host comes into being.
  ///   - journalRetention: How much of the units' journals is kept.
  public init(
    stateDirectory: String,
    machineID: String,
    executable: String? = nil,
    environment: [String: String] = [:],
    presentUnits: Set<String> = UnitSupervisionConfiguration.usualUnits,
    hostLaunch: HostLaunch = .process,
    journalRetention: JournalRetention = JournalRetention()
  ) {
    self.stateDirectory = stateDirectory
    self.machineID = machineID
    self.executable = executable ?? "/proc/self/exe"
    self.environment = environment
    self.presentUnits = presentUnits
    self.hostLaunch = hostLaunch
    self.journalRetention = journalRetention
  }

  /// What a CoreOS machine always had: its daemons and the usual targets.
  public static let usualUnits: Set<String> = [
    "docker.service", "docker.socket", "early-docker.service", "early-docker.target", "etcd.service", "etcd2.service",
    "fleet.service", "fleet.socket", "flanneld.service", "network.target", "network-online.target",
    "network-pre.target", "multi-user.target", "basic.target", "sysinit.target", "default.target", "local-fs.target",
    "remote-fs.target", "sockets.target", "timers.target", "paths.target", "time-sync.target", "nss-lookup.target",
    "user-config.target", "system-config.target", "systemd-networkd.service", "systemd-resolved.service",
    "systemd-journald.service", "systemd-journald.socket", "dbus.service", "dbus.socket", "sshd.service",
    "sshd.socket", "shutdown.target", "syslog.target", "syslog.socket",
  ]
}
