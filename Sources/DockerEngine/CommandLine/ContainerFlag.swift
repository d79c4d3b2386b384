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

  private static func switchFlag(
    _ name: String,
    _ effect: Effect,
    _ letter: Character? = nil,
    _ help: String? = nil
  ) -> ContainerFlag {
    ContainerFlag(definition: .toggle(name, letter, help), effect: effect)
  }

  private static func valueFlag(
    _ name: String,
    _ effect: Effect,
    _ letter: Character? = nil,
    _ help: String? = nil,
    shape: String = "string"
  ) -> ContainerFlag {
    let shape =
      switch effect {
      case .list: "list"
      case .integer: "int"
      case .sizeBytes, .sizeBytesOrUnlimited: "bytes"
      case .pairs: "map"
      case .text, .toggle, .special, .ignored: shape
      }
    return ContainerFlag(definition: .value(name, letter, help, shape: shape), effect: effect)
  }

  /// The flags that `run` and `create` share.
  ///
  /// Source: docker CLI 28.2.2; specs/docker-driver.md §5.
  static let shared: [ContainerFlag] = identity + network + storage + resources + security + life + health

  /// The flags of `run` alone.
  static let runOnly: [ContainerFlag] = [
    switchFlag("detach", .special, "d", "Run container in background and print container ID"),
    valueFlag("detach-keys", .special, nil, "Keys that leave the container alone"),
    switchFlag("sig-proxy", .special, nil, "Hand on signals (default true)"),
  ]

  private static let identity: [ContainerFlag] = [
    valueFlag("name", .special, nil, "Assign a name to the container"),
    valueFlag("hostname", .text(.configuration, "Hostname"), "h", "Container host name"),
    valueFlag("domainname", .text(.configuration, "Domainname"), nil, "Container NIS domain name"),
    valueFlag("user", .text(.configuration, "User"), "u", "Username or UID (format: <name|uid>[:<group|gid>])"),
    valueFlag("workdir", .text(.configuration, "WorkingDir"), "w", "Working directory inside the container"),
    valueFlag("entrypoint", .special, nil, "Instead of the image's entry point"),
    valueFlag("env", .special, "e", "Set environment variables", shape: "list"),
    valueFlag("env-file", .special, nil, "Read a file of environment variables", shape: "list"),
    valueFlag("label", .special, "l", "Set meta data on a container", shape: "list"),
    valueFlag("label-file", .special, nil, "Read a file of labels", shape: "list"),
    valueFlag("annotation", .pairs(.host, "Annotations"), nil, "Add an annotation for the runtime"),
    valueFlag("platform", .special, nil, "Platform as os[/arch[/variant]]"),
    valueFlag("cidfile", .special, nil, "Write the container ID to the file"),
    valueFlag("pull", .special, nil, "Pull the image before: always, missing or never"),
    switchFlag("quiet", .special, "q", "Suppress the pull output"),
    valueFlag("attach", .special, "a", "Attach to STDIN, STDOUT or STDERR", shape: "list"),
    switchFlag("interactive", .special, "i", "Keep STDIN open even if not attached"),
    switchFlag("tty", .special, "t", "Allocate a pseudo-TTY"),
    valueFlag("log-driver", .special, nil, "Logging driver for the container"),
    valueFlag("log-opt", .special, nil, "Option of the log driver, name=value", shape: "list"),
    switchFlag(
      "disable-content-trust",
      .ignored("images are not verified by signature"),
      nil,
      "Skip image verification (default true)"
    ),
  ]

  private static let network: [ContainerFlag] = [
    valueFlag("publish", .special, "p", "Publish a container's port(s) to the host", shape: "list"),
    switchFlag("publish-all", .toggle(.host, "PublishAllPorts"), "P", "Publish all exposed ports to random ports"),
    valueFlag("expose", .special, nil, "Expose a port or a range of ports", shape: "list"),
    valueFlag("net", .special),
    valueFlag("network", .special, nil, "Connect the container to a network", shape: "network"),
    valueFlag("net-alias", .list(.endpoint, "Aliases")),
    valueFlag("network-alias", .list(.endpoint, "Aliases"), nil, "Add network-scoped alias for the container"),
    valueFlag("ip", .special, nil, "IPv4 address (e.g., 172.30.100.104)"),
    valueFlag("ip6", .special, nil, "IPv6 address (e.g., 2001:db8::33)"),
    valueFlag("link-local-ip", .special, nil, "Container IPv4/IPv6 link-local addresses", shape: "list"),
    valueFlag("mac-address", .text(.endpoint, "MacAddress"), nil, "Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
    valueFlag("link", .list(.host, "Links"), nil, "Add link to another container"),
    valueFlag("dns", .list(.host, "Dns"), nil, "Set custom DNS servers"),
    valueFlag("dns-opt", .list(.host, "DnsOptions")),
    valueFlag("dns-option", .list(.host, "DnsOptions"), nil, "Set DNS options"),
    valueFlag("dns-search", .list(.host, "DnsSearch"), nil, "Set custom DNS search domains"),
    valueFlag("add-host", .special, nil, "Add a custom host-to-IP mapping (host:ip)", shape: "list"),
  ]

  private static let storage: [ContainerFlag] = [
    valueFlag("volume", .special, "v", "Bind mount a volume", shape: "list"),
    valueFlag("volumes-from", .list(.host, "VolumesFrom"), nil, "Mount volumes from the specified container(s)"),
    valueFlag("volume-driver", .text(.host, "VolumeDriver"), nil, "Optional volume driver for the container"),
    valueFlag("mount", .special, nil, "Attach a file system", shape: "mount"),
    valueFlag("tmpfs", .special, nil, "Mount a tmpfs directory", shape: "list"),
    switchFlag(
      "read-only",
      .toggle(.host, "ReadonlyRootfs"),
      nil,
      "Mount the container's root filesystem as read only"
    ),
    valueFlag("storage-opt", .pairs(.host, "StorageOpt"), nil, "Option of the storage driver, name=value"),
    valueFlag("shm-size", .sizeBytes(.host, "ShmSize"), nil, "Size of /dev/shm"),
    valueFlag("device", .special, nil, "Add a host device to the container", shape: "list"),
    valueFlag(
      "device-cgroup-rule",
      .list(.host, "DeviceCgroupRules"),
      nil,
      "Add a rule to the cgroup allowed devices list"
    ),
    valueFlag("gpus", .special, nil, "Devices for the container; all for every one", shape: "gpu-request"),
  ]

  private static let resources: [ContainerFlag] = [
    valueFlag("memory", .sizeBytes(.host, "Memory"), "m", "Memory limit"),
    valueFlag("memory-reservation", .sizeBytes(.host, "MemoryReservation"), nil, "Memory soft limit"),
    valueFlag(
      "memory-swap",
      .sizeBytesOrUnlimited(.host, "MemorySwap"),
      nil,
      "Limit of memory and swap together; -1 for none"
    ),
    valueFlag("memory-swappiness", .integer(.host, "MemorySwappiness"), nil, "Swappiness, 0 to 100"),
    valueFlag("kernel-memory", .ignored("engines no longer limit it"), nil, "Kernel memory limit"),
    valueFlag("cpu-shares", .integer(.host, "CpuShares"), "c", "CPU shares (relative weight)"),
    valueFlag("cpus", .special, nil, "Number of CPUs", shape: "decimal"),
    valueFlag("cpuset-cpus", .text(.host, "CpusetCpus"), nil, "CPUs in which to allow execution (0-3, 0,1)"),
    valueFlag("cpuset-mems", .text(.host, "CpusetMems"), nil, "MEMs in which to allow execution (0-3, 0,1)"),
    valueFlag("cpu-quota", .integer(.host, "CpuQuota"), nil, "CPU time in each period, microseconds"),
    valueFlag("cpu-period", .integer(.host, "CpuPeriod"), nil, "Period of the CPU quota, microseconds"),
    valueFlag("cpu-rt-period", .integer(.host, "CpuRealtimePeriod"), nil, "Limit CPU real-time period in microseconds"),
    valueFlag(
      "cpu-rt-runtime",
      .integer(.host, "CpuRealtimeRuntime"),
      nil,
      "Limit CPU real-time runtime in microseconds"
    ),
    valueFlag("blkio-weight", .integer(.host, "BlkioWeight"), nil, "Relative weight of block IO, 10 to 1000"),
    valueFlag("blkio-weight-device", .special, nil, "Block IO weight (relative device weight)", shape: "list"),
    valueFlag("device-read-bps", .special, nil, "Limit read rate (bytes per second) from a device", shape: "list"),
    valueFlag("device-write-bps", .special, nil, "Limit write rate (bytes per second) to a device", shape: "list"),
    valueFlag("device-read-iops", .special, nil, "Limit read rate (IO per second) from a device", shape: "list"),
    valueFlag("device-write-iops", .special, nil, "Limit write rate (IO per second) to a device", shape: "list"),
    switchFlag("oom-kill-disable", .toggle(.host, "OomKillDisable"), nil, "Disable OOM Killer"),
    valueFlag("oom-score-adj", .integer(.host, "OomScoreAdj"), nil, "Tune host's OOM preferences (-1000 to 1000)"),
    valueFlag("pids-limit", .integer(.host, "PidsLimit"), nil, "Tune container pids limit (set -1 for unlimited)"),
    valueFlag("ulimit", .special, nil, "Ulimit options", shape: "ulimit"),
    valueFlag("cgroup-parent", .text(.host, "CgroupParent"), nil, "Optional parent cgroup for the container"),
  ]

  private static let security: [ContainerFlag] = [
    switchFlag("privileged", .toggle(.host, "Privileged"), nil, "Give extended privileges to this container"),
    valueFlag("cap-add", .special, nil, "Add Linux capabilities", shape: "list"),
    valueFlag("cap-drop", .special, nil, "Drop Linux capabilities", shape: "list"),
    valueFlag("security-opt", .special, nil, "Security Options", shape: "list"),
    valueFlag("group-add", .list(.host, "GroupAdd"), nil, "Add additional groups to join"),
    valueFlag("userns", .text(.host, "UsernsMode"), nil, "User namespace to use"),
    valueFlag("pid", .text(.host, "PidMode"), nil, "PID namespace to use"),
    valueFlag("ipc", .text(.host, "IpcMode"), nil, "IPC mode to use"),
    valueFlag("uts", .text(.host, "UTSMode"), nil, "UTS namespace to use"),
    valueFlag("cgroupns", .text(.host, "CgroupnsMode"), nil, "Cgroup namespace, host or private"),
    valueFlag("isolation", .text(.host, "Isolation"), nil, "Container isolation technology"),
    valueFlag("runtime", .text(.host, "Runtime"), nil, "Runtime to use for this container"),
    valueFlag("sysctl", .pairs(.host, "Sysctls"), nil, "Sysctl options"),
    valueFlag("lxc-conf", .ignored("engines no longer have the LXC driver")),
  ]

  private static let life: [ContainerFlag] = [
    switchFlag("rm", .special, nil, "Remove the container and its anonymous volumes when it exits"),
    switchFlag("init", .toggle(.host, "Init"), nil, "Run an init inside that hands on signals and reaps processes"),
    valueFlag("restart", .special, nil, "Restart policy to apply when a container exits (no unless set)"),
    valueFlag("stop-signal", .text(.configuration, "StopSignal"), nil, "Signal to stop the container"),
    valueFlag("stop-timeout", .integer(.configuration, "StopTimeout"), nil, "Timeout (in seconds) to stop a container"),
  ]

  private static let health: [ContainerFlag] = [
    valueFlag("health-cmd", .special, nil, "Command to run to check health"),
    valueFlag("health-interval", .special, nil, "Time between running the check", shape: "duration"),
    valueFlag("health-timeout", .special, nil, "Maximum time to allow one check to run", shape: "duration"),
    valueFlag("health-start-period", .special, nil, "Time to start before failures count", shape: "duration"),
    valueFlag(
      "health-start-interval",
      .special,
      nil,
      "Time between checks while the container starts",
      shape: "duration"
    ),
    valueFlag("health-retries", .special, nil, "Failures in a row that count as unhealthy", shape: "int"),
    switchFlag("no-healthcheck", .special, nil, "Disable any container-specified HEALTHCHECK"),
  ]
}
