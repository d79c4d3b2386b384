// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// One attempt to start a process, with what has to be there before it.
struct ProcessStart {
  /// Why a process could not be started.
  struct Failure {
    var end: ProcessEnd
    var text: String
  }

  let result: unit_spawn_result
  /// What the process goes without, in sentences that name the directives.
  let warnings: [String]
  private let request: ProcessRequest

  /// Starts the process, without namespaces where the machine gives none and the unit can do without.
  init(
    _ request: ProcessRequest,
    _ streams: ProcessStreams,
    passed: [Int32] = [],
    _ groups: inout UnitGroups,
    openFilesLimit: UInt
  ) {
    self.request = request
    let entrances = groups.entrances(of: request.unit, request.settings.resources)
    var warnings = entrances.problems
    if let directory = request.settings.namespaces?.privateTmp { Self.makePrivateTmp(directory) }
    func spawn(_ request: ProcessRequest) -> unit_spawn_result {
      ProcessSpawner.spawn(
        request,
        streams: streams.descriptors,
        passed: passed,
        entrances: entrances.paths,
        openFilesLimit: openFilesLimit
      )
    }
    var result = spawn(request)
    if let directives = request.settings.namespaces?.dispensableDirectives, Self.hasNoNamespaces(result) {
      warnings.append(
        directives.map { "\($0)=" }.joined(separator: ", ")
          + " \(directives.count == 1 ? "is" : "are") not carried out: this machine gives no namespaces"
          + " (\(errorText(result.error)))"
      )
      var simpler = request
      simpler.settings.namespaces = nil
      result = spawn(simpler)
    }
    self.result = result
    self.warnings = warnings
  }

  /// Nil when the program has been executed.
  var failure: Failure? {
    guard result.step != UNIT_SPAWN_DONE else { return nil }
    let problem = errorText(result.error)
    switch result.step {
    case UNIT_SPAWN_EXEC:
      return Failure(end: .exited(203), text: "Failed to execute \(request.program): \(problem)")
    case UNIT_SPAWN_FORK:
      return Failure(end: .notStarted("\(request.program): \(problem)"), text: "Failed to start a process: \(problem)")
    default:
      let end = ProcessEnd.exited(Int32(bitPattern: result.step.rawValue))
      return Failure(end: end, text: "Failed at step \(end) before \(request.program)\(place): \(problem)")
    }
  }

  /// What the step was about.
  private var place: String {
    switch result.step {
    case UNIT_SPAWN_CHDIR: return " (directory \(request.directory ?? "/"))"
    case UNIT_SPAWN_NAMESPACE:
      let steps = request.settings.namespaces?.mounts ?? []
      let index = Int(result.mount) - 1
      guard steps.indices.contains(index) else { return "" }
      let source = steps[index].source.isEmpty ? "" : "\(steps[index].source) at "
      return " (mount of \(source)\(steps[index].target))"
    default: return ""
    }
  }

  /// The namespace itself was refused, and not one of the mounts in it; or the kernel is too old for the mounts.
  private static func hasNoNamespaces(_ result: unit_spawn_result) -> Bool {
    guard result.step == UNIT_SPAWN_NAMESPACE else { return false }
    return result.error == ENOSYS || (result.mount == 0 && [EPERM, EACCES, EINVAL, ENOSPC].contains(result.error))
  }

  private static func makePrivateTmp(_ directory: String) {
    _ = makeDirectories(directory, mode: 0o700)
    for name in ["tmp", "var-tmp"] where mkdir("\(directory)/\(name)", 0o700) == 0 {
      // The umask does not count for chmod.
      chmod("\(directory)/\(name)", 0o1777)
    }
  }
}
