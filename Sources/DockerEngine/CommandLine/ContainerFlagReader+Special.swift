// SPDX-License-Identifier: Apache-2.0

/// Flags that are more than one member of one shape.
extension ContainerFlagReader {
  mutating func applySpecial(_ flag: FoundFlag) throws(DockerCommandLineError) {
    switch flag.name {
    case "name": specification.name = flag.value
    case "platform": specification.platform = flag.value
    case "cidfile": specification.containerIDFile = flag.value
    case "entrypoint": set(.configuration, "Entrypoint", .strings([flag.value]))
    case "env": specification.environment.append(flag.value)
    case "env-file": specification.environmentFiles.append(flag.value)
    case "label": specification.labels.append(flag.value)
    case "label-file": specification.labelFiles.append(flag.value)
    case "detach-keys": specification.detachKeys = flag.value.isEmpty ? nil : try DetachKeys(flag)
    case "sig-proxy":
      specification.passesSignals = try flag.bool()
      unitWarnings.append("flag --sig-proxy has no effect: signals always reach the container")
    case "detach": specification.isDetached = try flag.bool()
    case "rm": specification.removesOnExit = try flag.bool()
    case "quiet": specification.isQuiet = try flag.bool()
    case "pull": try applyPull(flag)
    case "attach": try applyAttach(flag)
    case "interactive": try applyInteractive(flag)
    case "tty":
      specification.hasTerminal = try flag.bool()
      set(.configuration, "Tty", specification.hasTerminal ? .bool(true) : nil)
    case "restart": try applyRestart(flag)
    case "log-driver", "log-opt": try applyLog(flag)
    case "publish", "expose", "net", "network", "ip", "ip6", "link-local-ip", "add-host": try applyNetwork(flag)
    case "volume", "mount", "tmpfs", "device", "gpus": try applyStorage(flag)
    case "cap-add": addedCapabilities.append(flag.value)
    case "cap-drop": droppedCapabilities.append(flag.value)
    case "security-opt": try applySecurity(flag)
    case "no-healthcheck": isHealthCheckOff = try flag.bool()
    case _ where flag.name.hasPrefix("health-"): try applyHealth(flag)
    default: try applyResource(flag)
    }
  }

  private mutating func applyPull(_ flag: FoundFlag) throws(DockerCommandLineError) {
    guard let policy = ContainerSpecification.PullPolicy(rawValue: flag.value) else {
      throw .badValue(flag.value, flag: "--pull", expected: "always, missing or never")
    }
    specification.pullPolicy = policy
  }

  private mutating func applyAttach(_ flag: FoundFlag) throws(DockerCommandLineError) {
    let stream = flag.value.lowercased()
    guard ["stdin", "stdout", "stderr"].contains(stream) else {
      throw .badValue(flag.value, flag: "--attach", expected: "stdin, stdout or stderr")
    }
    specification.attachedStreams.append(stream)
  }

  private mutating func applyInteractive(_ flag: FoundFlag) throws(DockerCommandLineError) {
    let value: JSONValue? = try flag.bool() ? .bool(true) : nil
    for member in ["AttachStdin", "OpenStdin", "StdinOnce"] { set(.configuration, member, value) }
  }

  private mutating func applyRestart(_ flag: FoundFlag) throws(DockerCommandLineError) {
    let expected = "no, always, unless-stopped or on-failure[:count]"
    let parts = flag.value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard ["no", "always", "unless-stopped", "on-failure"].contains(parts[0]) else {
      throw .badValue(flag.value, flag: "--restart", expected: expected)
    }
    var count: Int64 = 0
    if parts.count == 2 {
      guard parts[0] == "on-failure", let number = Int64(parts[1]), number >= 0 else {
        throw .badValue(flag.value, flag: "--restart", expected: expected)
      }
      count = number
    }
    set(
      .host,
      "RestartPolicy",
      .object(JSONObject([("Name", .string(parts[0])), ("MaximumRetryCount", .integer(count))]))
    )
  }

  private mutating func applyLog(_ flag: FoundFlag) throws(DockerCommandLineError) {
    if flag.name == "log-driver" {
      setEntry(.host, "LogConfig", "Type", .string(flag.value))
      return
    }
    let pair = try flag.strictPair()
    var options = JSONObject(get(.host, "LogConfig")?["Config"]?.members.map { ($0.name, $0.value) } ?? [])
    options[pair.key] = .string(pair.value)
    setEntry(.host, "LogConfig", "Config", .object(options))
  }

  private mutating func applySecurity(_ flag: FoundFlag) throws(DockerCommandLineError) {
    let value = flag.value
    if value == "systempaths=unconfined" {
      set(.host, "MaskedPaths", .array([]))
      set(.host, "ReadonlyPaths", .array([]))
      return
    }
    if value.hasPrefix("seccomp="), !["seccomp=unconfined", "seccomp=builtin"].contains(value) {
      throw .badValue(
        value,
        flag: "--security-opt",
        expected: "seccomp=unconfined (profiles in files are not supported)"
      )
    }
    append(.host, "SecurityOpt", .string(value))
  }

  private mutating func applyHealth(_ flag: FoundFlag) throws(DockerCommandLineError) {
    switch flag.name {
    case "health-cmd": healthCheck["Test"] = .strings(["CMD-SHELL", flag.value])
    case "health-interval": healthCheck["Interval"] = .integer(try flag.nanoseconds())
    case "health-timeout": healthCheck["Timeout"] = .integer(try flag.nanoseconds())
    case "health-start-period": healthCheck["StartPeriod"] = .integer(try flag.nanoseconds())
    case "health-start-interval": healthCheck["StartInterval"] = .integer(try flag.nanoseconds())
    default: healthCheck["Retries"] = .integer(try flag.integer())
    }
  }
}
