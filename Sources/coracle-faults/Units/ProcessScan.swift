// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A process of a unit, which no later process can be taken for.
struct UnitProcess: Hashable, Sendable, CustomStringConvertible {
  var unit: String
  /// The machine's number.
  var host: Int
  var processID: Int32
  /// When it began, in ticks since boot.
  var startTicks: UInt64

  var description: String { "\(unit) on machine \(host) (process \(processID))" }
}

/// Looks through `/proc` for processes of units, which carry the path of a program on their command line.
struct ProcessScan {
  private let mark: String
  private let hosts: [String: Int]
  private var buffer = [UInt8](repeating: 0, count: 1_024)

  /// - Parameters:
  ///   - mark: The path of the units' program.
  ///   - hosts: Numbers of machines by their ids.
  init(mark: String, hosts: [String: Int]) {
    self.mark = mark
    self.hosts = hosts
  }

  /// The processes that run now.
  mutating func look() -> Set<UnitProcess> {
    var found: Set<UnitProcess> = []
    for id in Self.processIDs() {
      let words = commandLine(of: id)
      guard let place = words.firstIndex(of: mark), words.count > place + 2, let host = hosts[words[place + 2]],
        let ticks = startTicks(of: id)
      else { continue }
      found.insert(UnitProcess(unit: words[place + 1], host: host, processID: id, startTicks: ticks))
    }
    return found
  }

  /// The processes with two words on their command line, one after the other.
  static func processes(with first: String, _ second: String) -> [Int32] {
    var scan = ProcessScan(mark: "", hosts: [:])
    return processIDs().filter { id in
      let words = scan.commandLine(of: id, isQuick: false)
      return zip(words, words.dropFirst()).contains { $0 == (first, second) }
    }
  }

  private static func processIDs() -> [Int32] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var ids: [Int32] = []
    while let entry = readdir(directory) {
      let id = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { atoi($0) }
      }
      if id > 1 { ids.append(id) }
    }
    return ids
  }

  /// The words of a command line; quickly, only of those that end as units' do: with 32 hex digits, or `notify` after them.
  private mutating func commandLine(of id: Int32, isQuick: Bool = true) -> [String] {
    let count = read("/proc/\(id)/cmdline")
    guard count > 40, buffer[count - 1] == 0 else { return [] }
    if isQuick {
      let last = buffer[count - 2]
      let isHex = (48...57).contains(last) || (97...102).contains(last)
      guard isHex || last == UInt8(ascii: "y") else { return [] }
    }
    return buffer[..<(count - 1)].split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  private mutating func startTicks(of id: Int32) -> UInt64? {
    let count = read("/proc/\(id)/stat")
    let text = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    // Field 22 of proc(5); the third follows the name.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z" else { return nil }
    return UInt64(fields[19])
  }

  private mutating func read(_ path: String) -> Int {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return 0 }
    defer { close(descriptor) }
    return max(0, Glibc.read(descriptor, &buffer, buffer.count))
  }
}
