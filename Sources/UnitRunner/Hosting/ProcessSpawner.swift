// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// Starts one process.
enum ProcessSpawner {
  static func spawn(
    _ request: ProcessRequest,
    streams: ProcessStreams.Descriptors,
    passed: [Int32] = [],
    entrances: [String],
    openFilesLimit: UInt
  ) -> unit_spawn_result {
    let settings = request.settings
    let memory = SpawnMemory()
    var spawn = unit_spawn_request()
    spawn.path = memory.text(request.program)
    spawn.argv = UnsafePointer(memory.texts(request.words))
    let ownID = request.processIDVariables.map { "\($0)=" }
    let environment = memory.texts(request.environment + ownID.map { $0 + String(repeating: " ", count: 12) })
    spawn.envp = UnsafePointer(environment)
    spawn.process_id_places = UnsafePointer(
      memory.mutable(
        ownID.enumerated().map { index, text in
          environment[request.environment.count + index].map { $0 + text.utf8.count }
        } + [nil]
      )
    )
    spawn.directory = request.directory.map { memory.text($0) }
    spawn.directory_optional = request.isDirectoryOptional ? 1 : 0
    if let identity = request.identity {
      spawn.changes_user = 1
      spawn.uid = identity.userID
      spawn.gid = identity.groupID
      spawn.groups = memory.array(identity.groups)
      spawn.group_count = identity.groups.count
    }
    spawn.umask = settings.umask
    spawn.open_files_limit = openFilesLimit
    spawn.ignores_sigpipe = settings.ignoresSigpipe ? 1 : 0
    spawn.stdin_fd = streams.input
    spawn.stdout_fd = streams.output
    spawn.stderr_fd = streams.error
    spawn.passed_fds = memory.mutable(passed)
    spawn.passed_count = passed.count
    setLimits(&spawn, settings, memory)
    setSandbox(&spawn, settings, memory)
    let procs = memory.texts(entrances)
    return procs.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: entrances.count + 1) {
      spawn.cgroup_procs = UnsafePointer($0)
      return withExtendedLifetime(memory) { unit_spawn(&spawn) }
    }
  }

  private static func setLimits(
    _ spawn: inout unit_spawn_request,
    _ settings: ProcessSettings,
    _ memory: SpawnMemory
  ) {
    let limits = settings.limits.map {
      unit_spawn_limit(resource: $0.resource.number, soft: $0.soft, hard: $0.hard)
    }
    spawn.limits = memory.array(limits)
    spawn.limit_count = limits.count
    if let nice = settings.nice {
      spawn.has_nice = 1
      spawn.nice = nice
    }
    spawn.oom_score_adjustment = settings.oomScoreAdjustment.map { memory.text(String($0)) }
    if let scheduling = settings.scheduling {
      spawn.has_scheduler = 1
      spawn.scheduler_policy = scheduling.policy
      spawn.scheduler_priority = scheduling.priority
    }
    spawn.io_priority = settings.ioPriority ?? 0
    guard let last = settings.processors.max() else { return }
    var mask = [UInt](repeating: 0, count: last / UInt.bitWidth + 1)
    for number in settings.processors { mask[number / UInt.bitWidth] |= 1 << UInt(number % UInt.bitWidth) }
    spawn.processors = memory.array(mask)
    spawn.processors_size = mask.count * MemoryLayout<UInt>.size
  }

  private static func setSandbox(
    _ spawn: inout unit_spawn_request,
    _ settings: ProcessSettings,
    _ memory: SpawnMemory
  ) {
    if let namespaces = settings.namespaces {
      spawn.namespaces = namespaces.flags
      let mounts = namespaces.mounts.map { step in
        var mount = unit_spawn_mount()
        mount.kind = unit_spawn_mount_kind(UInt32(step.kind.rawValue))
        mount.source = step.source.isEmpty ? nil : memory.text(step.source)
        mount.target = memory.text(step.target)
        mount.options = step.options.isEmpty ? nil : memory.text(step.options)
        mount.read_only = step.isReadOnly ? 1 : 0
        mount.optional = step.isOptional ? 1 : 0
        return mount
      }
      spawn.mounts = memory.mutable(mounts)
      spawn.mount_count = mounts.count
    }
    if let capabilities = settings.capabilities {
      spawn.drops_capabilities = 1
      spawn.capabilities = capabilities.bits
    }
    spawn.ambient_capabilities = settings.ambientCapabilities.bits
    spawn.no_new_privileges = settings.hasNoNewPrivileges ? 1 : 0
  }

  /// A child's end as waitid(2) tells it.
  static func end(code: Int32, status: Int32) -> ProcessEnd {
    code == CLD_EXITED
      ? .exited(status) : .signaled(UnixSignal(number: status), dumpedCore: code == CLD_DUMPED)
  }
}

/// Memory that a spawn request points to; freed with this object.
private final class SpawnMemory {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit {
    blocks.forEach { free($0) }
  }

  /// A text that ends in NUL.
  func text(_ text: String) -> UnsafePointer<CChar> {
    UnsafePointer(mutable(Array(text.utf8CString)))
  }

  /// Texts in an array that ends in NULL.
  func texts(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
    mutable(texts.map { mutable(Array($0.utf8CString)) } + [nil])
  }

  /// A copy of an array; never nil, also for an empty one.
  func array<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
    UnsafePointer(mutable(elements))
  }

  /// A copy of an array that may be written to.
  func mutable<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let size = max(1, elements.count) * MemoryLayout<Element>.stride
    let alignment = max(MemoryLayout<Element>.alignment, MemoryLayout<UnsafeRawPointer>.alignment)
    guard let block = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) else {
      preconditionFailure("no memory for a process request")
    }
    blocks.append(block)
    let start = block.bindMemory(to: Element.self, capacity: max(1, elements.count))
    for (index, element) in elements.enumerated() { (start + index).initialize(to: element) }
    return start
  }
}
