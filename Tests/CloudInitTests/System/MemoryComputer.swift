// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit

/// A computer that is only a table of paths.
struct MemoryComputer: ComputerView {
  var entries: [String: TreeEntry] = [:]
  var isLive = true
  var hasSystemd = true
  var setsOwners = true
  var hostname: String? = "old"
  var today = 20_000
  var active: Set<String> = []

  /// A computer with root, two people, a daemon, and the usual groups.
  static var usual: MemoryComputer {
    var computer = MemoryComputer()
    computer.put("/etc/passwd", usersText)
    computer.put("/etc/group", "root:x:0:\nsudo:x:27:ann\nusers:x:100:\nann:x:1000:\nbob:x:1001:\nmessagebus:x:999:\n")
    computer.put("/etc/shadow", "root:*:19000:0:99999:7:::\nann:$6$old:19000:0:99999:7:::\n", mode: 0o640)
    computer.put("/etc/gshadow", "root:*::\nsudo:*::ann\n", mode: 0o640)
    computer.entries["/home/ann"] = .directory
    return computer
  }

  static let usersText = """
    root:x:0:0:root:/root:/bin/bash
    messagebus:x:999:999::/nonexistent:/usr/sbin/nologin
    ann:x:1000:1000:Ann:/home/ann:/bin/bash
    bob:x:1001:1001:Bob:/home/bob:/bin/sh

    """

  mutating func put(_ path: String, _ text: String, mode: UInt32 = 0o644, owner: FileOwner = .root) {
    entries[path] = .file(TreeFile(content: Array(text.utf8), mode: mode, owner: owner))
  }

  func entry(at path: String) -> TreeEntry {
    entries[path] ?? .missing
  }

  func names(in path: String) -> [String] {
    entries.keys.compactMap { key in
      guard key.hasPrefix("\(path)/") else { return nil }
      let rest = key.dropFirst(path.count + 1)
      return rest.contains("/") ? nil : String(rest)
    }.sorted()
  }

  func isActive(unit: String) -> Bool { active.contains(unit) }

  /// The steps for a plan.
  func steps(_ plan: BootPlan) -> [SystemStep] {
    SystemPlanner.steps(for: plan, on: self, dataDirectory: "/var/lib/coracle")
  }

  func steps(_ system: SystemPlan) -> [SystemStep] {
    steps(BootPlan(system: system))
  }

  func steps(systemd units: LocalUnitPlan...) -> [SystemStep] {
    steps(BootPlan(localUnits: units, localUnitsCarrier: .systemd))
  }

  /// The computer after the steps, as far as files go.
  func after(_ steps: [SystemStep]) -> MemoryComputer {
    var computer = self
    for action in steps.flatMap(\.actions) {
      switch action {
      case .writeFile(let file):
        let content = TreeFile(content: file.content, mode: file.mode, owner: file.owner ?? .root)
        computer.entries[file.path] = .file(content)
      case .makeDirectory(let path, _, _, _): computer.entries[path] = .directory
      case .makeLink(let path, let target, _): computer.entries[path] = .link(target: target)
      case .removeFile(let path): computer.entries[path] = nil
      case .setHostname(let name): computer.hostname = name
      case .systemctl(let words): if words.first == "start" { computer.active.insert(words[1]) }
      case .runScript: break
      }
    }
    return computer
  }

  func text(_ path: String) -> String? {
    guard case .file(let file) = entry(at: path), let content = file.content else { return nil }
    return String(decoding: content, as: UTF8.self)
  }
}

extension SystemStep {
  var actions: [SystemAction] {
    if case .change(let actions) = decision { actions } else { [] }
  }

  /// `change`, `keep`, or the reason why not.
  var outcome: String {
    switch decision {
    case .change: "change"
    case .keep: "keep"
    case .refuse(let reason): "refuse: \(reason)"
    case .leaveOut(let reason): "leave out: \(reason)"
    }
  }
}
