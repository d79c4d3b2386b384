// SPDX-License-Identifier: Apache-2.0

/// The verbs that print lists and documents.
enum ListingVerbs {
  static let all: [VerbDefinition] = [
    containers, images, history, version, info, port, top, events, networks, volumes, inspect, inspectContainers,
    inspectImages, inspectNetworks, inspectVolumes,
  ]

  private static let filter = FlagDefinition.list("filter", "f", "Only what fits, name=value")
  private static let format = FlagDefinition.value("format", nil, "table, json, or a Go template")
  private static let shortFormat = FlagDefinition.value("format", "f", "json, or a Go template")
  private static let whole = FlagDefinition.toggle("no-trunc", nil, "Do not cut columns")

  private static let containers = VerbDefinition(
    spellings: ["ps", "container ls", "container list", "container ps"],
    usage: "",
    summary: "List containers",
    flags: [
      .toggle("all", "a", "Those that do not run too"),
      filter, format,
      .value("last", "n", "The newest so many, running or not", shape: "int"),
      .toggle("latest", "l", "The newest, running or not"),
      whole,
      .toggle("quiet", "q", "Only ids"),
      .toggle("size", "s", "With sizes"),
    ],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in
      var last = try words.integer("last").flatMap { $0 < 0 ? nil : $0 }
      if last == nil, try words.isOn("latest") { last = 1 }
      return .listing(
        .containers(
          ContainerListOptions(
            showsAll: try words.isOn("all"),
            filters: try words.filters(),
            format: words.filledText("format"),
            last: last,
            isWhole: try words.isOn("no-trunc"),
            isQuiet: try words.isOn("quiet"),
            showsSize: try words.isOn("size")
          )
        )
      )
    }
  )

  private static let images = VerbDefinition(
    spellings: ["images", "image ls", "image list"],
    usage: "[REPOSITORY[:TAG]]",
    summary: "List images",
    flags: [
      .toggle("all", "a", "Intermediate images too"),
      .toggle("digests", nil, "With digests"),
      filter, format, whole,
      .toggle("quiet", "q", "Only ids"),
    ],
    arguments: .atMost(1),
    read: { words throws(DockerCommandLineError) in
      .listing(
        .images(
          ImageListOptions(
            reference: words.arguments.first,
            showsAll: try words.isOn("all"),
            showsDigests: try words.isOn("digests"),
            filters: try words.filters(),
            format: words.filledText("format"),
            isWhole: try words.isOn("no-trunc"),
            isQuiet: try words.isOn("quiet")
          )
        )
      )
    }
  )

  private static let history = VerbDefinition(
    spellings: ["history", "image history"],
    usage: "IMAGE",
    summary: "Show the history of an image",
    flags: [
      format,
      .toggle("human", "H", "Sizes and dates for people (default true)"),
      whole,
      .value("platform", nil, "Platform as os[/arch[/variant]]"),
      .toggle("quiet", "q", "Only ids"),
    ],
    arguments: .exactly(1),
    read: { words throws(DockerCommandLineError) in
      .listing(
        .history(
          HistoryOptions(
            image: words.arguments[0],
            format: words.filledText("format"),
            isHuman: try words.isOn("human", unlessSet: true),
            isWhole: try words.isOn("no-trunc"),
            isQuiet: try words.isOn("quiet"),
            platform: words.filledText("platform")
          )
        )
      )
    }
  )

  private static let version = VerbDefinition(
    spellings: ["version"],
    usage: "",
    summary: "Show the versions of client and engine",
    flags: [shortFormat],
    arguments: .exactly(0),
    read: { words in .listing(.version(format: words.filledText("format"))) }
  )

  private static let info = VerbDefinition(
    spellings: ["info", "system info"],
    usage: "",
    summary: "Show what the engine is and has",
    flags: [shortFormat],
    arguments: .exactly(0),
    read: { words in .listing(.info(format: words.filledText("format"))) }
  )

  private static let port = VerbDefinition(
    spellings: ["port", "container port"],
    usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
    summary: "List where a container's ports are published",
    arguments: .between(1, 2),
    read: { words in
      .listing(.port(container: words.arguments[0], port: words.arguments.dropFirst().first))
    }
  )

  private static let top = VerbDefinition(
    spellings: ["top", "container top"],
    usage: "CONTAINER [ps OPTIONS]",
    summary: "Display the running processes of a container",
    arguments: .atLeast(1),
    isInterspersed: false,
    read: { words in .listing(.top(container: words.arguments[0], arguments: Array(words.arguments.dropFirst()))) }
  )

  private static let events = VerbDefinition(
    spellings: ["events", "system events"],
    usage: "",
    summary: "Print what happens to containers, images, networks and volumes",
    flags: [
      filter,
      .value("format", nil, "json, or a Go template"),
      .value("since", nil, "Also what happened since a time or a while ago"),
      .value("until", nil, "End at a time"),
    ],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in
      .events(
        EventsOptions(
          filters: try words.filters(),
          format: words.filledText("format"),
          since: words.filledText("since"),
          until: words.filledText("until")
        )
      )
    }
  )

  private static func named(_ words: VerbWords) throws(DockerCommandLineError) -> NamedListOptions {
    NamedListOptions(
      filters: try words.filters(),
      format: words.filledText("format"),
      isWhole: try words.isOn("no-trunc"),
      isQuiet: try words.isOn("quiet")
    )
  }

  private static let networks = VerbDefinition(
    spellings: ["network ls", "network list"],
    usage: "",
    summary: "List networks",
    flags: [filter, format, whole, .toggle("quiet", "q", "Only ids")],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in .listing(.networks(try named(words))) }
  )

  private static let volumes = VerbDefinition(
    spellings: ["volume ls", "volume list"],
    usage: "",
    summary: "List volumes",
    flags: [filter, format, .toggle("quiet", "q", "Only names")],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in .listing(.volumes(try named(words))) }
  )

  private static func inspection(
    _ words: VerbWords,
    _ subject: InspectOptions.Subject
  ) throws(DockerCommandLineError) -> DockerCommand {
    .listing(
      .inspect(
        InspectOptions(
          names: words.arguments,
          format: words.filledText("format"),
          subject: subject,
          includesSize: try words.isOn("size"),
          isVerbose: try words.isOn("verbose"),
          platform: words.filledText("platform")
        )
      )
    )
  }

  private static let size = FlagDefinition.toggle("size", "s", "Containers with sizes")

  private static let inspect = VerbDefinition(
    spellings: ["inspect"],
    usage: "NAME|ID [NAME|ID...]",
    summary: "Show all that the engine knows of something",
    flags: [shortFormat, size, .value("type", nil, "container, image, network or volume")],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in
      guard let type = words.last("type"), !type.value.isEmpty else { return try inspection(words, .any) }
      guard let subject = InspectOptions.Subject(rawValue: type.value), subject != .any else {
        throw .badValue(type.value, flag: "--type", expected: "container, image, network or volume")
      }
      return try inspection(words, subject)
    }
  )

  private static let inspectContainers = VerbDefinition(
    spellings: ["container inspect"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Show all that the engine knows of containers",
    flags: [shortFormat, size],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in try inspection(words, .container) }
  )

  private static let inspectImages = VerbDefinition(
    spellings: ["image inspect"],
    usage: "IMAGE [IMAGE...]",
    summary: "Show all that the engine knows of images",
    flags: [shortFormat, .value("platform", nil, "Platform as os[/arch[/variant]]")],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in try inspection(words, .image) }
  )

  private static let inspectNetworks = VerbDefinition(
    spellings: ["network inspect"],
    usage: "NETWORK [NETWORK...]",
    summary: "Show all that the engine knows of networks",
    flags: [shortFormat, .toggle("verbose", "v", "Services too")],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in try inspection(words, .network) }
  )

  private static let inspectVolumes = VerbDefinition(
    spellings: ["volume inspect"],
    usage: "VOLUME [VOLUME...]",
    summary: "Show all that the engine knows of volumes",
    flags: [shortFormat],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in try inspection(words, .volume) }
  )
}
