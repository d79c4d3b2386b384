// SPDX-License-Identifier: Apache-2.0

/// One step towards what a command sees of the file system.
public struct MountStep: Sendable, Equatable, Codable {
  /// What is done.
  public enum Kind: Int32, Sendable, Codable {
    /// `source` is seen at `target`, with what is mounted below it.
    case bindTree = 1
    /// `source` alone is seen at `target`.
    case bind = 2
    /// `target` and what is below it can only be read.
    case readOnly = 3
    /// `target` can be written although what is above it cannot.
    case readWrite = 4
    /// `target` is an empty file system in memory.
    case memory = 5
    /// `target` is empty and closed; a file is replaced by `source`.
    case inaccessible = 6
    /// `target` is a symbolic link with the text `source`.
    case link = 7
  }

  /// What is done.
  public var kind: Kind
  /// Where it comes from; empty where it comes from nowhere.
  public var source = ""
  /// Where.
  public var target: String
  /// Options of a file system in memory.
  public var options = ""
  /// Whether it can only be read in the end.
  public var isReadOnly = false
  /// Whether nothing happens where the path is missing.
  public var isOptional = false
}

/// The steps that make a sandbox, parents before what is below them.
///
/// Source: systemd `src/core/namespace.c`.
public struct MountPlan: Sendable, Equatable {
  /// The steps, in order.
  public let steps: [MountStep]

  /// Decides.
  ///
  /// - Parameters:
  ///   - sandbox: What is asked for.
  ///   - writable: The unit's own directories, which stay writable.
  ///   - privateTmp: Directory of the unit that has `tmp` and `var-tmp` in it.
  ///   - closedFile: A file that nobody may read, seen in place of inaccessible files.
  public init(_ sandbox: Sandbox, writable: [String], privateTmp: String, closedFile: String) {
    guard sandbox.needsMounts else {
      steps = []
      return
    }
    var entries: [Entry] = []
    func add(_ priority: Int, _ step: MountStep) { entries.append(Entry(priority: priority, step: step)) }
    func inaccessible(_ paths: [String], isOptional: Bool = true) {
      for path in paths {
        add(
          0,
          MountStep(kind: .inaccessible, source: closedFile, target: path, isReadOnly: true, isOptional: isOptional)
        )
      }
    }
    func readOnly(_ paths: [String], isOptional: Bool = true) {
      for path in paths { add(3, MountStep(kind: .readOnly, target: path, isReadOnly: true, isOptional: isOptional)) }
    }
    for path in sandbox.inaccessiblePaths { inaccessible([path.path], isOptional: path.isOptional) }
    for bind in sandbox.binds {
      add(
        1,
        MountStep(
          kind: bind.isRecursive ? .bindTree : .bind,
          source: bind.source,
          target: bind.target,
          isReadOnly: bind.isReadOnly,
          isOptional: bind.isOptional
        )
      )
    }
    if sandbox.hasPrivateTmp {
      add(2, MountStep(kind: .bind, source: "\(privateTmp)/tmp", target: "/tmp"))
      add(2, MountStep(kind: .bind, source: "\(privateTmp)/var-tmp", target: "/var/tmp"))
    }
    if sandbox.hasPrivateDevices {
      add(2, MountStep(kind: .memory, target: "/dev", options: "mode=0755,size=4M", isReadOnly: true))
      for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        add(2, MountStep(kind: .bind, source: "/dev/\(name)", target: "/dev/\(name)", isOptional: true))
      }
      for name in ["pts", "shm", "mqueue", "hugepages"] {
        add(2, MountStep(kind: .bindTree, source: "/dev/\(name)", target: "/dev/\(name)", isOptional: true))
      }
      for (name, text) in [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"), ("core", "/proc/kcore"),
      ] { add(2, MountStep(kind: .link, source: text, target: "/dev/\(name)")) }
    }
    for path in sandbox.readOnlyPaths { readOnly([path.path], isOptional: path.isOptional) }
    for path in sandbox.readWritePaths {
      add(4, MountStep(kind: .readWrite, target: path.path, isOptional: path.isOptional))
    }
    for memory in sandbox.memories {
      let isReadOnly = memory.options.contains("ro")
      let options = memory.options.filter { $0 != "ro" && $0 != "rw" }
      add(
        5,
        MountStep(
          kind: .memory,
          target: memory.path,
          options: (["mode=0755"] + options).joined(separator: ","),
          isReadOnly: isReadOnly
        )
      )
    }
    let homes = ["/home", "/root", "/run/user"]
    switch sandbox.home {
    case .no: break
    case .yes: inaccessible(homes)
    case .readOnly: readOnly(homes)
    case .tmpfs:
      for home in homes {
        add(5, MountStep(kind: .memory, target: home, options: "mode=0755", isReadOnly: true, isOptional: true))
      }
    }
    switch sandbox.system {
    case .no: break
    case .yes: readOnly(["/usr", "/boot", "/efi"])
    case .full: readOnly(["/usr", "/boot", "/efi", "/etc"])
    case .strict:
      readOnly(["/"])
      for path in ["/proc", "/sys", "/dev"] {
        add(6, MountStep(kind: .readWrite, target: path, isOptional: true))
      }
    }
    if sandbox.protectsTunables {
      readOnly([
        "/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/latency_stats",
        "/proc/mtrr", "/proc/scsi", "/proc/sys", "/proc/sysrq-trigger", "/proc/timer_stats", "/sys",
      ])
      inaccessible(["/proc/kallsyms", "/proc/kcore"])
    }
    if sandbox.protectsModules { inaccessible(["/lib/modules", "/usr/lib/modules"]) }
    if sandbox.protectsKernelLogs { inaccessible(["/proc/kmsg", "/dev/kmsg"]) }
    if sandbox.protectsControlGroups {
      readOnly(["/sys/fs/cgroup"])
    } else if sandbox.protectsTunables {
      add(6, MountStep(kind: .readWrite, target: "/sys/fs/cgroup", isOptional: true))
    }
    for path in writable { add(6, MountStep(kind: .readWrite, target: path, isOptional: true)) }
    steps = Self.ordered(entries)
  }

  private struct Entry {
    var priority: Int
    var step: MountStep
    var components: [Substring] { step.target.split(separator: "/") }
  }

  /// Sorted so that parents come first; of several steps for one path the first priority wins, and what is below an
  /// inaccessible path is left out.
  private static func ordered(_ entries: [Entry]) -> [MountStep] {
    let sorted = entries.enumerated().sorted { left, right in
      let (one, other) = (left.element.components, right.element.components)
      if one != other { return one.lexicographicallyPrecedes(other) }
      return (left.element.priority, left.offset) < (right.element.priority, right.offset)
    }.map(\.element)
    var kept: [Entry] = []
    var closed: [Substring]?
    for entry in sorted {
      if let closed, entry.components.starts(with: closed) { continue }
      if kept.last?.components == entry.components { continue }
      kept.append(entry)
      if entry.step.kind == .inaccessible { closed = entry.components }
    }
    return kept.map(\.step)
  }
}
