// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The processes of this computer with their parents, at one moment.
struct ProcessTree {
  private var parents: [Int32: Int32] = [:]

  /// What runs now.
  static func current() -> ProcessTree {
    var tree = ProcessTree()
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let id = Int32(entry), let stat = fields(of: id), stat.count > 1 else { continue }
      tree.parents[id] = Int32(stat[1])
    }
    return tree
  }

  /// Processes whose command line is such, and what they have started.
  func members(_ isWanted: (String) -> Bool) -> [Int32] {
    let own = ProcessInfo.processInfo.processIdentifier
    let roots = Set(parents.keys.filter { $0 != own && isWanted(Self.commandLine(of: $0)) })
    return parents.keys.filter { id in
      var current: Int32? = id
      while let now = current, now > 1 {
        if roots.contains(now) { return true }
        current = parents[now]
      }
      return false
    }
  }

  /// Whether a process is not there, or is only waiting to be collected.
  static func hasEnded(_ id: Int32) -> Bool {
    guard let state = fields(of: id)?.first else { return true }
    return state == "Z" || state == "X"
  }

  private static func commandLine(of id: Int32) -> String {
    String(decoding: FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data(), as: UTF8.self)
  }

  /// What follows the name in `/proc/ID/stat`: the state, the parent and so on.
  private static func fields(of id: Int32) -> [Substring]? {
    guard let bytes = FileManager.default.contents(atPath: "/proc/\(id)/stat") else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: end)...].split(separator: " ")
  }
}
