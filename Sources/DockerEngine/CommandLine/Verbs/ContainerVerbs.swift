// SPDX-License-Identifier: Apache-2.0

/// The verbs that make, start and end containers.
enum ContainerVerbs {
  static let all: [VerbDefinition] = [run, create, start, stop, restart, kill, remove, pause, unpause, wait, rename]

  private static let detachKeys = FlagDefinition.value("detach-keys", nil, "Keys that leave the container alone")

  static let run = VerbDefinition(
    spellings: ["run", "container run"],
    usage: "IMAGE [COMMAND] [ARG...]",
    summary: "Create and run a new container from an image",
    flags: (ContainerFlag.shared + ContainerFlag.runOnly).map(\.definition),
    arguments: .atLeast(1),
    isInterspersed: false,
    read: { words throws(DockerCommandLineError) in
      .run(try ContainerFlagReader.read(&words, flags: ContainerFlag.shared + ContainerFlag.runOnly))
    }
  )

  static let create = VerbDefinition(
    spellings: ["create", "container create"],
    usage: "IMAGE [COMMAND] [ARG...]",
    summary: "Create a new container",
    flags: ContainerFlag.shared.map(\.definition),
    arguments: .atLeast(1),
    isInterspersed: false,
    read: { words throws(DockerCommandLineError) in
      .create(try ContainerFlagReader.read(&words, flags: ContainerFlag.shared))
    }
  )

  private static let start = VerbDefinition(
    spellings: ["start", "container start"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Start one or more stopped containers",
    flags: [
      .toggle("attach", "a", "Follow its output and hand on signals"),
      .toggle("interactive", "i", "Hand over standard input"),
      detachKeys,
    ],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in
      let isInteractive = try words.isOn("interactive")
      let isAttached = try words.isOn("attach") || isInteractive
      guard !isAttached || words.arguments.count == 1 else {
        throw .refused("you cannot start and attach multiple containers at once")
      }
      return .start(
        StartOptions(
          containers: words.arguments,
          isAttached: isAttached,
          isInteractive: isInteractive,
          detachKeys: try words.detachKeys()
        )
      )
    }
  )

  private static let stopFlags: [FlagDefinition] = [
    .value("signal", "s", "Signal to send to the container"),
    .value("timeout", "t", "Seconds to wait before killing the container", shape: "int"),
    .value("time", nil, nil, shape: "int"),
  ]

  private static func stopOptions(_ words: inout VerbWords) throws(DockerCommandLineError) -> StopOptions {
    guard words.last("time") == nil || words.last("timeout") == nil else {
      throw .conflict("conflicting options: cannot specify both --timeout and --time")
    }
    return StopOptions(
      containers: words.arguments,
      timeoutSeconds: try words.integer(words.last("time") == nil ? "timeout" : "time"),
      signal: words.filledText("signal")
    )
  }

  private static let stop = VerbDefinition(
    spellings: ["stop", "container stop"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Stop one or more running containers",
    flags: stopFlags,
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in .stop(try stopOptions(&words)) }
  )

  private static let restart = VerbDefinition(
    spellings: ["restart", "container restart"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Restart one or more containers",
    flags: stopFlags,
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in .restart(try stopOptions(&words)) }
  )

  private static let kill = VerbDefinition(
    spellings: ["kill", "container kill"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Kill one or more running containers",
    flags: [.value("signal", "s", "Signal to send to the container (default KILL)")],
    arguments: .atLeast(1),
    read: { words in .kill(KillOptions(containers: words.arguments, signal: words.filledText("signal"))) }
  )

  private static let remove = VerbDefinition(
    spellings: ["rm", "container rm", "container remove"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Remove one or more containers",
    flags: [
      .toggle("force", "f", "Remove a running container too (SIGKILL)"),
      .toggle("link", "l", "Remove the named link"),
      .toggle("volumes", "v", "Remove its anonymous volumes"),
    ],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in
      .remove(
        RemoveOptions(
          containers: words.arguments,
          isForced: try words.isOn("force"),
          removesVolumes: try words.isOn("volumes"),
          removesLinks: try words.isOn("link")
        )
      )
    }
  )

  private static let pause = VerbDefinition(
    spellings: ["pause", "container pause"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Pause all processes within one or more containers",
    arguments: .atLeast(1),
    read: { words in .pause(words.arguments) }
  )

  private static let unpause = VerbDefinition(
    spellings: ["unpause", "container unpause"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Unpause all processes within one or more containers",
    arguments: .atLeast(1),
    read: { words in .unpause(words.arguments) }
  )

  private static let wait = VerbDefinition(
    spellings: ["wait", "container wait"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Wait until one or more containers stop, then print their exit codes",
    arguments: .atLeast(1),
    read: { words in .wait(words.arguments) }
  )

  private static let rename = VerbDefinition(
    spellings: ["rename", "container rename"],
    usage: "CONTAINER NEW_NAME",
    summary: "Rename a container",
    arguments: .exactly(2),
    read: { words in .rename(container: words.arguments[0], name: words.arguments[1]) }
  )
}
