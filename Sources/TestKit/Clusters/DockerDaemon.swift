// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Glibc

/// A real Docker Engine started by hand, with a data root, socket and network namespace of its own.
public final class DockerDaemon {
  private var child: ChildProcess
  private let directory: URL
  private let namespace: String?

  /// The engine's socket.
  public let socket: String

  /// The URL that `--docker` and `docker -H` take.
  public var url: String { "unix://\(socket)" }

  private init(directory: URL, namespace: String?) throws {
    self.directory = directory
    self.namespace = namespace
    socket = directory.appendingPathComponent("docker.sock").path
    child = try Self.launch(directory, namespace)
  }

  /// `nsenter` and not `ip netns exec`, which hides the cgroup file systems from the engine.
  ///
  /// A host also has a `/run` of its own, where containers find the engine's usual socket.
  private static func launch(_ directory: URL, _ namespace: String?) throws -> ChildProcess {
    let arguments = [
      "--data-root", "\(directory.path)/root", "--exec-root", "\(directory.path)/exec", "-H",
      "unix://\(directory.path)/docker.sock", "--pidfile", "\(directory.path)/pid",
    ]
    guard let namespace else { return try ChildProcess(["dockerd"] + arguments, directory: directory) }
    let enter = ["nsenter", "--net=/run/netns/\(namespace)", "unshare", "--mount", "--propagation", "private"]
    let script = #"mount -t tmpfs tmpfs /run; exec dockerd -H unix:///run/docker.sock "$@""#
    return try ChildProcess(enter + ["sh", "-ec", script, "dockerd"] + arguments, directory: directory)
  }

  /// Starts an engine.
  ///
  /// - Throws: When its program cannot be started.
  public static func launch(directory: URL, namespace: String?) throws -> DockerDaemon {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    return try DockerDaemon(directory: directory, namespace: namespace)
  }

  /// Starts the engine again after ``stop()``, with what it kept on disk.
  ///
  /// - Throws: When it does not come up, with its log.
  public func restart() async throws {
    child = try Self.launch(directory, namespace)
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
      throw CommandFailed(description: "\(error)\n\(child.errors.suffix(4_000))")
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

  /// Kills every container and the engine, as a power cut does.
  public func stop() async {
    _ = try? await run(
      ["sh", "-c", "docker -H \(url) ps -q | xargs -r docker -H \(url) kill"],
      within: .seconds(60)
    )
    child.signal(SIGTERM)
    do {
      try await child.wait(within: .seconds(60))
    } catch {
      child.signal(SIGKILL)
    }
    _ = try? await run(["sh", "-c", "grep -F \(directory.path) /proc/mounts | cut -d' ' -f2 | xargs -r umount -l"])
  }
}
