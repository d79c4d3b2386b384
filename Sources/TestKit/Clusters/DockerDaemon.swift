// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Glibc

/// A real Docker Engine started by hand, with a data root, socket and network namespace of its own.
public final class DockerDaemon {
  private var child: ChildProcess?
  /// Holds the machine's own mounts, which an engine leaves behind when it ends and finds again when it is back.
  private var home: ChildProcess?
  private let directory: URL
  private let namespace: String?
  private let arguments: [String]

  /// The engine's socket.
  public let socket: String

  /// The URL that `--docker` and `docker -H` take.
  public var url: String { "unix://\(socket)" }

  /// What it has logged since its last start.
  public var log: String { child?.errors ?? "" }

  private init(directory: URL, namespace: String?, arguments: [String]) throws {
    self.directory = directory
    self.namespace = namespace
    self.arguments = arguments
    socket = directory.appendingPathComponent("docker.sock").path
    try launch()
  }

  /// `nsenter` and not `ip netns exec`, which hides the cgroup file systems from the engine.
  ///
  /// A host also has a `/run` of its own, where containers find the engine's usual socket.
  private func launch() throws {
    let path = directory.path
    var words = [
      "dockerd", "--data-root", "\(path)/root", "--exec-root", "\(path)/exec", "-H", "unix://\(socket)", "--pidfile",
      "\(path)/pid",
    ]
    words += arguments
    guard let namespace else {
      child = try ChildProcess(words, directory: directory)
      return
    }
    if home?.isRunning != true {
      try? FileManager.default.removeItem(atPath: "\(path)/home")
      let script = #"mount -t tmpfs tmpfs /run; : >"$0"; exec sleep 1000000"#
      home = try ChildProcess(
        ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "\(path)/home"],
        directory: directory
      )
    }
    let script = #"until [ -e "$0" ]; do sleep 0.02; done; exec "$@""#
    let enter = ["nsenter", "--net=/run/netns/\(namespace)", "--mount=/proc/\(home?.id ?? 0)/ns/mnt"]
    child = try ChildProcess(
      ["sh", "-ec", script, "\(path)/home"] + enter + words + ["-H", "unix:///run/docker.sock"],
      directory: directory
    )
  }

  /// Starts an engine.
  ///
  /// - Parameters:
  ///   - directory: Where it keeps everything.
  ///   - namespace: Its network namespace, if it has one of its own.
  ///   - arguments: Further flags, such as `--live-restore`.
  /// - Returns: The engine, which may not answer yet.
  /// - Throws: When its program cannot be started.
  public static func launch(directory: URL, namespace: String?, arguments: [String] = []) throws -> DockerDaemon {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    return try DockerDaemon(directory: directory, namespace: namespace, arguments: arguments)
  }

  /// Starts the engine again after it has ended in any way, with what it kept on disk.
  ///
  /// - Throws: When it does not come up, with its log.
  public func restart() async throws {
    try await forgetContainerd()
    try launch()
    try await waitUntilReady()
  }

  /// Waits until the engine answers.
  ///
  /// - Throws: When it does not come up, with its log.
  public func waitUntilReady() async throws {
    do {
      try await eventually("the Docker Engine answers") {
        try await succeed(["curl", "-sf", "--unix-socket", socket, "http://docker/_ping"]) == "OK"
      }
    } catch {
      await stop()
      throw CommandFailed(description: "\(error)\n\(log.suffix(4_000))")
    }
  }

  /// Runs the docker program against this engine.
  ///
  /// - Returns: What it printed.
  /// - Throws: ``CommandFailed`` when it fails.
  @discardableResult
  public func docker(_ arguments: [String]) async throws -> String {
    try await succeed(["docker", "-H", url] + arguments)
  }

  /// Imports busybox under several names, each with changes in Dockerfile form.
  ///
  /// - Throws: ``CommandFailed``.
  public func importImages(_ images: [DockerImage]) async throws {
    guard !images.isEmpty else { return }
    let root = directory.appendingPathComponent("image").path
    try await succeed([
      "sh", "-euc",
      """
      mkdir -p \(root)/bin \(root)/www \(root)/tmp \(root)/usr/sbin
      cp -f "$(command -v busybox)" \(root)/bin/busybox
      for name in sh sleep echo cat httpd wget true false kill; do ln -sf busybox \(root)/bin/$name; done
      echo hello >\(root)/www/index.html
      printf '#!/bin/sh\\nexec httpd -f -p 80 -h /www\\n' >\(root)/usr/sbin/httpd
      chmod 755 \(root)/usr/sbin/httpd
      tar -C \(root) -cf \(root).tar .
      """,
    ])
    for image in images {
      try await docker(["import"] + image.changes.flatMap { ["--change", $0] } + ["\(root).tar", image.name])
    }
  }

  // MARK: Its end

  /// Ends the engine alone with a signal, and waits until it is gone; containers are left as it leaves them.
  ///
  /// - Throws: ``DeadlinePassed`` when it does not end.
  public func end(_ signal: Int32) async throws {
    guard let child, child.isRunning else { return }
    child.signal(signal)
    try await eventually("the Docker Engine ends by signal \(signal)", every: .milliseconds(10)) { !child.isRunning }
  }

  /// Takes the power away: the engine, all it has started and every container die at once.
  ///
  /// - Throws: ``DeadlinePassed`` when the engine does not end.
  public func powerOff() async throws {
    // The engine first, so that it can note nothing of what becomes of its containers.
    let doomed = ProcessTree.current().members { $0.contains("\(directory.path)/") }
    child?.signal(SIGKILL)
    for id in doomed { kill(id, SIGKILL) }
    try await end(SIGKILL)
    for id in ProcessTree.current().members({ $0.contains("\(directory.path)/exec/") }) { kill(id, SIGKILL) }
    await forgetMounts()
    // What a machine keeps there is gone with its power.
    try await eventually("what the engine kept for this boot is gone") {
      try await run(["rm", "-rf", "\(directory.path)/exec", "\(directory.path)/pid"]).status == 0
    }
  }

  /// Kills every container and the engine.
  public func stop() async {
    _ = try? await run(
      ["sh", "-c", "docker -H \(url) ps -q | xargs -r docker -H \(url) kill"],
      within: .seconds(60)
    )
    child?.signal(SIGTERM)
    do {
      try await child?.wait(within: .seconds(60))
    } catch {
      child?.signal(SIGKILL)
    }
    // With live-restore, or after it was killed, something may have been left.
    for id in ProcessTree.current().members({ $0.contains("\(directory.path)/exec/") }) { kill(id, SIGKILL) }
    await forgetMounts()
  }

  private func forgetMounts() async {
    home?.signal(SIGKILL)
    try? await eventually("the machine's own mounts are gone") { home?.isRunning != true }
    _ = try? await run(["sh", "-c", "grep -F \(directory.path) /proc/mounts | cut -d' ' -f2 | xargs -r umount -l"])
  }

  /// An engine that was killed takes its containerd with it, whose pid file stays; the next engine waits in vain for a
  /// process that has ended and that nobody has collected yet, as a machine's first process does at once.
  private func forgetContainerd() async throws {
    let file = "\(directory.path)/exec/containerd/containerd.pid"
    guard let text = try? String(contentsOfFile: file, encoding: .utf8),
      let id = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))
    else { return }
    try await eventually("containerd \(id) has ended with its engine") { ProcessTree.hasEnded(id) }
    unlink(file)
  }
}
