// SPDX-License-Identifier: Apache-2.0

/// The verbs that change networks and volumes, or clean up.
enum NetworkVerbs {
  static let all: [VerbDefinition] = [
    createNetwork, connect, disconnect, removeNetworks, createVolume, removeVolumes, pruneContainers, pruneImages,
    pruneNetworks, pruneVolumes, pruneSystem,
  ]

  private static let createNetwork = VerbDefinition(
    spellings: ["network create"],
    usage: "NETWORK",
    summary: "Create a network",
    flags: [
      .toggle("attachable", nil, "Let containers join by hand"),
      .list("aux-address", nil, "Addresses that the driver uses, name=address"),
      .value("config-from", nil, "The network whose configuration is taken"),
      .toggle("config-only", nil, "Create a configuration only"),
      .value("driver", "d", "Driver (default bridge)"),
      .list("gateway", nil, "Gateway of a subnet"),
      .toggle("ingress", nil, "Create the swarm's routing network"),
      .toggle("internal", nil, "No way out"),
      .list("ip-range", nil, "Addresses of containers come from this range"),
      .value("ipam-driver", nil, "Driver of addresses (default default)"),
      .list("ipam-opt", nil, "Options of the driver of addresses, name=value"),
      .toggle("ipv4", nil, "Give out IPv4 addresses (default true)"),
      .toggle("ipv6", nil, "Give out IPv6 addresses"),
      .list("label", nil, "Set metadata"),
      .list("opt", "o", "Options of the driver, name=value"),
      .value("scope", nil, "The network's scope"),
      .list("subnet", nil, "Subnet in CIDR form"),
    ],
    arguments: .exactly(1),
    read: { words throws(DockerCommandLineError) in
      .createNetwork(
        NetworkCreateOptions(name: words.arguments[0], settings: try NetworkSettingsReader.settings(words))
      )
    }
  )

  private static let connect = VerbDefinition(
    spellings: ["network connect"],
    usage: "NETWORK CONTAINER",
    summary: "Connect a container to a network",
    flags: [
      .list("alias", nil, "Another name of the container there"),
      .list("driver-opt", nil, "Options of the driver, name=value"),
      .value("gw-priority", nil, "The highest gives the default gateway", shape: "int"),
      .value("ip", nil, "IPv4 address"),
      .value("ip6", nil, "IPv6 address"),
      .list("link", nil, "Link to another container"),
      .list("link-local-ip", nil, "Link-local address"),
    ],
    arguments: .exactly(2),
    read: { words throws(DockerCommandLineError) in
      .connectNetwork(
        NetworkConnectOptions(
          network: words.arguments[0],
          container: words.arguments[1],
          endpoint: try NetworkSettingsReader.endpoint(words)
        )
      )
    }
  )

  private static let disconnect = VerbDefinition(
    spellings: ["network disconnect"],
    usage: "NETWORK CONTAINER",
    summary: "Disconnect a container from a network",
    flags: [.toggle("force", "f", "Though it does not want to")],
    arguments: .exactly(2),
    read: { words throws(DockerCommandLineError) in
      .disconnectNetwork(
        NetworkDisconnectOptions(
          network: words.arguments[0],
          container: words.arguments[1],
          isForced: try words.isOn("force")
        )
      )
    }
  )

  private static let ifThere = FlagDefinition.toggle("force", "f", "One that is not there is no error")

  private static func named(_ words: inout VerbWords) throws(DockerCommandLineError) -> RemoveNamedOptions {
    RemoveNamedOptions(names: words.arguments, isForced: try words.isOn("force"))
  }

  private static let removeNetworks = VerbDefinition(
    spellings: ["network rm", "network remove"],
    usage: "NETWORK [NETWORK...]",
    summary: "Remove one or more networks",
    flags: [ifThere],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in .removeNetworks(try named(&words)) }
  )

  private static let createVolume = VerbDefinition(
    spellings: ["volume create"],
    usage: "[VOLUME]",
    summary: "Create a volume",
    flags: [
      .value("driver", "d", "Driver (default local)"),
      .list("label", nil, "Set metadata"),
      .value("name"),
      .list("opt", "o", "Options of the driver, name=value"),
    ],
    arguments: .atMost(1),
    read: { words throws(DockerCommandLineError) in
      if words.last("name") != nil, !words.arguments.isEmpty {
        throw .refused("conflicting options: cannot specify a volume name through both --name and a positional arg")
      }
      var settings = JSONObject()
      settings["DriverOpts"] = .object(words.pairs("opt"))
      settings["Labels"] = .object(words.pairs("label"))
      return .createVolume(
        VolumeCreateOptions(
          name: words.arguments.first ?? words.filledText("name"),
          driver: words.filledText("driver") ?? "local",
          settings: settings
        )
      )
    }
  )

  private static let removeVolumes = VerbDefinition(
    spellings: ["volume rm", "volume remove"],
    usage: "VOLUME [VOLUME...]",
    summary: "Remove one or more volumes",
    flags: [ifThere],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in .removeVolumes(try named(&words)) }
  )

  private static let unasked = FlagDefinition.toggle("force", "f", "Ask nobody")
  private static let filter = FlagDefinition.list("filter", nil, "Only what fits, such as until=24h or label=name")

  private static func prune(
    _ subject: PruneOptions.Subject,
    _ words: VerbWords
  ) throws(DockerCommandLineError) -> DockerCommand {
    .prune(
      PruneOptions(
        subject: subject,
        isForced: try words.isOn("force"),
        removesNamed: try words.isOn("all"),
        removesVolumes: try words.isOn("volumes"),
        filters: try words.filters()
      )
    )
  }

  private static let pruneContainers = VerbDefinition(
    spellings: ["container prune"],
    usage: "",
    summary: "Remove all stopped containers",
    flags: [filter, unasked],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in try prune(.containers, words) }
  )

  private static let pruneImages = VerbDefinition(
    spellings: ["image prune"],
    usage: "",
    summary: "Remove unused images",
    flags: [.toggle("all", "a", "Those with a name too"), filter, unasked],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in try prune(.images, words) }
  )

  private static let pruneNetworks = VerbDefinition(
    spellings: ["network prune"],
    usage: "",
    summary: "Remove all unused networks",
    flags: [filter, unasked],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in try prune(.networks, words) }
  )

  private static let pruneVolumes = VerbDefinition(
    spellings: ["volume prune"],
    usage: "",
    summary: "Remove unused volumes",
    flags: [.toggle("all", "a", "Those with a name too"), filter, unasked],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in try prune(.volumes, words) }
  )

  private static let pruneSystem = VerbDefinition(
    spellings: ["system prune"],
    usage: "",
    summary: "Remove unused data",
    flags: [
      .toggle("all", "a", "Images with a name too"), filter, unasked, .toggle("volumes", nil, "Anonymous volumes too"),
    ],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in try prune(.system, words) }
  )
}
