// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CoracleDaemon
import Glibc
import Logging

/// `coracle node`: runs this machine's node until it is told to stop.
struct NodeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node",
    abstract: "Run this machine's node.",
    discussion: """
      Each flag may also be given as CORACLE_NODE_<FLAG> in the environment (CORACLE_NODE_DATA_DIR=…); a flag beats the
      environment, the environment beats the cloud-config. SIGTERM and SIGINT stop the node cleanly; its units keep running.
      """
  )

  @Option(
    help: "The cloud-config to boot from: a file, a URL, or - for standard input (default: ask the datasources).",
    completion: .file()
  )
  var cloudConfig: String?

  @Option(
    help: ArgumentHelp(
      """
      Where to look for user-data: auto, none, or a list of file:PATH, files, url:URL, configdrive[:DIR], \
      nocloud[:DIR|URL], fw-cfg, smbios, kernel-cmdline, ec2[:BASE], gce[:BASE], digitalocean[:BASE], openstack[:BASE], \
      vmware, joined by commas (default: auto, the usual files and what this machine hints at).
      """,
      valueName: "names"
    )
  )
  var datasource: String?

  @Option(help: "Everything this node keeps (default: \(NodeOptions.defaultDataDirectory)).", completion: .directory)
  var dataDir: String?

  @Option(help: "Member name (default: coreos.etcd2.name, else the machine id).")
  var name: String?

  @Option(help: "Machine id, 32 lower-case hex digits; several nodes on one computer each need their own.")
  var machineId: String?

  @Option(help: "Value of $public_ipv4 (default: detected).")
  var publicIp: String?

  @Option(help: "Value of $private_ipv4 (default: detected).")
  var privateIp: String?

  @Option(help: "URL of the Docker Engine, or none (default: unix:///var/run/docker.sock if it is there).")
  var docker: String?

  @Option(
    help: "Control socket (default: /run/coracle.sock as root with the default data dir, else in the data dir).",
    completion: .file()
  )
  var socket: String?

  @Flag(
    help: """
      Let the cloud-config change this computer, when the node starts: host name, users, keys, files, units of systemd, \
      scripts; needs root. `coracle cloud-config plan` shows what it would do.
      """
  )
  var applySystem = false

  @Flag(help: "Stop this node's units when the node is stopped cleanly.")
  var stopUnits = false

  @Option(help: "Control group below which units' groups are, in every hierarchy (default: the node's own).")
  var cgroupRoot: String?

  @Option(
    help: "Least level of log lines: trace, debug, info, notice, warning, error.",
    completion: .list(["trace", "debug", "info", "notice", "warning", "error"])
  )
  var logLevel: String?

  @Option(help: "Form of log lines: text, json.", completion: .list(["text", "json"]))
  var logFormat: String?

  func run() async throws {
    let environment = environmentVariables()
    let status = await CoracleNode.run(try options(environment: environment), environment: environment)
    guard status == 0 else { throw ExitCode(status) }
  }

  /// The flags, each with the environment behind it.
  func options(environment: [String: String]) throws -> NodeOptions {
    // Like a variable that is not there: service files and compose files set what they have no value for to nothing.
    func text(_ flag: String?, _ name: String) -> String? {
      flag ?? environment["CORACLE_NODE_\(name)"].flatMap { $0.isEmpty ? nil : $0 }
    }
    func switched(_ flag: Bool, _ name: String) throws -> Bool {
      if flag { return true }
      guard let value = environment["CORACLE_NODE_\(name)"] else { return false }
      switch value.lowercased() {
      case "1", "true", "yes", "on": return true
      case "", "0", "false", "no", "off": return false
      default: throw ValidationError("CORACLE_NODE_\(name) is \"\(value)\"; say true or false.")
      }
    }
    var options = NodeOptions()
    guard cloudConfig == nil || datasource == nil else {
      throw ValidationError("--cloud-config and --datasource exclude each other; a file is --datasource file:PATH.")
    }
    // A flag beats either variable; of two variables the one that names a file is the more exact.
    options.cloudConfig = datasource == nil ? text(cloudConfig, "CLOUD_CONFIG") : nil
    options.datasource = options.cloudConfig == nil ? text(datasource, "DATASOURCE") : nil
    do {
      try options.checkDatasource()
    } catch {
      throw ValidationError(error.message)
    }
    if let directory = text(dataDir, "DATA_DIR") { options.dataDirectory = directory }
    options.name = text(name, "NAME")
    options.machineID = text(machineId, "MACHINE_ID")
    options.publicIP = text(publicIp, "PUBLIC_IP")
    options.privateIP = text(privateIp, "PRIVATE_IP")
    options.docker = text(docker, "DOCKER")
    options.socket = text(socket, "SOCKET")
    options.appliesSystem = try switched(applySystem, "APPLY_SYSTEM")
    options.stopsUnits = try switched(stopUnits, "STOP_UNITS")
    options.controlGroupRoot = text(cgroupRoot, "CGROUP_ROOT")
    if let level = text(logLevel, "LOG_LEVEL") {
      guard let known = Logger.Level(rawValue: level) else {
        throw ValidationError("\"\(level)\" is no log level; say trace, debug, info, notice, warning or error.")
      }
      options.logLevel = known
    }
    if let format = text(logFormat, "LOG_FORMAT") {
      guard let known = NodeOptions.LogFormat(rawValue: format) else {
        throw ValidationError("\"\(format)\" is no form of log lines; say text or json.")
      }
      options.logFormat = known
    }
    return options
  }
}
