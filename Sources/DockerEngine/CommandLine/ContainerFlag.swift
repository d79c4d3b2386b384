// SPDX-License-Identifier: Apache-2.0

/// One flag of `run` and `create` with what it means to the engine.
struct ContainerFlag: Sendable {
  /// The part of the create body that a member belongs to.
  enum Place: Sendable {
    case configuration
    case host
    case endpoint
  }

  /// What a flag does; those that are more than one member of one shape are ``special``.
  enum Effect: Sendable {
    case text(Place, String)
    case list(Place, String)
    case integer(Place, String)
    case sizeBytes(Place, String)
    case sizeBytesOrUnlimited(Place, String)
    case toggle(Place, String)
    case pairs(Place, String)
    /// Carried out by ``ContainerFlagReader``.
    case special
    /// Understood, without effect here; the reason ends the warning.
    case ignored(String)
  }

  var definition: FlagDefinition
  var effect: Effect

  private static func switchFlag(_ name: String, _ effect: Effect, _ letter: Character? = nil) -> ContainerFlag {
    ContainerFlag(definition: .toggle(name, letter), effect: effect)
  }

  private static func valueFlag(_ name: String, _ effect: Effect, _ letter: Character? = nil) -> ContainerFlag {
    ContainerFlag(definition: .value(name, letter), effect: effect)
  }

  /// The flags that `run` and `create` share.
  ///
  /// Source: docker CLI 28.2.2; specs/docker-driver.md §5.
  static let shared: [ContainerFlag] = identity + network + storage + resources + security + life + health

  /// The flags of `run` alone.
  static let runOnly: [ContainerFlag] = [
    switchFlag("detach", .special, "d"),
    valueFlag("detach-keys", .ignored("nobody is attached")),
    switchFlag("sig-proxy", .ignored("signals always reach the container")),
  ]

  private static let identity: [ContainerFlag] = [
    valueFlag("name", .special),
    valueFlag("hostname", .text(.configuration, "Hostname"), "h"),
    valueFlag("domainname", .text(.configuration, "Domainname")),
    valueFlag("user", .text(.configuration, "User"), "u"),
    valueFlag("workdir", .text(.configuration, "WorkingDir"), "w"),
    valueFlag("entrypoint", .special),
    valueFlag("env", .special, "e"),
    valueFlag("env-file", .special),
    valueFlag("label", .special, "l"),
    valueFlag("label-file", .special),
    valueFlag("annotation", .pairs(.host, "Annotations")),
    valueFlag("platform", .special),
    valueFlag("cidfile", .special),
    valueFlag("pull", .special),
    switchFlag("quiet", .special, "q"),
    valueFlag("attach", .special, "a"),
    switchFlag("interactive", .special, "i"),
    switchFlag("tty", .special, "t"),
    valueFlag("log-driver", .special),
    valueFlag("log-opt", .special),
    switchFlag("disable-content-trust", .ignored("images are not verified by signature")),
  ]

  private static let network: [ContainerFlag] = [
    valueFlag("publish", .special, "p"),
    switchFlag("publish-all", .toggle(.host, "PublishAllPorts"), "P"),
    valueFlag("expose", .special),
    valueFlag("net", .special),
    valueFlag("network", .special),
    valueFlag("net-alias", .list(.endpoint, "Aliases")),
    valueFlag("network-alias", .list(.endpoint, "Aliases")),
    valueFlag("ip", .special),
    valueFlag("ip6", .special),
    valueFlag("link-local-ip", .special),
    valueFlag("mac-address", .text(.endpoint, "MacAddress")),
    valueFlag("link", .list(.host, "Links")),
    valueFlag("dns", .list(.host, "Dns")),
    valueFlag("dns-opt", .list(.host, "DnsOptions")),
    valueFlag("dns-option", .list(.host, "DnsOptions")),
    valueFlag("dns-search", .list(.host, "DnsSearch")),
    valueFlag("add-host", .special),
  ]

  private static let storage: [ContainerFlag] = [
    valueFlag("volume", .special, "v"),
    valueFlag("volumes-from", .list(.host, "VolumesFrom")),
    valueFlag("volume-driver", .text(.host, "VolumeDriver")),
    valueFlag("mount", .special),
    valueFlag("tmpfs", .special),
    switchFlag("read-only", .toggle(.host, "ReadonlyRootfs")),
    valueFlag("storage-opt", .pairs(.host, "StorageOpt")),
    valueFlag("shm-size", .sizeBytes(.host, "ShmSize")),
    valueFlag("device", .special),
    valueFlag("device-cgroup-rule", .list(.host, "DeviceCgroupRules")),
    valueFlag("gpus", .special),
  ]

  private static let resources: [ContainerFlag] = [
    valueFlag("memory", .sizeBytes(.host, "Memory"), "m"),
    valueFlag("memory-reservation", .sizeBytes(.host, "MemoryReservation")),
    valueFlag("memory-swap", .sizeBytesOrUnlimited(.host, "MemorySwap")),
    valueFlag("memory-swappiness", .integer(.host, "MemorySwappiness")),
    valueFlag("kernel-memory", .ignored("engines no longer limit it")),
    valueFlag("cpu-shares", .integer(.host, "CpuShares"), "c"),
    valueFlag("cpus", .special),
    valueFlag("cpuset-cpus", .text(.host, "CpusetCpus")),
    valueFlag("cpuset-mems", .text(.host, "CpusetMems")),
    valueFlag("cpu-quota", .integer(.host, "CpuQuota")),
    valueFlag("cpu-period", .integer(.host, "CpuPeriod")),
    valueFlag("cpu-rt-period", .integer(.host, "CpuRealtimePeriod")),
    valueFlag("cpu-rt-runtime", .integer(.host, "CpuRealtimeRuntime")),
    valueFlag("blkio-weight", .integer(.host, "BlkioWeight")),
    valueFlag("blkio-weight-device", .special),
    valueFlag("device-read-bps", .special),
    valueFlag("device-write-bps", .special),
    valueFlag("device-read-iops", .special),
    valueFlag("device-write-iops", .special),
    switchFlag("oom-kill-disable", .toggle(.host, "OomKillDisable")),
    valueFlag("oom-score-adj", .integer(.host, "OomScoreAdj")),
    valueFlag("pids-limit", .integer(.host, "PidsLimit")),
    valueFlag("ulimit", .special),
    valueFlag("cgroup-parent", .text(.host, "CgroupParent")),
  ]

  private static let security: [ContainerFlag] = [
    switchFlag("privileged", .toggle(.host, "Privileged")),
    valueFlag("cap-add", .special),
    valueFlag("cap-drop", .special),
    valueFlag("security-opt", .special),
    valueFlag("group-add", .list(.host, "GroupAdd")),
    valueFlag("userns", .text(.host, "UsernsMode")),
    valueFlag("pid", .text(.host, "PidMode")),
    valueFlag("ipc", .text(.host, "IpcMode")),
    valueFlag("uts", .text(.host, "UTSMode")),
    valueFlag("cgroupns", .text(.host, "CgroupnsMode")),
    valueFlag("isolation", .text(.host, "Isolation")),
    valueFlag("runtime", .text(.host, "Runtime")),
    valueFlag("sysctl", .pairs(.host, "Sysctls")),
    valueFlag("lxc-conf", .ignored("engines no longer have the LXC driver")),
  ]

  private static let life: [ContainerFlag] = [
    switchFlag("rm", .special),
    switchFlag("init", .toggle(.host, "Init")),
    valueFlag("restart", .special),
    valueFlag("stop-signal", .text(.configuration, "StopSignal")),
    valueFlag("stop-timeout", .integer(.configuration, "StopTimeout")),
  ]

  private static let health: [ContainerFlag] = [
    valueFlag("health-cmd", .special),
    valueFlag("health-interval", .special),
    valueFlag("health-timeout", .special),
    valueFlag("health-start-period", .special),
    valueFlag("health-start-interval", .special),
    valueFlag("health-retries", .special),
    switchFlag("no-healthcheck", .special),
  ]
}
