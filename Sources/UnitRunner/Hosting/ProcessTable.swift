// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What `/proc` says about processes.
enum ProcessTable {
  /// One line of `/proc/PID/stat`, as far as it is of use.
  struct Entry {
    var processID: Int32
    /// `Z` is a process that has ended and was not collected.
    var status: Character
    var parent: Int32
    var session: Int32
    var startTicks: UInt64
  }

  /// A process's entry; nil when there is none.
  static func entry(_ processID: Int32) -> Entry? {
    guard let text = readSmallFile("/proc/\(processID)/stat"), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    // From proc(5): the first field here is the third there, `state`.
    guard fields.count > 19, let parent = Int32(fields[1]), let session = Int32(fields[3]),
      let ticks = UInt64(fields[19]),
      let status = fields[0].first
    else { return nil }
    return Entry(processID: processID, status: status, parent: parent, session: session, startTicks: ticks)
  }

  /// The identity of a process that runs; nil when there is none.
  static func identity(_ processID: Int32) -> ProcessIdentity? {
    entry(processID).map { ProcessIdentity(processID: processID, startTicks: $0.startTicks) }
  }

  /// Whether the process is still the same one and has not ended.
  static func isRunning(_ process: ProcessIdentity) -> Bool {
    guard let entry = entry(process.processID) else { return false }
    return entry.startTicks == process.startTicks && entry.status != "Z" && entry.status != "X"
  }

  /// What a process was executed with, separated by blanks; empty when it has ended.
  static func commandLine(_ processID: Int32) -> String {
    let words = (readSmallFile("/proc/\(processID)/cmdline") ?? "").split(separator: "\0")
    return words.joined(separator: " ")
  }

  /// Every process of the machine.
  static func all() -> [Int32] {
    directoryEntries("/proc").compactMap { Int32($0) }
  }
}

/// The names in a directory, without `.` and `..`; empty when it cannot be read.
func directoryEntries(_ path: String) -> [String] {
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}

/// A file's bytes, at most `limitBytes` of them; nil with errno when it cannot be read.
func readFile(_ path: String, limitBytes: Int) -> [UInt8]? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64 << 10)
  while bytes.count < limitBytes {
    let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    if count > 0 {
      bytes.append(contentsOf: buffer[..<count])
    } else if count == 0 {
      break
    } else if errno != EINTR {
      return nil
    }
  }
  return bytes.count > limitBytes ? Array(bytes.prefix(limitBytes)) : bytes
}

/// A small text file, such as those of `/proc`; nil with errno when it cannot be read.
func readSmallFile(_ path: String) -> String? {
  readFile(path, limitBytes: 256 << 10).map { String(decoding: $0, as: UTF8.self) }
}

/// Makes a directory and those above it; false with errno when that cannot be.
func makeDirectories(_ path: String, mode: mode_t = 0o700) -> Bool {
  if mkdir(path, mode) == 0 || errno == EEXIST { return true }
  guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return false }
  return makeDirectories(String(path[..<slash]), mode: mode) && (mkdir(path, mode) == 0 || errno == EEXIST)
}

/// The text of an errno value.
func errorText(_ number: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  return buffer.withUnsafeMutableBufferPointer { pointer in
    guard let base = pointer.baseAddress, strerror_r(number, base, pointer.count) == 0 else {
      return "error \(number)"
    }
    return String(cString: base)
  }
}

/// Microseconds since the Unix epoch.
func epochMicroseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}

/// Time since the machine's boot, sleep included.
func timeSinceBoot() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_BOOTTIME, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
