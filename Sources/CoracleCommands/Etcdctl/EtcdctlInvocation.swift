// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import TransportSecurity

/// A command line of etcdctl, parsed.
struct EtcdctlInvocation: Equatable {
  /// What is to be done.
  enum Command: Equatable {
    case keys(KeyValueAction)
    case memberList
    case clusterHealth(forever: Bool)
    case help
    case version
  }

  /// The part before the command.
  struct Settings: Equatable {
    /// Where to ask, separated by commas.
    var endpoints = "http://127.0.0.1:2379,http://127.0.0.1:4001"
    var format = KeyValueFormat.simple
    var username: String?
    /// What https endpoints are asked with.
    var security = SecurityFiles()
    /// Whether the members' own addresses are not asked for first.
    var noSync = false
    var debug = false
    /// How long one answer may take; nil takes the default.
    var timeout: CommandDuration?
  }

  var settings: Settings
  var command: Command

  /// Reads a command line.
  ///
  /// - Parameters:
  ///   - words: The words after `etcdctl`.
  ///   - environment: Where flags that are not given may stand as variables.
  ///   - readValue: Gives the value that a command lacks, from standard input.
  /// - Throws: ``EtcdctlUsageError``.
  init(
    _ words: [String],
    environment: [String: String],
    readValue: () -> String?
  ) throws(EtcdctlUsageError) {
    let flags = try EtcdctlFlags(words, Self.globalFlags, stopsAtArgument: true)
    settings = try Self.settings(flags, environment)
    if try flags.isSet("version") {
      command = .version
    } else if try flags.isSet("help") {
      command = .help
    } else {
      command = try Self.command(flags.arguments, readValue)
    }
  }

  private static let globalFlags: [EtcdctlFlags.Specification] = [
    .toggle("debug"), .toggle("no-sync"), .value("output", "o"), .value("discovery-srv", "D"),
    .value("endpoints", "endpoint", "peers", "C"), .value("cert-file"), .value("key-file"), .value("ca-file"),
    .value("username", "u"), .value("timeout"), .value("total-timeout"), .toggle("help", "h"), .toggle("version", "v"),
  ]

  private static func settings(
    _ flags: EtcdctlFlags,
    _ environment: [String: String]
  ) throws(EtcdctlUsageError) -> Settings {
    var settings = Settings()
    let variables = ["ETCDCTL_ENDPOINTS", "ETCDCTL_ENDPOINT", "ETCDCTL_PEERS"]
    let fromEnvironment = variables.compactMap { environment[$0] }.first { !$0.isEmpty }
    settings.endpoints = flags["endpoints"] ?? fromEnvironment ?? settings.endpoints
    let format = flags["output"] ?? "simple"
    guard let known = KeyValueFormat(rawValue: format) else {
      throw EtcdctlUsageError(message: "Unsupported output format: \(format)")
    }
    settings.format = known
    settings.username = flags["username"] ?? environment["ETCDCTL_USERNAME"]
    settings.security = SecurityFiles(
      flags: (ca: flags["ca-file"], certificate: flags["cert-file"], key: flags["key-file"]),
      environment: environment,
      prefix: "ETCDCTL"
    )
    settings.noSync = try flags.isSet("no-sync")
    settings.debug = try flags.isSet("debug")
    if let text = flags["timeout"] {
      guard let timeout = CommandDuration(argument: text) else {
        throw EtcdctlUsageError(message: "invalid value \"\(text)\" for flag -timeout: it must be a time such as 2s")
      }
      settings.timeout = timeout
    }
    try refuseWhatIsMissing(flags, environment)
    return settings
  }

  /// Flags that change where or how safely is asked must not be passed over in silence.
  private static func refuseWhatIsMissing(
    _ flags: EtcdctlFlags,
    _ environment: [String: String]
  ) throws(EtcdctlUsageError) {
    let missing = [("discovery-srv", "ETCDCTL_DISCOVERY_SRV")]
    for (flag, variable) in missing {
      let value = flags[flag] ?? environment[variable] ?? ""
      guard value.isEmpty else { throw EtcdctlUsageError(message: "--\(flag) is not supported by this version") }
    }
  }

  private static func command(
    _ words: [String],
    _ readValue: () -> String?
  ) throws(EtcdctlUsageError) -> Command {
    guard let name = words.first else { return .help }
    let rest = words.dropFirst()
    switch name {
    case "help", "h": return .help
    case "cluster-health":
      return .clusterHealth(forever: try EtcdctlFlags(rest, [.toggle("forever", "f")]).isSet("forever"))
    case "member":
      guard rest.first == "list" else {
        throw EtcdctlUsageError(
          message: "member \(rest.first ?? "without a command") is not supported; say member list"
        )
      }
      return .memberList
    default:
      guard let action = try keyCommand(name, rest, readValue) else {
        throw EtcdctlUsageError(message: "No help topic for '\(name)'")
      }
      return .keys(action)
    }
  }
}
