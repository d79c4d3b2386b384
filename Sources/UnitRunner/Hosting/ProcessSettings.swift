// SPDX-License-Identifier: Apache-2.0
import Units

/// How a process is executed, as far as the unit-host carries it out.
struct ProcessSettings: Codable, Sendable, Equatable {
  /// The scheduler of the processor.
  struct Scheduling: Codable, Sendable, Equatable {
    var policy: Int32
    var priority: Int32
  }

  /// Namespaces, by flags of unshare(2), and what is mounted in them.
  struct Namespaces: Codable, Sendable, Equatable {
    var flags: Int32
    var mounts: [MountStep] = []
    /// The directives behind them, for where the machine gives no namespaces; nil when the process must not run then.
    var dispensableDirectives: [String]?
    /// A directory to be made for the unit, with `tmp` and `var-tmp` in it.
    var privateTmp: String?
  }

  var umask: UInt32 = 0o022
  var ignoresSigpipe = true
  var limits: [ProcessLimit] = []
  var nice: Int32?
  var oomScoreAdjustment: Int32?
  var scheduling: Scheduling?
  /// Class and priority as ioprio_set(2) has them.
  var ioPriority: Int32?
  var processors: [Int] = []
  var namespaces: Namespaces?
  /// What the process may have at most; nil leaves it.
  var capabilities: CapabilitySet?
  var ambientCapabilities = CapabilitySet.none
  var hasNoNewPrivileges = false
  var input = InputSource.null
  var output = OutputTarget.journal
  var errorOutput = OutputTarget.inherit
  var lineRule = OutputLineRule()
  var resources = ResourceControl()

  init() {}

  /// What a unit's settings mean for one of its commands.
  ///
  /// - Parameters:
  ///   - settings: The unit's settings.
  ///   - isPrivileged: Whether `User=` and the sandbox do not hold for the command (`+`).
  ///   - places: Where what the unit has of its own is on this machine.
  init(_ settings: ExecutionSettings, isPrivileged: Bool, places: UnitPlaces) {
    umask = settings.umask
    ignoresSigpipe = settings.ignoresSigpipe
    limits = settings.limits
    nice = settings.nice
    oomScoreAdjustment = settings.oomScoreAdjustment
    if settings.schedulingPolicy != nil || settings.schedulingPriority != nil {
      let policy = settings.schedulingPolicy ?? .other
      let isRealTime = policy == .fifo || policy == .roundRobin
      scheduling = Scheduling(
        policy: policy.rawValue,
        priority: isRealTime ? settings.schedulingPriority ?? 1 : 0
      )
    }
    if settings.ioClass != nil || settings.ioPriority != nil {
      ioPriority = (settings.ioClass ?? 2) << 13 | (settings.ioPriority ?? 4)
    }
    processors = settings.processors
    input = settings.standardInput
    output = settings.output
    errorOutput = settings.errorOutput
    lineRule = settings.lineRule
    resources = settings.resources
    guard !isPrivileged else { return }
    let sandbox = settings.sandbox
    hasNoNewPrivileges = sandbox.hasNoNewPrivileges
    capabilities = sandbox.capabilities
    ambientCapabilities = sandbox.ambientSet ?? .none
    namespaces = Self.namespaces(sandbox, places)
  }

  /// A command that gets no socket reads nothing, and writes to the journal what would go there.
  mutating func leaveSockets() {
    let wasSocket = input == .socket
    if wasSocket { input = .null }
    if output == .socket || (wasSocket && output == .inherit) { output = .journal }
    if errorOutput == .socket { errorOutput = .journal }
  }

  private static func namespaces(_ sandbox: Sandbox, _ places: UnitPlaces) -> Namespaces? {
    let flags: [(Bool, Int32)] = [
      (sandbox.needsMounts, 0x0002_0000), (sandbox.hasPrivateNetwork, 0x4000_0000),
      (sandbox.hasPrivateIPC, 0x0800_0000), (sandbox.protectsHostName, 0x0400_0000),
    ]
    let wanted = flags.reduce(0) { $1.0 ? $0 | $1.1 : $0 }
    guard wanted != 0 else { return nil }
    let plan = MountPlan(
      sandbox,
      writable: places.directories,
      privateTmp: places.privateTmp,
      closedFile: places.closedFile
    )
    return Namespaces(
      flags: wanted,
      mounts: plan.steps,
      dispensableDirectives: sandbox.canLackNamespaces ? sandbox.namespaceDirectives : nil,
      privateTmp: sandbox.hasPrivateTmp ? places.privateTmp : nil
    )
  }
}

/// Where what a unit has of its own is on this machine.
struct UnitPlaces {
  /// `RuntimeDirectory=` and its like, which stay writable in a sandbox.
  var directories: [String] = []
  /// The directory that has the unit's `/tmp` and `/var/tmp` in it.
  var privateTmp: String
  /// A file that nobody may read.
  var closedFile: String
}
