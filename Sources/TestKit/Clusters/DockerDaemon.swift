// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Glibc

/// A real Docker Engine started by hand, with a data root, socket and network namespace of its own.
public final class DockerDaemon {
  private let child: ChildProcess
  private let directory: URL

  /// The engine's socket.
  public let socket: String

  /// The URL that `--docker` and `docker -H` take.
  public var url: String { "unix://\(socket)" }

  private init(child: ChildProcess, directory: URL, socket: String) {
    self.child = child
    self.directory = directory
    self.socket = socket
  }

  /// Starts an engine and waits until it answers.
  ///
  /// `nsenter` and not `ip netns exec`, which hides the cgroup file systems from the engine.
  ///
  /// - Throws: When it does not come up, with its log.
  public static func start(directory: URL, namespace: String?) async throws -> DockerDaemon {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let socket = directory.appendingPathComponent("docker.sock").path
    let enter = namespace.map { ["nsenter", "--net=/run/netns/\($0)"] } ?? []
    let child = try ChildProcess(
      enter + [
        "dockerd", "--data-root", "\(directory.path)/root", "--exec-root", "\(directory.path)/exec", "-H",
        "unix://\(socket)", "--pidfile", "\(directory.path)/pid",
      ],
      directory: directory
    )
    let daemon = DockerDaemon(child: child, directory: directory, socket: socket)
    do {
      try await eventually("the Docker Engine answers", within: .seconds(30)) {
        try await succeed(["curl", "-sf", "--unix-socket", socket, "http://docker/_ping"]) == "OK"
      }
    } catch {
      await daemon.stop()
      throw CommandFailed(description: "\(error)\n\(child.errors.suffix(4_000))")
    }
    return daemon
  }

  /// Runs the docker program against this engine.
  ///
  /// - Returns: What it printed.
  /// - Throws: ``CommandFailed`` when it fails.
  @discardableResult
  public func docker(_ arguments: [String]) async throws -> String {
    try await succeed(["docker", "-H", url] + arguments)
  }

  /// Imports a busybox image under a name, with changes in Dockerfile form.
  ///
  /// - Throws: ``CommandFailed``.
  public func importImage(_ name: String, changes: [String] = []) async throws {
    let root = directory.appendingPathComponent("image").path
    // Changes hold quotes of their own, so they are handed over as arguments.
    try await succeed(
      [
        "sh", "-euc",
        """
        mkdir -p \(root)/bin \(root)/www \(root)/tmp
        cp -f "$(command -v busybox)" \(root)/bin/busybox
        for name in sh sleep echo cat httpd wget true false kill; do ln -sf busybox \(root)/bin/$name; done
        echo hello >\(root)/www/index.html
        tar -C \(root) -c . | docker -H \(url) import "$@" - \(name)
        """, "import",
      ] + changes.flatMap { ["--change", $0] }
    )
  }

  /// Kills every container and the engine, as a power cut does.
  public func stop() async {
    _ = try? await run(
      ["sh", "-c", "docker -H \(url) ps -q | xargs -r docker -H \(url) kill"],
      within: .seconds(30)
    )
    child.signal(SIGTERM)
    do {
      try await child.wait(within: .seconds(20))
    } catch {
      child.signal(SIGKILL)
    }
    _ = try? await run(["sh", "-c", "grep -F \(directory.path) /proc/mounts | cut -d' ' -f2 | xargs -r umount -l"])
  }
}
