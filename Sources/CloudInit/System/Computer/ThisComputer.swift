// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The running computer, or a tree of files below a directory, as the planner sees it.
///
/// Concurrency: all calls block; see ``OwnThread``.
struct ThisComputer: ComputerView {
  let tree: FileTree
  let systemctl: SystemctlProgram?

  /// Longer files are replaced without a look at what is in them.
  private static let limitBytes = 16 << 20

  init(root: String, environment: [String: String]) {
    tree = FileTree(root: root)
    systemctl = root == "/" ? SystemctlProgram(environment: environment) : nil
  }

  var isLive: Bool { tree.root == "/" }

  /// As sd_booted(3) tells it.
  var hasSystemd: Bool { isLive && tree.entry(at: "/run/systemd/system", limitBytes: 0) == .directory }

  var setsOwners: Bool { geteuid() == 0 }

  var hostname: String? {
    guard isLive else {
      guard case .file(let file) = entry(at: "/etc/hostname"), let content = file.content else { return nil }
      let line = String(decoding: content.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
      return line.isEmpty ? nil : line
    }
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  var today: Int { time(nil) / 86_400 }

  func entry(at path: String) -> TreeEntry {
    tree.entry(at: path, limitBytes: Self.limitBytes)
  }

  func names(in path: String) -> [String] {
    tree.names(in: path)
  }

  func isActive(unit: String) -> Bool {
    guard hasSystemd, let systemctl else { return false }
    return (try? systemctl.run(["is-active", "--quiet", unit], ChildStop()) { _ in }) == .exited(0)
  }
}

/// The program that speaks with systemd.
struct SystemctlProgram: Sendable {
  let path: String
  private let environment: [String]

  /// Looks for the program; nil when it is nowhere.
  init?(environment: [String: String]) {
    let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let usual = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    let places: [String] = (folders + usual).map { "\($0)/systemctl" }
    guard let path = places.first(where: { access($0, X_OK) == 0 }) else { return nil }
    self.path = path
    self.environment = ChildRun.variables(["PATH": (folders + usual).joined(separator: ":")])
  }

  func run(
    _ words: [String],
    _ stop: ChildStop,
    said: (String) -> Void
  ) throws(FileTree.Failure) -> ChildRun.End {
    let command = ["systemctl", "--no-ask-password", "--no-pager"] + words
    return try ChildRun(program: path, words: command, environment: environment).run(stop, said: said)
  }
}
