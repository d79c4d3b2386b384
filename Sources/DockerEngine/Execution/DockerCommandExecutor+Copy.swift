// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOHTTP1

/// `cp`.
///
/// Source: docker CLI `cli/command/container/cp.go`; the rules for names are those of `cp -r`.
extension DockerCommandExecutor {
  func copy(
    _ options: CopyOptions,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    switch (options.source, options.destination) {
    case (.container(let container, let path), .archive):
      guard !console.isOutputTerminal else {
        throw DockerEngineError(.badRequest, "an archive is not written to a terminal: redirect it")
      }
      let source = try await resolved(container, path, options)
      try await client.stream(client.archiveRequest(.get, container, source)) { bytes in
        await console.write(bytes, to: .standardOutput)
        return true
      }
    case (.container(let container, let path), .local(let destination)):
      try await copyOut(container, try await resolved(container, path, options), caller, destination, options)
    case (.archive, .container(let container, let path)):
      guard console.hasInput, !console.isInputTerminal else {
        throw DockerEngineError(.badRequest, "an archive is not read from a terminal: redirect it")
      }
      guard try await client.pathStatus(container, path)?.isDirectory == true else {
        throw DockerEngineError(.badRequest, "destination \"\(container):\(path)\" must be a directory")
      }
      try await upload(UploadPieces { await console.read() }, to: container, path, options)
    case (.local(let source), .container(let container, let path)):
      try await copyIn(caller.absoluteKeepingEnd(source), container, path, options)
    default: throw DockerEngineError(.badRequest, "copying between containers is not supported")
    }
    return CommandResult(exitCode: 0)
  }

  /// With `-L` what a link points to.
  private func resolved(
    _ container: String,
    _ path: String,
    _ options: CopyOptions
  ) async throws(DockerEngineError) -> String {
    guard options.followsLink, let status = try await client.pathStatus(container, path), !status.linkTarget.isEmpty
    else { return path }
    return status.linkTarget
  }

  private func copyOut(
    _ container: String,
    _ source: String,
    _ caller: DockerCaller,
    _ destination: String,
    _ options: CopyOptions
  ) async throws(DockerEngineError) {
    guard let status = try await client.pathStatus(container, source) else {
      // The engine says what is missing: the container, or the file in it.
      try await client.stream(client.archiveRequest(.get, container, source)) { _ in false }
      throw DockerEngineError(.notFound, "copy \(container):\(source): there is no such file")
    }
    let path = caller.absoluteKeepingEnd(destination)
    var local = stat()
    let isThere = stat(path, &local) == 0
    let isDirectory = isThere && local.st_mode & S_IFMT == S_IFDIR
    let takesContents = source.hasSuffix("/.") || source == "."
    var parent = path
    var name = takesContents ? "" : status.name
    if !isDirectory {
      guard !(isThere && status.isDirectory) else {
        throw DockerEngineError(
          .badRequest,
          "copy \(container):\(source): cannot copy a directory onto the file \(path)"
        )
      }
      guard status.isDirectory || !path.hasSuffix("/") else {
        throw DockerEngineError(.badRequest, "copy \(container):\(source): the directory \(path) does not exist")
      }
      (parent, name) = Self.split(path)
    }
    guard Self.isDirectory(parent) else {
      throw DockerEngineError(.badRequest, "copy \(container):\(source): the directory \(parent) does not exist")
    }
    let base = takesContents || source == "/" ? "." : status.name
    var extraction = TreeExtraction(into: parent, base: base, name: name, keepsOwners: options.keepsOwners)
    defer { extraction.finish() }
    try await client.stream(client.archiveRequest(.get, container, source)) { bytes in
      try await extraction.receive(bytes)
      return true
    }
  }

  private func copyIn(
    _ source: String,
    _ container: String,
    _ destination: String,
    _ options: CopyOptions
  ) async throws(DockerEngineError) {
    var local = stat()
    var source = source
    guard lstat(source, &local) == 0 else { throw LocalFile.failure("look at \(source)") }
    if options.followsLink, local.st_mode & S_IFMT == S_IFLNK, let target = realpath(source, nil) {
      source = String(cString: target)
      free(target)
      guard lstat(source, &local) == 0 else { throw LocalFile.failure("look at \(source)") }
    }
    let isDirectory = local.st_mode & S_IFMT == S_IFDIR
    var destination = destination
    var status = try await client.pathStatus(container, destination)
    if let link = status?.linkTarget, !link.isEmpty {
      destination = link.hasPrefix("/") ? link : Self.split(destination).directory + "/" + link
      status = try await client.pathStatus(container, destination)
    }
    let takesContents = isDirectory && (source.hasSuffix("/.") || source == ".")
    var directory = destination
    var name = takesContents ? "." : Self.split(source).name
    if status?.isDirectory != true {
      guard !(isDirectory && status != nil) else {
        throw DockerEngineError(.badRequest, "copy \(source): cannot copy a directory onto \(container):\(destination)")
      }
      guard isDirectory || !destination.hasSuffix("/") else {
        throw DockerEngineError(
          .badRequest,
          "copy \(source): the destination directory \(container):\(destination) must exist"
        )
      }
      (directory, name) = Self.split(destination)
    }
    let archive = TreeArchive(source, as: name)
    try await upload(UploadPieces { try await archive.next() }, to: container, directory, options)
  }

  private func upload(
    _ pieces: UploadPieces,
    to container: String,
    _ path: String,
    _ options: CopyOptions
  ) async throws(DockerEngineError) {
    var request = client.archiveRequest(.put, container, path.isEmpty ? "/" : path)
    request.query.append(("noOverwriteDirNonDir", "true"))
    if options.keepsOwners { request.query.append(("copyUIDGID", "true")) }
    request.upload = pieces
    try await client.perform(request)
  }

  /// The directory that something is in, and its name there.
  static func split(_ path: String) -> (directory: String, name: String) {
    var path = Substring(path)
    while path.count > 1, path.hasSuffix("/") || path.hasSuffix("/.") { path.removeLast() }
    guard let slash = path.lastIndex(of: "/") else { return (".", String(path)) }
    let directory = path[..<slash]
    return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}

extension DockerCaller {
  /// A path as the caller means it; a `/` or `/.` at its end, which `cp` heeds, stays.
  func absoluteKeepingEnd(_ path: String) -> String {
    let full = absolute(path)
    if path == "." || path.hasSuffix("/.") { return full == "/" ? "/." : full + "/." }
    return path.hasSuffix("/") && full != "/" ? full + "/" : full
  }
}

/// What a path in a container is.
struct ContainerPathStatus {
  var name: String
  var isDirectory: Bool
  /// Where a symbolic link points; empty for anything else.
  var linkTarget: String
}

extension DockerEngineClient {
  func archiveRequest(_ method: EngineRequest.Method, _ container: String, _ path: String) -> EngineRequest {
    EngineRequest(
      method: method,
      path: containerPath(ContainerID(container), "/archive"),
      query: [("path", path)],
      timeout: method == .head ? .seconds(60) : nil,
      purpose: "copy \(container):\(path)"
    )
  }

  /// What a path in a container is; nil when it, or the container, is not there.
  func pathStatus(_ container: String, _ path: String) async throws(DockerEngineError) -> ContainerPathStatus? {
    do throws(DockerEngineError) {
      let answer = try await perform(archiveRequest(.head, container, path))
      guard let header = answer.headers.first(name: "X-Docker-Container-Path-Stat"),
        let bytes = Base64.decoded(header), let document = try? JSONValue(parsing: bytes)
      else { throw DockerEngineError(.badAnswer, "look at \(container):\(path): the answer does not say what it is") }
      // Go's file modes: the highest bit is a directory's.
      let mode = document["mode"]?.int64 ?? 0
      return ContainerPathStatus(
        name: document["name"]?.string ?? "",
        isDirectory: mode & 1 << 31 != 0,
        linkTarget: document["linkTarget"]?.string ?? ""
      )
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
