// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Glibc

/// One machine of a test cluster: a `coracle node` process with its own address, id and data directory.
///
/// With a network namespace the machine has its own network; without one it has an address of its own on loopback.
public final class TestNode {
  /// The place in the cluster, from 1.
  public let number: Int
  /// The address it listens on and gives as public and private.
  public let address: String
  /// Its machine id from its next start on: 32 hex digits that begin with its number.
  public var machineID: String
  /// Everything it keeps.
  public let directory: URL
  /// The network namespace it runs in, if any.
  public let namespace: String?
  /// The user-data it boots from.
  public let userData: URL
  /// Further flags of `coracle node`.
  public var extraArguments: [String] = []
  /// Variables of its environment beside those of this process.
  public var environment: [String: String] = [:]
  /// Words put before the command, such as `unshare -m`.
  public var wrapper: [String] = []
  /// The Docker Engine it uses: a URL, or `none`.
  public var docker: String

  private var child: ChildProcess?

  /// Describes a machine; nothing is started.
  public init(
    number: Int,
    address: String,
    directory: URL,
    namespace: String?,
    userData: URL,
    docker: String = "none"
  ) {
    self.number = number
    self.address = address
    self.directory = directory
    self.namespace = namespace
    self.userData = userData
    self.docker = docker
    let digits = String(number, radix: 16)
    machineID = String(repeating: "0", count: 2 - digits.count) + digits + String(repeating: "c0", count: 15)
  }

  /// The client URL, or that of fleet's API for a machine without one.
  public var endpoint: String { "\(scheme)://\(address):\(port)" }
  /// The port of ``endpoint``.
  public var port = 2379
  /// How clients speak to it: `http`, or `https` when its user-data says so.
  public var scheme = "http"

  /// The node's process id; nil when it is not running.
  public var processID: Int32? { child.flatMap { $0.isRunning ? $0.id : nil } }

  /// What the node has logged since its last start.
  public var log: String { child?.errors ?? "" }

  /// Exit status of the last process.
  public var exitStatus: Int32? { child.flatMap { $0.isRunning ? nil : $0.status } }

  /// The words that run a command on this machine.
  public func onMachine(_ arguments: [String]) -> [String] {
    namespace.map { ["nsenter", "--net=/run/netns/\($0)"] + arguments } ?? arguments
  }

  /// Starts the node.
  ///
  /// - Throws: When the program cannot be started.
  public func start() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let arguments =
      [
        BuiltProgram.coracle.path, "node", "--cloud-config", userData.path, "--data-dir", directory.path,
        "--name", "node\(number)", "--machine-id", machineID, "--public-ip", address, "--private-ip", address,
        "--docker", docker,
      ] + extraArguments
    child = try ChildProcess(onMachine(wrapper + arguments), environment: environment, directory: directory)
  }

  /// Ends the node's process with a signal and waits until it is gone.
  ///
  /// Its units are left alone.
  ///
  /// - Throws: ``DeadlinePassed`` when it does not end.
  public func end(_ signal: Int32) async throws {
    guard let child, child.isRunning else { return }
    child.signal(signal)
    try await eventually("node \(number) ends by signal \(signal)", every: .milliseconds(5)) {
      !child.isRunning
    }
  }

  /// Takes the power away: the node, its unit-host and every process that they started die at once.
  ///
  /// - Throws: ``DeadlinePassed`` when the node does not end.
  public func powerOff() async throws {
    let doomed = descendants()
    child?.signal(SIGKILL)
    for id in doomed { kill(id, SIGKILL) }
    if let child { try await eventually("node \(number) is off") { !child.isRunning } }
    for id in descendants() { kill(id, SIGKILL) }
  }

  /// The processes of this machine whose program has a name, such as what a unit runs.
  public func processes(named name: String) -> [Int32] {
    descendants().filter { id in
      guard let bytes = FileManager.default.contents(atPath: "/proc/\(id)/comm") else { return false }
      return String(decoding: bytes, as: UTF8.self) == name + "\n"
    }
  }

  /// Waits until a machine runs just so many processes of a name.
  ///
  /// A unit whose shell becomes its program is active before it has that name.
  ///
  /// - Throws: ``DeadlinePassed``.
  public func processes(named name: String, count: Int) async throws -> [Int32] {
    var found: [Int32] = []
    try await eventually("\(count) processes of machine \(number) are named \(name)") {
      found = processes(named: name)
      return found.count == count
    }
    return found
  }

  /// Everything that works for this machine: processes whose environment or command line names its data directory.
  private func descendants() -> [Int32] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let ids = entries.compactMap { Int32($0) }.filter { $0 != getpid() }
    let marked = Set(ids.filter { names(directory.path, process: $0) })
    var parents: [Int32: Int32] = [:]
    for id in ids { parents[id] = parent(of: id) }
    return ids.filter { id in
      var current: Int32? = id
      while let now = current, now > 1 {
        if marked.contains(now) { return true }
        current = parents[now]
      }
      return false
    }
  }

  private func names(_ text: String, process: Int32) -> Bool {
    ["cmdline", "environ"].contains { file in
      guard let bytes = FileManager.default.contents(atPath: "/proc/\(process)/\(file)") else { return false }
      return bytes.range(of: Data(text.utf8)) != nil
    }
  }

  private func parent(of process: Int32) -> Int32? {
    guard let bytes = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: end)...].split(separator: " ").dropFirst().first.flatMap { Int32($0) }
  }
}
