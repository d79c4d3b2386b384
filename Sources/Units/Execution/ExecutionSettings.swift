// SPDX-License-Identifier: Apache-2.0

/// How a unit's commands are executed: as whom, where, with what around them.
///
/// Source: systemd.exec(5), systemd.resource-control(5).
public struct ExecutionSettings: Sendable, Equatable {
  /// A path that may be missing when it is written with `-` before it.
  public struct OptionalPath: Sendable, Equatable {
    /// The path.
    public var path: String
    /// Whether it may be missing.
    public var isOptional: Bool

    /// Makes a path.
    public init(path: String, isOptional: Bool) {
      self.path = path
      self.isOptional = isOptional
    }
  }

  /// A choice of the processor's scheduler (`CPUSchedulingPolicy=`).
  public enum SchedulingPolicy: Int32, Sendable, Codable {
    case other = 0
    case fifo = 1
    case roundRobin = 2
    case batch = 3
    case idle = 5

    init?(name: String) {
      switch name {
      case "other": self = .other
      case "fifo": self = .fifo
      case "rr": self = .roundRobin
      case "batch": self = .batch
      case "idle": self = .idle
      default: return nil
      }
    }
  }

  // MARK: Environment

  /// `Environment=`, later ones win.
  public var environment: [EnvironmentAssignment] = []
  /// `EnvironmentFile=`, read when a command is started.
  public var environmentFiles: [OptionalPath] = []
  /// `PassEnvironment=`: names of the node's own variables.
  public var passedVariables: [String] = []
  /// `UnsetEnvironment=`: names, and `NAME=VALUE` for a variable with just this value.
  public var unsetVariables: [String] = []
  /// `ExecSearchPath=`: where programs are looked for; empty is the PATH.
  public var searchPath: [String] = []

  // MARK: Who and where

  /// `User=`.
  public var user: String?
  /// `Group=`.
  public var group: String?
  /// `SupplementaryGroups=`.
  public var supplementaryGroups: [String] = []
  /// `WorkingDirectory=`; `~` is the user's home.
  public var workingDirectory: OptionalPath?
  /// `UMask=`.
  public var umask: UInt32 = 0o022

  // MARK: The process

  /// `Nice=`.
  public var nice: Int32?
  /// `OOMScoreAdjust=`.
  public var oomScoreAdjustment: Int32?
  /// `LimitNOFILE=` and its like, by what they limit.
  public var limits: [ProcessLimit] = []
  /// `IgnoreSIGPIPE=`.
  public var ignoresSigpipe = true
  /// `CPUSchedulingPolicy=`.
  public var schedulingPolicy: SchedulingPolicy?
  /// `CPUSchedulingPriority=`.
  public var schedulingPriority: Int32?
  /// `IOSchedulingClass=` (1 realtime, 2 best effort, 3 idle) and `IOSchedulingPriority=`.
  public var ioClass: Int32?
  /// `IOSchedulingPriority=`, 0 to 7.
  public var ioPriority: Int32?
  /// `CPUAffinity=`: processors by number; empty is any.
  public var processors: [Int] = []
  /// `LimitMEMLOCK=` and its like hold for one process; these hold for all of the unit together.
  public var resources = ResourceControl()

  // MARK: Input and output

  /// `StandardInput=`; nil is its default.
  public var input: InputSource?
  /// `StandardInputText=` and `StandardInputData=`.
  public var inputData: [UInt8] = []
  /// `StandardOutput=`.
  public var output = OutputTarget.journal
  /// `StandardError=`.
  public var errorOutput = OutputTarget.inherit
  /// `SyslogIdentifier=`.
  public var syslogIdentifier: String?
  /// `SyslogLevel=`, `SyslogLevelPrefix=`, `LogLevelMax=`.
  public var lineRule = OutputLineRule()

  /// Directives of the file that hold for processes and not for what an engine runs, each once.
  ///
  /// Set by who reads the file.
  public var directivesForProcesses: [String] = []

  // MARK: Surroundings

  /// `RuntimeDirectory=` and its like.
  public var directories = UnitDirectories()
  /// `PrivateTmp=`, `ProtectSystem=`, `CapabilityBoundingSet=` and their like.
  public var sandbox = Sandbox()

  /// Makes settings with every default.
  public init() {}

  /// Where commands read from: the data, where there is some and nothing else is said.
  public var standardInput: InputSource {
    switch input {
    case nil: inputData.isEmpty ? .null : .data(inputData)
    case .some(.data): .data(inputData)
    case .some(let source): source
    }
  }
}
