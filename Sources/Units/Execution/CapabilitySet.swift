// SPDX-License-Identifier: Apache-2.0

/// A set of the kernel's capabilities; bit N is capability N.
///
/// Source: capabilities(7); systemd.exec(5) `CapabilityBoundingSet=`.
public struct CapabilitySet: Sendable, Equatable, Codable {
  /// The bits.
  public var bits: UInt64

  /// No capability.
  public static let none = CapabilitySet(bits: 0)
  /// Every capability, also those of later kernels.
  public static let all = CapabilitySet(bits: .max)

  /// Makes a set from bits.
  public init(bits: UInt64) {
    self.bits = bits
  }

  /// Makes a set of capabilities by their names; nil when there is one that is none.
  public init?(_ names: some Sequence<String>) {
    bits = 0
    for name in names {
      guard let number = Self.names.firstIndex(of: name.uppercased()) else { return nil }
      bits |= 1 << UInt64(number)
    }
  }

  /// The set with a directive's value taken in: an empty value clears it, `~` alone fills it, `~` before names takes them
  /// away; nil when a word is no capability.
  ///
  /// - Parameters:
  ///   - value: The value.
  ///   - isFirst: Whether nothing was said before, so that names stand for themselves and `~` for all others.
  /// - Returns: The new set.
  func merging(_ value: String, isFirst: Bool) -> CapabilitySet? {
    let isInverted = value.hasPrefix("~")
    let words = (isInverted ? value.dropFirst() : value[...]).split(whereSeparator: \.isWhitespace).map(String.init)
    guard !words.isEmpty else { return isInverted ? .all : CapabilitySet.none }
    guard let named = CapabilitySet(words) else { return nil }
    if isInverted { return CapabilitySet(bits: (isFirst ? UInt64.max : bits) & ~named.bits) }
    return CapabilitySet(bits: (isFirst ? 0 : bits) | named.bits)
  }

  /// The set without another one.
  public func subtracting(_ other: CapabilitySet) -> CapabilitySet {
    CapabilitySet(bits: bits & ~other.bits)
  }

  /// Names by number.
  private static let names = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
  ]
}
