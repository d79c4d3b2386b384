// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A volume that carries one of some labels, and the files on it.
struct LabelledVolume: Sendable, Equatable {
  /// The device, such as `/dev/vdb`.
  let device: String
  /// The label as it stands there.
  let label: String
  private let fileSystem: String
  private let root: String

  /// Disks that nobody can have put there for a machine's first boot, or that would take long to ask.
  private static let otherDisks = ["loop", "ram", "zram", "fd", "md", "dm-", "nbd"]
  private static let sysBlock = "/sys/class/block"

  /// Finds the first volume with one of the labels: by the names that udev has made, else by looking at every disk.
  static func find(_ labels: [String], in files: MachineFiles) async -> LabelledVolume? {
    for label in labels {
      let link = "/dev/disk/by-label/\(label)"
      if files.contains(link), let found = await look(at: link, labels, files) { return found }
    }
    for name in await files.names(in: sysBlock) where !otherDisks.contains(where: name.hasPrefix) {
      guard let size = await files.line("\(sysBlock)/\(name)/size"), size != "0" else { continue }
      if let found = await look(at: "/dev/\(name)", labels, files) { return found }
    }
    return nil
  }

  private static func look(
    at device: String,
    _ labels: [String],
    _ files: MachineFiles
  ) async -> LabelledVolume? {
    let path = files.root + device
    let head = try? await OwnThread.run { Self.head(of: path) }
    guard let found = VolumeLabel(head: head ?? []), labels.contains(found.text) else { return nil }
    return LabelledVolume(device: device, label: found.text, fileSystem: found.fileSystem, root: files.root)
  }

  /// The first bytes; none when there is no medium or it may not be read.
  private static func head(of path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: VolumeLabel.headBytes)
    var count = 0
    while count < bytes.count {
      let got = bytes[count...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if got < 0, errno == EINTR { continue }
      if got <= 0 { break }
      count += got
    }
    return Array(bytes[..<count])
  }

  // MARK: Files

  /// Reads files of the volume: those that are there, by the paths that were asked for.
  ///
  /// Each pair is a path from the volume's root and the most bytes that are read of it.
  /// - Throws: What keeps the volume from being mounted or a file from being read.
  func read(_ paths: [(path: String, limitBytes: Int)]) async throws -> [String: [UInt8]] {
    let volume = self
    return try await OwnThread.run {
      if let folder = volume.mountPoint() { return try Self.read(paths, below: folder) }
      return try volume.withMount { try Self.read(paths, below: $0) }
    }
  }

  private static func read(_ paths: [(path: String, limitBytes: Int)], below folder: String) throws -> [String: [UInt8]]
  {
    var found: [String: [UInt8]] = [:]
    for (path, limit) in paths {
      if let bytes = try DurableFile.read("\(folder)/\(path)", limitBytes: limit) { found[path] = bytes }
    }
    return found
  }

  /// Where somebody else has mounted it already.
  private func mountPoint() -> String? {
    guard let real = realpath(root + device, nil) else { return nil }
    defer { free(real) }
    let name = String(cString: real)
    guard let table = try? DurableFile.read("/proc/self/mounts", limitBytes: 1 << 20) else { return nil }
    for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count > 1, words[0] == name, !words[1].contains("\\") { return String(words[1]) }
    }
    return nil
  }

  /// Mounts it where nobody else can look, for as long as `body` runs.
  private func withMount<Value>(_ body: (String) throws -> Value) throws -> Value {
    var template = Array("\(access("/run", W_OK) == 0 ? "/run" : "/tmp")/coracle-volume-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw DurableFile.Failure(call: "mkdtemp", path: "/run", number: errno)
    }
    let folder = String(cString: made)
    defer { rmdir(folder) }
    let flags = UInt(MS_RDONLY) | UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC)
    guard mount(root + device, folder, fileSystem, flags, nil) == 0 else {
      throw DurableFile.Failure(call: "mount", path: "\(device) (label \(label))", number: errno)
    }
    defer { umount2(folder, Int32(MNT_DETACH)) }
    return try body(folder)
  }
}
