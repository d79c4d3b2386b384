// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import TransportSecurity

/// A command line of etcdctl, parsed.
struct EtcdctlInvocation: Equatable {
  /// What is to be done.
  enum Command: Equatable {
    case keys(KeyValueAction)
    case members(MemberAction)
    case clusterHealth(forever: Bool)
    case users(UserAction)
    case roles(RoleAction)
    case authentication(enabled: Bool)
    case backup(BackupRequest)
    case importSnapshot(SnapshotImport)
    case help(EtcdctlTopic)
    case version
  }

  /// The part before the command.
  struct Settings: Equatable {
    /// Where to ask, separated by commas.
    var endpoints = "http://127.0.0.1:2379,http://127.0.0.1:4001"
    /// The domain whose SRV records name the endpoints.
    var discoveryDomain: String?
    /// Whether endpoints without TLS that DNS names are asked.
    var trustsInsecureDiscovery = false
    /// What https endpoints are asked with.
    var security = SecurityFiles()
    var format = KeyValueFormat.simple
    var username: String?
    /// Whether the members' own addresses are not asked for first.
    var noSync = false
    var debug = false
    /// How long one answer may take; nil takes the default.
    var timeout: Duration?
    /// How long all of it may take, but for a watch.
    var totalTimeout = Duration.seconds(5)
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
    let flags = try EtcdctlFlags(words, of: .program)
    if flags.isSet("version") || flags.isSet("help") {
      settings = Settings()
      command = flags.isSet("help") ? .help(.program) : .version
      return
    }
    settings = try Self.settings(flags, environment)
    command = try Self.command(flags.arguments, in: .program, readValue)
  }

  private static func settings(
    _ flags: EtcdctlFlags,
    _ environment: [String: String]
  ) throws(EtcdctlUsageError) -> Settings {
    func variable(_ names: String...) -> String? {
      names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    func flag(_ names: String...) -> String? {
      names.lazy.compactMap { flags[$0] }.first { !$0.isEmpty }
    }
    var settings = Settings()
    settings.endpoints =
      flag("endpoints", "endpoint", "peers") ?? variable("ETCDCTL_ENDPOINTS", "ETCDCTL_ENDPOINT", "ETCDCTL_PEERS")
      ?? settings.endpoints
    settings.discoveryDomain = flag("discovery-srv") ?? variable("ETCDCTL_DISCOVERY_SRV")
    settings.trustsInsecureDiscovery =
      flags.isSet("insecure-discovery") || variable("ETCDCTL_INSECURE_DISCOVERY") != nil
    settings.security = SecurityFiles(
      flags: (ca: flags["ca-file"], certificate: flags["cert-file"], key: flags["key-file"]),
      environment: environment,
      prefix: "ETCDCTL"
    )
    let format = flags["output"] ?? "simple"
    guard let known = KeyValueFormat(rawValue: format) else {
      throw EtcdctlUsageError(message: "Unsupported output format: \(format)", form: .bare)
    }
    settings.format = known
    settings.username = flag("username") ?? variable("ETCDCTL_USERNAME")
    settings.noSync = flags.isSet("no-sync")
    settings.debug = flags.isSet("debug")
    settings.timeout = flags.time("timeout")
    settings.totalTimeout = flags.time("total-timeout") ?? settings.totalTimeout
    return settings
  }

  /// The command of the program or of a group of commands.
  private static func command(
    _ words: [String],
    in group: EtcdctlTopic,
    _ readValue: () -> String?
  ) throws(EtcdctlUsageError) -> Command {
    guard let name = words.first else { return .help(group) }
    if name == "help" || name == "h" {
      guard let topic = words.dropFirst().first else { return .help(group) }
      guard let found = group[topic] else { throw unknown(topic) }
      return .help(found)
    }
    guard let topic = group[name] else { throw unknown(name) }
    let flags = try EtcdctlFlags(words.dropFirst(), of: topic)
    if flags.isSet("help") { return .help(topic) }
    if topic.isGroup { return try command(flags.arguments, in: topic, readValue) }
    switch topic.words[0] {
    case "cluster-health": return .clusterHealth(forever: flags.isSet("forever"))
    case "backup": return .backup(try BackupRequest(flags))
    case "import": return .importSnapshot(try SnapshotImport(flags))
    case "member": return .members(try MemberAction(name, flags.arguments))
    case "user": return .users(try UserAction(name, flags))
    case "role": return .roles(try RoleAction(name, flags))
    case "auth":
      guard flags.arguments.isEmpty else {
        throw EtcdctlUsageError(message: "No arguments accepted", form: .bare)
      }
      return .authentication(enabled: name == "enable")
    default: return .keys(try KeyValueAction(name, flags, readValue))
    }
  }

  private static func unknown(_ name: String) -> EtcdctlUsageError {
    EtcdctlUsageError(message: "No help topic for '\(name)'", form: .unknownCommand)
  }
}
