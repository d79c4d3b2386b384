// SPDX-License-Identifier: Apache-2.0

/// The verbs whose flags are few.
struct VerbFlags {
  let verb: String
  private let flags: [FoundFlag]
  private let arguments: [String]

  private static let definitions: [String: [FlagDefinition]] = [
    "start": [.toggle("attach", "a"), .toggle("interactive", "i"), .value("detach-keys")],
    "stop": [.value("time", "t"), .value("timeout"), .value("signal", "s")],
    "kill": [.value("signal", "s")],
    "rm": [.toggle("force", "f"), .toggle("volumes", "v")],
    "pull": [.toggle("all-tags", "a"), .toggle("quiet", "q"), .value("platform"), .toggle("disable-content-trust")],
    "inspect": [.value("format", "f"), .toggle("size", "s"), .value("type")],
  ]

  init(verb: String, words: [String]) throws(DockerCommandLineError) {
    self.verb = verb
    let scanner = FlagScanner(verb: verb, definitions: Self.definitions[verb] ?? [], isInterspersed: true)
    (flags, arguments) = try scanner.scan(words)
    guard !arguments.isEmpty else {
      throw .wrongArguments(verb: verb, expected: verb == "pull" ? "an image" : "the name of a container")
    }
  }

  func command() throws(DockerCommandLineError) -> (DockerCommand, warnings: [String]) {
    switch verb {
    case "start": try start()
    case "stop":
      (
        .stop(
          StopOptions(
            containers: arguments,
            timeoutSeconds: try (last("timeout") ?? last("time")).map { flag throws(DockerCommandLineError) in
              try flag.integer()
            },
            signal: last("signal")?.value
          )
        ), []
      )
    case "kill": (.kill(KillOptions(containers: arguments, signal: last("signal")?.value)), [])
    case "rm":
      (
        .remove(
          RemoveOptions(containers: arguments, isForced: try isOn("force"), removesVolumes: try isOn("volumes"))
        ), []
      )
    case "pull": (try pull(), [])
    default: (try inspect(), [])
    }
  }

  private func last(_ name: String) -> FoundFlag? { flags.last { $0.name == name } }

  private func isOn(_ name: String) throws(DockerCommandLineError) -> Bool {
    guard let flag = last(name) else { return false }
    return try flag.bool()
  }

  private func start() throws(DockerCommandLineError) -> (DockerCommand, warnings: [String]) {
    let isInteractive = try isOn("interactive")
    let isAttached = try isOn("attach") || isInteractive
    if isAttached, arguments.count > 1 {
      throw .conflict("start -a takes one container only")
    }
    let warnings = isInteractive ? ["flag --interactive has no effect: a unit has no standard input"] : []
    return (.start(StartOptions(containers: arguments, isAttached: isAttached)), warnings)
  }

  private func pull() throws(DockerCommandLineError) -> DockerCommand {
    guard arguments.count == 1 else { throw .wrongArguments(verb: verb, expected: "one image") }
    guard let image = ImageReference(arguments[0]) else {
      throw .badValue(arguments[0], flag: "the image", expected: "[registry/]name[:tag][@digest]")
    }
    return .pull(
      PullOptions(
        image: image,
        platform: last("platform")?.value,
        isQuiet: try isOn("quiet"),
        pullsAllTags: try isOn("all-tags")
      )
    )
  }

  private func inspect() throws(DockerCommandLineError) -> DockerCommand {
    var subject = InspectOptions.Subject.any
    if let type = last("type") {
      guard let named = InspectOptions.Subject(rawValue: type.value), named != .any else {
        throw .badValue(type.value, flag: "--type", expected: "container or image")
      }
      subject = named
    }
    var template: InspectTemplate?
    if let format = last("format"), !["", "json"].contains(format.value) {
      template = try InspectTemplate(format.value)
    }
    return .inspect(
      InspectOptions(names: arguments, template: template, subject: subject, includesSize: try isOn("size"))
    )
  }
}
