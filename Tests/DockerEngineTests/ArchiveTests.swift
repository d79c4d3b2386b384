// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import DockerEngine

/// The archives of `cp`.
@Suite struct ArchiveTests {
  /// Runs a test with a directory of its own.
  func withDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "coracle-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
  }

  func bytes(of tree: TreeArchive) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let piece = try await tree.next() { bytes += piece }
    return bytes
  }

  @Test func `a tree comes out as it went in, in whatever pieces`() async throws {
    try await withDirectory { directory in
      let source = directory + "/source"
      let deep = "/" + String(repeating: "d", count: 90) + "/" + String(repeating: "e", count: 90)
      try FileManager.default.createDirectory(atPath: source + deep, withIntermediateDirectories: true)
      let contents = String(repeating: "0123456789", count: 100)
      try contents.write(toFile: source + deep + "/file", atomically: false, encoding: .utf8)
      try "".write(toFile: source + "/empty", atomically: false, encoding: .utf8)
      chmod(source + "/empty", 0o640)
      try FileManager.default.createSymbolicLink(atPath: source + "/link", withDestinationPath: "empty")
      let archive = try await bytes(of: TreeArchive(source, as: "base"))
      #expect(archive.count % TarEntry.blockBytes == 0)
      for size in [1, 511, 4096] {
        let target = directory + "/target\(size)"
        mkdir(target, 0o755)
        var extraction = TreeExtraction(into: target, base: "base", name: "copy", keepsOwners: false)
        for start in stride(from: 0, to: archive.count, by: size) {
          try await extraction.receive(Array(archive[start..<min(start + size, archive.count)]))
        }
        extraction.finish()
        #expect(try String(contentsOfFile: target + "/copy" + deep + "/file", encoding: .utf8) == contents)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: target + "/copy/link") == "empty")
        var status = stat()
        #expect(stat(target + "/copy/empty", &status) == 0 && status.st_mode & 0o7777 == 0o640 && status.st_size == 0)
      }
    }
  }

  @Test func `tar itself reads what is written`() async throws {
    try await withDirectory { directory in
      try "x".write(toFile: directory + "/ä", atomically: false, encoding: .utf8)
      let file = directory + "/a.tar"
      let name = String(repeating: "long/", count: 40) + "name"
      try Data(try await bytes(of: TreeArchive(directory + "/ä", as: name))).write(to: URL(filePath: file))
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = ["tar", "-tf", file]
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      let text = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(String(decoding: text, as: UTF8.self) == name + "\n")
    }
  }

  @Test(arguments: ["../out", "base/../../out", "base/link/out"])
  func `no entry leaves the directory`(name: String) async throws {
    try await withDirectory { directory in
      mkdir(directory + "/in", 0o755)
      let link = TarEntry(name: "base/link", kind: .symbolicLink(directory), mode: 0o777).header
      let base = TarEntry(name: "base", kind: .directory, mode: 0o755).header
      let file = TarEntry(name: name, kind: .file, mode: 0o644).header
      var extraction = TreeExtraction(into: directory + "/in", base: "base", name: "base", keepsOwners: false)
      await #expect(throws: DockerEngineError.self) { try await extraction.receive(base + link + file) }
      extraction.finish()
      #expect(access(directory + "/out", F_OK) != 0)
    }
  }

  @Test func `a damaged archive is an error`() throws {
    var reader = TarReader()
    var header = TarEntry(name: "a", kind: .file, mode: 0o644).header
    header[3] = 7
    #expect(throws: DockerEngineError.self) { try reader.receive(header) }
  }

  @Test(arguments: [
    ("/a/b", "/a", "b"), ("/a", "/", "a"), ("/a/b/", "/a", "b"), ("a", ".", "a"), ("/a/b/.", "/a", "b"),
  ])
  func `a path is a directory and a name`(path: String, directory: String, name: String) {
    let parts = DockerCommandExecutor.split(path)
    #expect(parts.directory == directory && parts.name == name)
  }
}
