// SPDX-License-Identifier: Apache-2.0

/// A limit of the kernel on one process (`LimitNOFILE=` and its like).
///
/// Units: bytes for sizes, seconds for processor time, microseconds for real-time slices, else a count.
/// Source: systemd.exec(5) "PROCESS PROPERTIES"; setrlimit(2).
public struct ProcessLimit: Sendable, Equatable, Codable {
  /// What is limited.
  public enum Resource: String, Sendable, CaseIterable, Codable {
    case cpu = "CPU"
    case fileSize = "FSIZE"
    case data = "DATA"
    case stack = "STACK"
    case core = "CORE"
    case residentSet = "RSS"
    case openFiles = "NOFILE"
    case addressSpace = "AS"
    case processes = "NPROC"
    case lockedMemory = "MEMLOCK"
    case locks = "LOCKS"
    case pendingSignals = "SIGPENDING"
    case messageQueues = "MSGQUEUE"
    case nice = "NICE"
    case realTimePriority = "RTPRIO"
    case realTimeSlice = "RTTIME"

    /// The number of `RLIMIT_…` on Linux.
    public var number: Int32 {
      switch self {
      case .cpu: 0
      case .fileSize: 1
      case .data: 2
      case .stack: 3
      case .core: 4
      case .residentSet: 5
      case .processes: 6
      case .openFiles: 7
      case .lockedMemory: 8
      case .addressSpace: 9
      case .locks: 10
      case .pendingSignals: 11
      case .messageQueues: 12
      case .nice: 13
      case .realTimePriority: 14
      case .realTimeSlice: 15
      }
    }

    /// What a value has to look like.
    var expected: String {
      switch self {
      case .cpu, .realTimeSlice: "a time span, \"soft:hard\" or infinity"
      case .fileSize, .data, .stack, .core, .residentSet, .addressSpace, .lockedMemory, .messageQueues:
        "a size such as 64M, \"soft:hard\" or infinity"
      case .nice: "a nice level with its sign (-20 to +19) or a number up to 40, or \"soft:hard\""
      default: "a number, \"soft:hard\" or infinity"
      }
    }

    func value(_ text: String) -> UInt64? {
      if text == "infinity" { return ProcessLimit.infinity }
      switch self {
      case .cpu: return Self.span(text, unitNanoseconds: 1_000_000_000)
      case .realTimeSlice: return UInt64(text) ?? Self.span(text, unitNanoseconds: 1_000)
      case .fileSize, .data, .stack, .core, .residentSet, .addressSpace, .lockedMemory, .messageQueues:
        return ResourceAmount.bytes(text)
      case .nice: return Self.niceLevel(text)
      case .openFiles, .processes, .locks, .pendingSignals, .realTimePriority: return UInt64(text)
      }
    }

    /// Rounded up to the unit.
    private static func span(_ text: String, unitNanoseconds unit: Int128) -> UInt64? {
      guard let duration = TimeSpan(text)?.duration else { return nil }
      let parts = duration.components
      let nanoseconds = Int128(parts.seconds) * 1_000_000_000 + Int128(parts.attoseconds) / 1_000_000_000
      return UInt64(exactly: (nanoseconds + unit - 1) / unit)
    }

    /// `+N` and `-N` are nice levels; the kernel's limit is 20 less the level.
    private static func niceLevel(_ text: String) -> UInt64? {
      guard let number = Int(text) else { return nil }
      if text.hasPrefix("+") || text.hasPrefix("-") {
        return (-20...19).contains(number) ? UInt64(20 - number) : nil
      }
      return (0...40).contains(number) ? UInt64(number) : nil
    }
  }

  /// What is limited.
  public var resource: Resource
  /// What holds for the process, which may raise it up to ``hard``.
  public var soft: UInt64
  /// What it cannot raise.
  public var hard: UInt64

  /// No limit, as the kernel has it.
  public static let infinity = UInt64.max

  /// Makes a limit.
  public init(_ resource: Resource, soft: UInt64, hard: UInt64) {
    self.resource = resource
    self.soft = soft
    self.hard = hard
  }

  /// Reads `VALUE` or `SOFT:HARD`; nil when it is neither, or the soft limit is above the hard one.
  public init?(_ resource: Resource, _ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let values = parts.compactMap { resource.value($0) }
    guard values.count == parts.count, let soft = values.first, let hard = values.last, soft <= hard else {
      return nil
    }
    self.init(resource, soft: soft, hard: hard)
  }
}
