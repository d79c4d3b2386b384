// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import Glibc
import Logging
import NIOPosix
import RaftStorage

/// A node whose configuration has been read and checked; nothing of it runs yet.
struct PreparedNode: Sendable {
  /// What flags and environment said.
  let options: NodeOptions
  /// What the node keeps of its boots.
  let directory: DataDirectory
  /// The machine's id.
  let machineID: String
  /// Tells this installation from another with the same machine id.
  let instanceToken: String
  /// The computer's host name.
  let hostName: String
  /// What the cloud-config asks for.
  let plan: BootPlan
  /// The address told to other machines.
  let publicIP: String
  /// Variables of the process.
  let environment: [String: String]
  private let userData: NodeUserData
  private let source: Datasource?
  private let lock: DirectoryLock

  /// Reads flags, data directory and user-data, and keeps user-data that is free of errors.
  ///
  /// Nothing is made on disk before the document has been found free of errors. May wait for a datasource.
  ///
  /// - Throws: ``NodeError`` with one line a finding when the document has errors, or what else is in the way.
  static func make(_ options: NodeOptions, environment: [String: String], logger: Logger) async throws -> PreparedNode {
    let path = try absolutePath(options.dataDirectory)
    let directory = DataDirectory(path: path)
    let userData = try NodeUserData(options, environment: environment)
    let boot = try await userData.boot(keptIn: directory, logger: logger)

    // Others may pass through it, since units of any user find our programs below; they can read nothing else there.
    let lock = try await NIOThreadPool.singleton.runIfActive {
      try DirectoryLock(directory: path, file: "lock", mode: 0o711)
    }
    let machineID = try await directory.machineID(
      given: options.machineID,
      usesComputerID: path == NodeOptions.defaultDataDirectory
    )
    let plan = try userData.plan(of: boot.found, machineID: machineID, logger: logger)
    if let found = boot.found, !boot.isLastGood { try await directory.keepLastGoodUserData(found) }
    let currentName = MachineSpecifiers.ofThisComputer(machineID: machineID).hostname
    return PreparedNode(
      options: options,
      directory: directory,
      machineID: machineID,
      instanceToken: try await directory.instanceToken(),
      hostName: userData.appliesSystem ? plan.system.hostname ?? currentName : currentName,
      plan: plan,
      publicIP: plan.fleet?.publicIP ?? userData.addresses(boot.found).publicIPv4 ?? "127.0.0.1",
      environment: environment,
      userData: userData,
      source: boot.found?.source,
      lock: lock
    )
  }

  /// What the user-data asks for now.
  ///
  /// - Throws: ``NodeError`` when it has errors, or its datasource is away.
  func rereadPlan() async throws -> BootPlan {
    try userData.plan(of: try await userData.reread(startedFrom: source), machineID: machineID, logger: nil)
  }

  /// A path from the root, without slash at the end.
  private static func absolutePath(_ given: String) throws(NodeError) -> String {
    var path = given
    if !path.hasPrefix("/") {
      guard let here = getcwd(nil, 0) else {
        throw NodeError("find the current directory: \(String(cString: strerror(errno)))")
      }
      path = "\(String(cString: here))/\(path)"
      free(here)
    }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }

  /// The member's name: the flag, then the document, then the machine id.
  var memberName: String { options.name ?? plan.etcd?.name ?? machineID }

  /// The control socket's path.
  var socketPath: String {
    if let path = options.socket { return path }
    return isTheMachinesNode ? Self.machineSocket : "\(directory.path)/coracle.sock"
  }

  private static let machineSocket = "/run/coracle.sock"

  /// Whether this is the one node that stands for the whole computer.
  private var isTheMachinesNode: Bool {
    directory.path == NodeOptions.defaultDataDirectory && geteuid() == 0
  }

  /// Where the clients of fleet look for its daemon when nobody tells them.
  static let originalFleetSocket = "/var/run/fleet.sock"

  /// Whether this node answers there; several nodes on one computer cannot.
  var servesOriginalFleetSocket: Bool { plan.fleet != nil && socketPath == Self.machineSocket }

  /// The Docker Engine's URL; nil when there is none or it is switched off.
  var dockerURL: String? {
    let isThere = (options.docker ?? plan.dockerURL) != nil || access(Self.usualEngineSocket, F_OK) == 0
    return isThere ? usualDockerURL : nil
  }

  /// The Docker Engine's URL, or the usual one where nobody has said; nil when it is switched off.
  var usualDockerURL: String? {
    let url = options.docker ?? plan.dockerURL ?? "unix://\(Self.usualEngineSocket)"
    return url == "none" ? nil : url
  }

  private static let usualEngineSocket = "/var/run/docker.sock"
}
