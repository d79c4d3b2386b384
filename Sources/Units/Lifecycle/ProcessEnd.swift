// SPDX-License-Identifier: Apache-2.0

/// How a command of a unit ended.
public enum ProcessEnd: Sendable, Hashable, Codable, CustomStringConvertible {
  /// It exited with a code; 200 and up also say why a program could not be executed.
  case exited(Int32)
  /// A signal ended it.
  case signaled(UnixSignal, dumpedCore: Bool)
  /// It ended while nobody watched.
  case lost
  /// It was never started, for what the message says.
  case notStarted(String)

  /// As systemd words it: `0/SUCCESS`, `203/EXEC`, `signal KILL`.
  public var description: String {
    switch self {
    case .exited(let code): "\(code)/\(Self.name(ofExitCode: code))"
    case .signaled(let signal, let dumpedCore): dumpedCore ? "dumped \(signal.name)" : "signal \(signal.name)"
    case .lost: "lost"
    case .notStarted(let message): "not started: \(message)"
    }
  }

  private static func name(ofExitCode code: Int32) -> String {
    switch code {
    case 0: "SUCCESS"
    case 1: "FAILURE"
    case 2: "INVALIDARGUMENT"
    case 3: "NOTIMPLEMENTED"
    case 4: "NOPERMISSION"
    case 5: "NOTINSTALLED"
    case 6: "NOTCONFIGURED"
    case 7: "NOTRUNNING"
    default: setUpNames[code] ?? "n/a"
    }
  }
}

extension ProcessEnd {
  /// What could not be set up before a program was executed, by the exit code that says so.
  ///
  /// Source: systemd.exec(5) "PROCESS EXIT CODES".
  private static let setUpNames: [Int32: String] = [
    200: "CHDIR", 201: "NICE", 202: "FDS", 203: "EXEC", 204: "MEMORY", 205: "LIMITS", 206: "OOM_ADJUST",
    207: "SIGNAL_MASK", 208: "STDIN", 209: "STDOUT", 210: "CHROOT", 211: "IOPRIO", 212: "TIMERSLACK",
    213: "SECUREBITS", 214: "SETSCHEDULER", 215: "CPUAFFINITY", 216: "GROUP", 217: "USER", 218: "CAPABILITIES",
    219: "CGROUP", 220: "SETSID", 221: "CONFIRM", 222: "STDERR", 224: "PAM", 225: "NETWORK", 226: "NAMESPACE",
    227: "NO_NEW_PRIVILEGES", 228: "SECCOMP", 229: "SELINUX_CONTEXT", 230: "PERSONALITY", 231: "APPARMOR",
    232: "ADDRESS_FAMILIES", 233: "RUNTIME_DIRECTORY", 235: "CHOWN", 236: "SMACK_PROCESS_LABEL", 237: "KEYRING",
    238: "STATE_DIRECTORY", 239: "CACHE_DIRECTORY", 240: "LOGS_DIRECTORY", 241: "CONFIGURATION_DIRECTORY",
    242: "NUMA_POLICY", 243: "CREDENTIALS", 245: "BPF",
  ]
}

/// Exit codes and signals that an option such as `SuccessExitStatus=` names.
public struct ExitSet: Sendable, Equatable {
  /// Exit codes.
  public var codes: Set<Int32> = []
  /// Signals.
  public var signals: Set<UnixSignal> = []

  /// Makes a set.
  public init(codes: Set<Int32> = [], signals: Set<UnixSignal> = []) {
    self.codes = codes
    self.signals = signals
  }

  /// Reads codes and signal names separated by blanks; nil when one of them is neither.
  public init?(_ text: String) {
    for word in text.split(whereSeparator: \.isWhitespace).map(String.init) {
      if let code = Int32(word), (0...255).contains(code) {
        codes.insert(code)
      } else if Int32(word) == nil, let signal = UnixSignal(word) {
        signals.insert(signal)
      } else {
        return nil
      }
    }
  }

  /// Adds what another set holds.
  public mutating func formUnion(_ other: ExitSet) {
    codes.formUnion(other.codes)
    signals.formUnion(other.signals)
  }

  /// Whether an end is in the set.
  ///
  /// Differs: code 128 + n also stands for signal n, as a shell and a container engine report it.
  public func contains(_ end: ProcessEnd) -> Bool {
    switch end {
    case .exited(let code): codes.contains(code)
    case .signaled(let signal, _): signals.contains(signal) || codes.contains(128 + signal.number)
    case .lost, .notStarted: false
    }
  }
}
