// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// A control group file system of this machine.
struct ControlGroupMount: Equatable {
  /// Controllers of version 1 (`name=systemd` for systemd's own); nil for version 2.
  var legacyControllers: [String]?
  /// Where it is mounted.
  var path: String
  /// The group this process is in, below ``path``: empty or with a slash first.
  var ownGroup: String

  /// Takes the kernel's words for this process apart.
  ///
  /// - Parameters:
  ///   - groups: `/proc/self/cgroup`: lines of `ID:CONTROLLERS:PATH`; version 2 has no controllers there.
  ///   - mounts: `/proc/self/mountinfo`: lines of `ID PARENT DEVICE ROOT MOUNTPOINT … - TYPE SOURCE OPTIONS`.
  /// - Returns: The file systems in the order of the mounts, each once.
  static func all(groups: String, mounts: String) -> [ControlGroupMount] {
    var paths: [String: String] = [:]
    for line in groups.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      if fields.count == 3 { paths[fields[1]] = fields[2] }
    }
    var result: [ControlGroupMount] = []
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      guard let dash = fields.firstIndex(of: "-"), dash + 3 < fields.count, fields.count > 4 else { continue }
      let options = Set(fields[dash + 3].split(separator: ",").map(String.init))
      let key: String?
      switch fields[dash + 1] {
      case "cgroup2": key = ""
      case "cgroup": key = paths.keys.sorted().first { isMounted($0, options) }
      default: continue
      }
      guard let key, let own = paths[key] else { continue }
      let mount = ControlGroupMount(
        legacyControllers: key.isEmpty ? nil : key.split(separator: ",").map(String.init),
        path: fields[4],
        ownGroup: below(fields[3], own)
      )
      if !result.contains(where: { $0.legacyControllers == mount.legacyControllers }) { result.append(mount) }
    }
    return result
  }

  /// Those of this machine.
  static func here() -> [ControlGroupMount] {
    all(
      groups: readSmallFile("/proc/self/cgroup") ?? "",
      mounts: readSmallFile("/proc/self/mountinfo") ?? ""
    )
  }

  private static func isMounted(_ controllers: String, _ options: Set<String>) -> Bool {
    !controllers.isEmpty && controllers.split(separator: ",").allSatisfy { options.contains(String($0)) }
  }

  /// A group's path below the group that the mount shows as its root.
  private static func below(_ root: String, _ group: String) -> String {
    var path = group
    if root != "/", group == root || group.hasPrefix(root + "/") { path = String(group.dropFirst(root.count)) }
    return path == "/" ? "" : path
  }
}

/// Our directories in the machine's control group file systems.
struct ControlGroupTrees {
  /// By which processes of units are found; nil when no file system can be written to.
  let base: String?
  private let legacy: [String: String]
  private let unifiedControllers: Set<String>

  /// Makes our directories.
  ///
  /// - Parameters:
  ///   - name: What they are called.
  ///   - mounts: The file systems.
  ///   - root: Below which group they are; nil is the one this process is in.
  init(name: String, mounts: [ControlGroupMount], root: String?) {
    var legacy: [String: String] = [:]
    var tracking: [String] = []
    var unified: (path: String, controllers: Set<String>)?
    for mount in mounts {
      let group = root.map { $0 == "/" ? "" : $0.hasPrefix("/") ? $0 : "/\($0)" } ?? mount.ownGroup
      if let controllers = mount.legacyControllers {
        let directory = "\(mount.path)\(group)/coracle-\(name)"
        if controllers == ["name=systemd"] { tracking.append(directory) }
        for controller in controllers where ControlGroupPlan.controllers.contains(controller) {
          legacy[controller] = directory
        }
      } else {
        unified = Self.unified(mount, group, name, isChosen: root != nil)
      }
    }
    unifiedControllers = unified?.controllers ?? []
    // Version 1 directories are made when a unit needs them; the one by which processes are found, now.
    base = unified?.path ?? tracking.first { Self.make($0) }
    self.legacy = legacy
  }

  /// The controllers that can be used, and how; version 2 comes first.
  var available: [String: ControlGroupPlan.Hierarchy] {
    var result: [String: ControlGroupPlan.Hierarchy] = [:]
    for (controller, directory) in legacy where Self.make(directory) { result[controller] = .legacy }
    for controller in unifiedControllers { result[controller] = .unified }
    return result
  }

  /// The directory in which a controller's groups are.
  func base(of controller: String) -> String? {
    unifiedControllers.contains(controller) ? base : legacy[controller]
  }

  /// Every directory that may be there.
  var bases: Set<String> {
    Set(legacy.values).union(base.map { [$0] } ?? [])
  }

  /// A group that has processes cannot hand controllers on to groups below it, except for the root: where ours is such a
  /// one we go below the root, as container engines do.
  private static func unified(
    _ mount: ControlGroupMount,
    _ group: String,
    _ name: String,
    isChosen: Bool
  ) -> (path: String, controllers: Set<String>)? {
    var fallback: String?
    for parent in isChosen || group.isEmpty ? ["\(mount.path)\(group)"] : ["\(mount.path)\(group)", mount.path] {
      let directory = "\(parent)/coracle-\(name)"
      guard make(directory) else { continue }
      fallback = fallback ?? directory
      if !isOccupied(parent) {
        for controller in ControlGroupPlan.controllers {
          for level in [parent, directory] { _ = writeControl("+\(controller)", to: "\(level)/cgroup.subtree_control") }
        }
      }
      let words = (readSmallFile("\(directory)/cgroup.subtree_control") ?? "").split(whereSeparator: \.isWhitespace)
      let enabled = Set(words.map(String.init)).intersection(ControlGroupPlan.controllers)
      guard enabled.isEmpty else {
        if let fallback, fallback != directory { _ = rmdir(fallback) }
        return (directory, enabled)
      }
      if fallback != directory { _ = rmdir(directory) }
    }
    return fallback.map { ($0, []) }
  }

  /// Whether a group has processes and is not the root of all.
  ///
  /// Some controllers could be handed on all the same. That would make it a domain of threads, in which the service manager
  /// whose group it is could start nothing any more.
  private static func isOccupied(_ group: String) -> Bool {
    access("\(group)/cgroup.type", F_OK) == 0 && readSmallFile("\(group)/cgroup.procs")?.isEmpty == false
  }

  private static func make(_ directory: String) -> Bool {
    makeDirectories(directory, mode: 0o755) && access("\(directory)/cgroup.procs", W_OK) == 0
  }
}
