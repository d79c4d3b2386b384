// SPDX-License-Identifier: Apache-2.0

/// The verbs that work inside a container, or with what it holds and says.
enum ContainerWorkVerbs {
  static let all: [VerbDefinition] = [exec, attach, logs, copy, diff, export, commit, update]

  private static let detachKeys = FlagDefinition.value("detach-keys", nil, "Keys that leave the container alone")

  private static let exec = VerbDefinition(
    spellings: ["exec", "container exec"],
    usage: "CONTAINER COMMAND [ARG...]",
    summary: "Execute a command in a running container",
    flags: [
      .toggle("detach", "d", "Do not wait for the command"),
      detachKeys,
      .list("env", "e", "Set environment variables"),
      .list("env-file", nil, "Read a file of environment variables"),
      .toggle("interactive", "i", "Hand over standard input"),
      .toggle("privileged", nil, "Give extended privileges to the command"),
      .toggle("tty", "t", "Give it a terminal"),
      .value("user", "u", "User name or id, user[:group]"),
      .value("workdir", "w", "Working directory inside the container"),
    ],
    arguments: .atLeast(2),
    isInterspersed: false,
    read: { words throws(DockerCommandLineError) in
      .exec(
        ExecOptions(
          container: words.arguments[0],
          words: Array(words.arguments.dropFirst()),
          isDetached: try words.isOn("detach"),
          isInteractive: try words.isOn("interactive"),
          hasTerminal: try words.isOn("tty"),
          isPrivileged: try words.isOn("privileged"),
          user: words.filledText("user"),
          workingDirectory: words.filledText("workdir"),
          environment: words.texts("env"),
          environmentFiles: words.texts("env-file"),
          detachKeys: try words.detachKeys()
        )
      )
    }
  )

  private static let attach = VerbDefinition(
    spellings: ["attach", "container attach"],
    usage: "CONTAINER",
    summary: "Attach standard input, output and error to a running container",
    flags: [
      detachKeys,
      .toggle("no-stdin", nil, "Do not hand over standard input"),
      .toggle("sig-proxy", nil, "Hand on signals (default true)"),
    ],
    arguments: .exactly(1),
    read: { words throws(DockerCommandLineError) in
      .attach(
        AttachOptions(
          container: words.arguments[0],
          isInteractive: try !words.isOn("no-stdin"),
          passesSignals: try words.isOn("sig-proxy", unlessSet: true),
          detachKeys: try words.detachKeys()
        )
      )
    }
  )

  private static let logs = VerbDefinition(
    spellings: ["logs", "container logs"],
    usage: "CONTAINER",
    summary: "Print the logs of a container",
    flags: [
      .toggle("details", nil, "Show extra details provided to logs"),
      .toggle("follow", "f", "Follow the output"),
      .value("since", nil, "Show lines since a time (2013-01-02T13:23:37Z) or a while ago (42m)"),
      .value("tail", "n", "How many lines to show from the end (default all)"),
      .toggle("timestamps", "t", "Show times"),
      .value("until", nil, "Show lines before a time (2013-01-02T13:23:37Z) or a while ago (42m)"),
    ],
    arguments: .exactly(1),
    read: { words throws(DockerCommandLineError) in
      .logs(
        LogsOptions(
          container: words.arguments[0],
          isFollowed: try words.isOn("follow"),
          showsTimestamps: try words.isOn("timestamps"),
          showsDetails: try words.isOn("details"),
          tail: words.filledText("tail"),
          since: words.filledText("since"),
          until: words.filledText("until")
        )
      )
    }
  )

  private static let copy = VerbDefinition(
    spellings: ["cp", "container cp"],
    usage: "CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH",
    summary: "Copy files between a container and this machine",
    flags: [
      .toggle("archive", "a", "Keep owners"),
      .toggle("follow-link", "L", "Follow a symbolic link in SRC_PATH"),
      .toggle("quiet", "q", "Say nothing"),
    ],
    arguments: .exactly(2),
    read: { words throws(DockerCommandLineError) in
      let source = CopyOptions.Place(words.arguments[0])
      let destination = CopyOptions.Place(words.arguments[1])
      switch (source, destination) {
      case (.container, .container): throw .refused("copying between containers is not supported")
      case (.container, _), (_, .container): break
      default: throw .refused("must specify at least one container source")
      }
      return .copy(
        CopyOptions(
          source: source,
          destination: destination,
          keepsOwners: try words.isOn("archive"),
          followsLink: try words.isOn("follow-link"),
          isQuiet: try words.isOn("quiet")
        )
      )
    }
  )

  private static let diff = VerbDefinition(
    spellings: ["diff", "container diff"],
    usage: "CONTAINER",
    summary: "Show which files of a container differ from its image",
    arguments: .exactly(1),
    read: { words in .diff(container: words.arguments[0]) }
  )

  private static let export = VerbDefinition(
    spellings: ["export", "container export"],
    usage: "CONTAINER",
    summary: "Export a container's file system as a tar archive",
    flags: [.value("output", "o", "Write to a file instead of standard output")],
    arguments: .exactly(1),
    read: { words in .export(ExportOptions(container: words.arguments[0], file: words.filledText("output"))) }
  )

  private static let commit = VerbDefinition(
    spellings: ["commit", "container commit"],
    usage: "CONTAINER [REPOSITORY[:TAG]]",
    summary: "Create a new image from a container's changes",
    flags: [
      .value("author", "a", "Author"),
      .list("change", "c", "Apply a Dockerfile instruction to the image"),
      .value("message", "m", "Commit message"),
      .toggle("pause", "p", "Pause the container meanwhile (default true)"),
    ],
    arguments: .between(1, 2),
    read: { words throws(DockerCommandLineError) in
      .commit(
        CommitOptions(
          container: words.arguments[0],
          image: words.arguments.count == 2 ? try words.image(1) : nil,
          author: words.filledText("author"),
          changes: words.texts("change"),
          message: words.filledText("message"),
          pauses: try words.isOn("pause", unlessSet: true)
        )
      )
    }
  )

  /// The flags of `run` that can change later.
  private static let updateFlags: [ContainerFlag] = {
    let names: Set<String> = [
      "blkio-weight", "cpu-period", "cpu-quota", "cpu-rt-period", "cpu-rt-runtime", "cpu-shares", "cpus", "cpuset-cpus",
      "cpuset-mems", "kernel-memory", "memory", "memory-reservation", "memory-swap", "pids-limit", "restart",
    ]
    return ContainerFlag.shared.filter { names.contains($0.definition.name) }
  }()

  private static let update = VerbDefinition(
    spellings: ["update", "container update"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Change the limits of one or more containers",
    flags: updateFlags.map(\.definition),
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in
      guard !words.flags.isEmpty else {
        throw .refused("you must provide one or more flags when using this command")
      }
      let changes = try ContainerFlagReader.hostChanges(&words, flags: updateFlags)
      return .update(UpdateOptions(containers: words.arguments, changes: changes))
    }
  )
}

extension CopyOptions.Place {
  /// Understands one end: `-`, `NAME:PATH`, or a path; one that begins with `/` or `.` is never a container's.
  init(_ word: String) {
    guard word != "-" else {
      self = .archive
      return
    }
    guard !word.hasPrefix("/"), let colon = word.firstIndex(of: ":"), !word[..<colon].hasPrefix(".") else {
      self = .local(word)
      return
    }
    self = .container(String(word[..<colon]), path: String(word[word.index(after: colon)...]))
  }
}
