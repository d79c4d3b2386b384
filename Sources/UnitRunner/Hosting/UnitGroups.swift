// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Finds all processes of a unit: by its control group where there may be one, else by session and environment.
struct UnitGroups {
  /// Directory of ours in a control group file system; nil when none can be made.
  private let base: String?
  private var sessions: [String: Set<Int32>] = [:]

  /// Looks for a control group file system that can be written to.
  ///
  /// - Parameters:
  ///   - name: What our part of it is called; one for each state directory.
  ///   - usesControlGroups: Off finds processes without.
  init(name: String, usesControlGroups: Bool = true) {
    base = usesControlGroups ? Self.findBase(name) : nil
  }

  /// Files that a new process of the unit writes itself to, ending up in the unit's group.
  func entrances(of unit: String) -> [String] {
    guard let base, makeDirectories("\(base)/\(unit)", mode: 0o755) else { return [] }
    return ["\(base)/\(unit)/cgroup.procs"]
  }

  /// A process of the unit has been started, in a session of its own.
  mutating func started(_ processID: Int32, of unit: String) {
    sessions[unit, default: []].insert(processID)
  }

  /// Every process of the unit that has not ended.
  func members(of unit: String) -> [Int32] {
    if let base { return Self.processes(below: "\(base)/\(unit)") }
    guard let leaders = sessions[unit] else { return [] }
    let marker = Array("\(Self.marker)=\(unit)".utf8)
    return ProcessTable.all().filter { processID in
      guard let entry = ProcessTable.entry(processID), entry.status != "Z", entry.status != "X" else { return false }
      if leaders.contains(entry.session) { return true }
      let environment = readFile("/proc/\(processID)/environ", limitBytes: 256 << 10) ?? []
      return environment.split(separator: 0).contains { $0.elementsEqual(marker) }
    }
  }

  /// Removes a unit's group; one that has processes stays.
  mutating func forget(_ unit: String) {
    sessions[unit] = nil
    if let base { Self.removeTree("\(base)/\(unit)") }
  }

  /// Removes every group of ours that has no processes.
  mutating func forgetAll() {
    sessions = [:]
    if let base { Self.removeTree(base) }
  }

  /// The variable by which a unit's processes are known where there are no control groups.
  static let marker = "CORACLE_UNIT"

  private static func processes(below directory: String) -> [Int32] {
    let own = (readSmallFile("\(directory)/cgroup.procs") ?? "").split(separator: "\n").compactMap { Int32($0) }
    let below = directoryEntries(directory).map { "\(directory)/\($0)" }.filter(isDirectory)
    return own + below.flatMap(processes(below:))
  }

  private static func removeTree(_ directory: String) {
    for name in directoryEntries(directory) where isDirectory("\(directory)/\(name)") {
      removeTree("\(directory)/\(name)")
    }
    _ = rmdir(directory)
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The unified hierarchy if there is one, else systemd's own; ours is below the group this process is in.
  private static func findBase(_ name: String) -> String? {
    let groups = (readSmallFile("/proc/self/cgroup") ?? "").split(separator: "\n")
    let mounts = (readSmallFile("/proc/self/mountinfo") ?? "").split(separator: "\n")
    for controllers in ["", "name=systemd"] {
      guard let path = groupPath(groups, controllers), let mount = mountPoint(mounts, controllers) else { continue }
      let base = "\(mount)\(path == "/" ? "" : path)/coracle-\(name)"
      if makeDirectories(base, mode: 0o755), access("\(base)/cgroup.procs", W_OK) == 0 { return base }
    }
    return nil
  }

  /// A line is `ID:CONTROLLERS:PATH`; the unified hierarchy has no controllers there.
  private static func groupPath(_ lines: [Substring], _ controllers: String) -> String? {
    for line in lines {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      if fields.count == 3, fields[1] == controllers { return String(fields[2]) }
    }
    return nil
  }

  /// A line is `ID PARENT DEVICE ROOT MOUNTPOINT … - TYPE SOURCE OPTIONS`.
  private static func mountPoint(_ lines: [Substring], _ controllers: String) -> String? {
    for line in lines {
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash + 3 < fields.count, fields.count > 4 else { continue }
      let options = fields[dash + 3].split(separator: ",")
      let matches =
        controllers.isEmpty
        ? fields[dash + 1] == "cgroup2"
        : fields[dash + 1] == "cgroup" && options.contains { $0 == controllers }
      if matches { return String(fields[4]) }
    }
    return nil
  }
}
