// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Finds all processes of a unit, by its control group where there may be one, else by session and environment; limits what
/// they use together.
struct UnitGroups {
  /// How a process gets into its unit's groups.
  struct Entrances {
    /// Files that the process writes itself to.
    var paths: [String] = []
    /// What cannot be carried out, in sentences that name the directives.
    var problems: [String] = []
  }

  private let trees: ControlGroupTrees?
  private let capacity: MachineCapacity
  private var sessions: [String: Set<Int32>] = [:]

  /// A short name for the state directory, the same each time (FNV-1a).
  static func name(for directory: String) -> String {
    let hash = directory.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }

  /// Looks for control group file systems that can be written to.
  ///
  /// - Parameters:
  ///   - name: What our part of them is called; one for each state directory.
  ///   - usesControlGroups: Off finds processes without.
  ///   - root: Below which group of each hierarchy ours are; nil is the one this process is in.
  ///   - trees: Those to use; nil looks for the machine's.
  init(name: String, usesControlGroups: Bool = true, root: String? = nil, trees: ControlGroupTrees? = nil) {
    self.trees =
      usesControlGroups ? trees ?? ControlGroupTrees(name: name, mounts: ControlGroupMount.here(), root: root) : nil
    capacity = .here
  }

  /// Files that a new process of the unit writes itself to, ending up in the unit's groups, which hold its limits.
  func entrances(of unit: String, _ control: ResourceControl = ResourceControl()) -> Entrances {
    var result = Entrances()
    var entered: Set<String> = []
    func enter(_ directory: String) {
      guard !entered.contains(directory), makeDirectories(directory, mode: 0o755) else { return }
      entered.insert(directory)
      result.paths.append("\(directory)/cgroup.procs")
    }
    if let base = trees?.base { enter("\(base)/\(unit)") }
    guard !control.isEmpty else { return result }
    let plan = ControlGroupPlan(control, available: trees?.available ?? [:], capacity: capacity)
    for missing in plan.missing {
      result.problems.append("\(missing.directive)= is not carried out: \(missing.reason)")
    }
    for setting in plan.settings {
      guard let base = trees?.base(of: setting.controller) else { continue }
      enter("\(base)/\(unit)")
      let path = "\(base)/\(unit)/\(setting.file)"
      if let problem = writeControl(setting.value, to: path) {
        result.problems.append("\(setting.directive)= is not carried out: cannot write \(path): \(problem)")
      }
    }
    return result
  }

  /// A process of the unit has been started, in a session of its own.
  mutating func started(_ processID: Int32, of unit: String) {
    sessions[unit, default: []].insert(processID)
  }

  /// Every process of the unit that has not ended.
  func members(of unit: String) -> [Int32] {
    if let base = trees?.base { return Self.processes(below: "\(base)/\(unit)") }
    guard let leaders = sessions[unit] else { return [] }
    let marker = Array("\(Self.marker)=\(unit)".utf8)
    return ProcessTable.all().filter { processID in
      guard let entry = ProcessTable.entry(processID), entry.status != "Z", entry.status != "X" else { return false }
      if leaders.contains(entry.session) { return true }
      let environment = readFile("/proc/\(processID)/environ", limitBytes: 256 << 10) ?? []
      return environment.split(separator: 0).contains { $0.elementsEqual(marker) }
    }
  }

  /// Removes a unit's groups; one that has processes stays.
  mutating func forget(_ unit: String) {
    sessions[unit] = nil
    for base in trees?.bases ?? [] { Self.removeTree("\(base)/\(unit)") }
  }

  /// Removes every group of ours that has no processes.
  mutating func forgetAll() {
    sessions = [:]
    for base in trees?.bases ?? [] { Self.removeTree(base) }
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
}

/// Writes a file of a control group; what went wrong, or nil.
func writeControl(_ text: String, to path: String) -> String? {
  let descriptor = open(path, O_WRONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return errorText(errno) }
  defer { close(descriptor) }
  let bytes = Array(text.utf8)
  let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  return written == bytes.count ? nil : errorText(errno)
}

extension MachineCapacity {
  /// What this machine has.
  static var here: MachineCapacity {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let page = sysconf(Int32(_SC_PAGESIZE))
    let limits = ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"].compactMap { path in
      readSmallFile(path).flatMap { UInt64($0.filter(\.isNumber)) }
    }
    return MachineCapacity(
      memoryBytes: pages > 0 && page > 0 ? UInt64(pages) * UInt64(page) : 0,
      tasks: limits.min() ?? 32_768
    )
  }
}
