// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What the system says about this process.
///
/// Source: proc(5).
struct ProcessFacts {
  /// Processor time used, in seconds.
  var cpuSeconds = 0.0
  /// Memory in use, in bytes.
  var residentBytes = 0
  /// Addresses in use, in bytes.
  var virtualBytes = 0
  /// Memory in use that no file stands behind, in bytes: heap and stacks.
  var anonymousBytes = 0
  /// Addresses of heap and stacks, in bytes.
  var dataBytes = 0
  var threadCount = 0
  var openFiles = 0
  var maximumFiles: UInt64 = 0
  /// When the process started, in seconds since 1970.
  var startSeconds = 0.0
  var commandLine: [String] = []

  /// Asks the system; it lists a directory, so no event loop should.
  init() {
    readStatus()
    openFiles = Self.entryCount("/proc/self/fd")
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 { maximumFiles = UInt64(limit.rlim_cur) }
    readMemory()
    commandLine = Self.bytes(of: "/proc/self/cmdline").split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Reads `/proc/self/stat`, whose fields are counted from behind the program's name.
  private mutating func readStatus() {
    let text = String(decoding: Self.bytes(of: "/proc/self/stat"), as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return }
    let fields = text[text.index(after: end)...].split(separator: " ").map { Double($0) ?? 0 }
    guard fields.count > 21 else { return }
    let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    cpuSeconds = (fields[11] + fields[12]) / ticks
    threadCount = Int(fields[17])
    virtualBytes = Int(fields[20])
    residentBytes = Int(fields[21]) * Int(sysconf(Int32(_SC_PAGESIZE)))
    startSeconds = Self.bootSeconds() + fields[19] / ticks
  }

  private mutating func readMemory() {
    let lines = String(decoding: Self.bytes(of: "/proc/self/status"), as: UTF8.self).split(separator: "\n")
    func bytes(_ name: String) -> Int {
      guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return 0 }
      return (Int(line.filter(\.isNumber)) ?? 0) * 1024
    }
    anonymousBytes = bytes("RssAnon:")
    dataBytes = bytes("VmData:")
  }

  private static func bootSeconds() -> Double {
    let text = String(decoding: bytes(of: "/proc/stat"), as: UTF8.self)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }) else { return 0 }
    return Double(line.dropFirst("btime ".count)) ?? 0
  }

  private static func bytes(of path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = read(descriptor, &piece, piece.count)
      guard count > 0 else { return bytes }
      bytes += piece.prefix(count)
    }
  }

  private static func entryCount(_ path: String) -> Int {
    guard let directory = opendir(path) else { return 0 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    // Itself, its parent, and the directory that is being read.
    return max(0, count - 3)
  }
}
