// SPDX-License-Identifier: Apache-2.0

/// Flags about networks, storage, devices and limits.
extension ContainerFlagReader {
  mutating func applyNetwork(_ flag: FoundFlag) throws(DockerCommandLineError) {
    switch flag.name {
    case "publish":
      for binding in try PortPublication(flag).bindings {
        setEntry(.configuration, "ExposedPorts", binding.containerPort, .object(JSONObject()))
        let place = JSONObject([("HostIp", .string(binding.hostIP)), ("HostPort", .string(binding.hostPort))])
        let earlier = get(.host, "PortBindings")?[binding.containerPort]?.elements ?? []
        setEntry(.host, "PortBindings", binding.containerPort, .array(earlier + [.object(place)]))
      }
    case "expose":
      for port in try PortPublication.exposedPorts(flag) {
        setEntry(.configuration, "ExposedPorts", port, .object(JSONObject()))
      }
    case "ip": setEntry(.endpoint, "IPAMConfig", "IPv4Address", .string(flag.value))
    case "ip6": setEntry(.endpoint, "IPAMConfig", "IPv6Address", .string(flag.value))
    case "link-local-ip":
      let earlier = get(.endpoint, "IPAMConfig")?["LinkLocalIPs"]?.elements ?? []
      setEntry(.endpoint, "IPAMConfig", "LinkLocalIPs", .array(earlier + [.string(flag.value)]))
    case "add-host":
      // The command line takes both spellings and sends the colon.
      guard let separator = flag.value.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
        throw .badValue(flag.value, flag: "--add-host", expected: "host:ip")
      }
      let host = flag.value[..<separator]
      append(.host, "ExtraHosts", .string("\(host):\(flag.value[flag.value.index(after: separator)...])"))
    default: try applyNetworkMode(flag)
    }
  }

  private mutating func applyNetworkMode(_ flag: FoundFlag) throws(DockerCommandLineError) {
    guard get(.host, "NetworkMode") == nil else {
      throw .conflict("more than one --network is not supported")
    }
    guard flag.value.contains("=") else {
      set(.host, "NetworkMode", .string(flag.value))
      return
    }
    for text in try flag.commaSeparatedFields() {
      let (key, value) = FoundFlag(name: flag.name, value: text).pair()
      switch key {
      case "name": set(.host, "NetworkMode", .string(value))
      case "alias": append(.endpoint, "Aliases", .string(value))
      case "ip": setEntry(.endpoint, "IPAMConfig", "IPv4Address", .string(value))
      case "ip6": setEntry(.endpoint, "IPAMConfig", "IPv6Address", .string(value))
      case "mac-address": set(.endpoint, "MacAddress", .string(value))
      default: throw .badValue(flag.value, flag: "--" + flag.name, expected: "known fields; \(key) is not supported")
      }
    }
    guard get(.host, "NetworkMode") != nil else {
      throw .badValue(flag.value, flag: "--" + flag.name, expected: "a name")
    }
  }

  mutating func applyStorage(_ flag: FoundFlag) throws(DockerCommandLineError) {
    switch flag.name {
    case "volume":
      if flag.value.contains(":") {
        specification.binds.append(flag.value)
      } else {
        setEntry(.configuration, "Volumes", flag.value, .object(JSONObject()))
      }
    case "mount": append(.host, "Mounts", try MountOption.json(flag))
    case "tmpfs":
      let parts = flag.value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      setEntry(.host, "Tmpfs", parts[0], .string(parts.count == 2 ? parts[1] : ""))
    case "gpus": try applyGPUs(flag)
    default: try applyDevice(flag)
    }
  }

  private mutating func applyDevice(_ flag: FoundFlag) throws(DockerCommandLineError) {
    func isMode(_ text: String) -> Bool { !text.isEmpty && text.allSatisfy { "rwm".contains($0) } }
    let parts = flag.value.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    var inside = parts[0]
    var mode = "rwm"
    switch parts.count {
    case 1: break
    case 2 where isMode(parts[1]): mode = parts[1]
    case 2: inside = parts[1]
    case 3 where isMode(parts[2]): (inside, mode) = (parts[1], parts[2])
    default: throw .badValue(flag.value, flag: "--device", expected: "/dev/x[:/dev/y][:rwm]")
    }
    guard parts[0].hasPrefix("/"), inside.hasPrefix("/") else {
      throw .badValue(flag.value, flag: "--device", expected: "/dev/x[:/dev/y][:rwm]")
    }
    let device = JSONObject([
      ("PathOnHost", .string(parts[0])), ("PathInContainer", .string(inside)), ("CgroupPermissions", .string(mode)),
    ])
    append(.host, "Devices", .object(device))
  }

  private mutating func applyGPUs(_ flag: FoundFlag) throws(DockerCommandLineError) {
    let count = flag.value == "all" ? -1 : Int64(flag.value)
    guard let count, count >= -1 else { throw .badValue(flag.value, flag: "--gpus", expected: "all or a number") }
    let request = JSONObject([
      ("Driver", .string("")), ("Count", .integer(count)), ("DeviceIDs", .null),
      ("Capabilities", .array([.strings(["gpu"])])), ("Options", .object(JSONObject())),
    ])
    append(.host, "DeviceRequests", .object(request))
  }

  mutating func applyResource(_ flag: FoundFlag) throws(DockerCommandLineError) {
    let members = [
      "blkio-weight-device": ("BlkioWeightDevice", "Weight"), "device-read-bps": ("BlkioDeviceReadBps", "Rate"),
      "device-write-bps": ("BlkioDeviceWriteBps", "Rate"), "device-read-iops": ("BlkioDeviceReadIOps", "Rate"),
      "device-write-iops": ("BlkioDeviceWriteIOps", "Rate"),
    ]
    if flag.name == "cpus" {
      set(.host, "NanoCpus", .integer(try flag.nanoProcessors()))
    } else if flag.name == "ulimit" {
      try applyLimit(flag)
    } else if let (member, quantity) = members[flag.name] {
      let (path, rest) = try flag.pathAndRest("device:number")
      let rate = FoundFlag(name: flag.name, value: rest)
      let number = flag.name.hasSuffix("bps") ? try rate.sizeBytes() : try rate.integer()
      append(.host, member, .object(JSONObject([("Path", .string(path)), (quantity, .integer(number))])))
    } else {
      throw .unknownFlag("--" + flag.name, verb: "run")
    }
  }

  private mutating func applyLimit(_ flag: FoundFlag) throws(DockerCommandLineError) {
    let pair = try flag.strictPair()
    let parts = pair.value.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
    guard (1...2).contains(parts.count), let soft = parts[0], let hard = parts[parts.count - 1] else {
      throw .badValue(flag.value, flag: "--ulimit", expected: "name=soft[:hard]")
    }
    let limit = JSONObject([("Name", .string(pair.key)), ("Hard", .integer(hard)), ("Soft", .integer(soft))])
    append(.host, "Ulimits", .object(limit))
  }
}
