// SPDX-License-Identifier: Apache-2.0

/// What a service tells about itself on the socket that `NOTIFY_SOCKET` names.
///
/// Source: sd_notify(3). File descriptors (`FDSTORE=1`) are not kept; assignments that are not listed there mean nothing.
public struct ServiceNotification: Sendable, Equatable {
  /// How far the service is with what it does.
  public enum Progress: String, Sendable, Codable {
    /// It is up, or has read its configuration anew.
    case ready
    /// It reads its configuration anew.
    case reloading
    /// It is going down.
    case stopping
  }

  /// What is said about the service's watchdog.
  public enum Watchdog: Sendable, Equatable {
    /// The service is alive.
    case alive
    /// The service itself asks to be treated as if it was not.
    case trigger
  }

  /// `STOPPING=1`, `READY=1`, `RELOADING=1`; when a message has several, the first of these counts.
  public var progress: Progress?
  /// Whether a message says both `RELOADING=1` and `READY=1`: it has read its configuration anew already.
  public var hasReloaded = false
  /// `STATUS=`; empty clears it.
  public var status: String?
  /// `MAINPID=`.
  public var mainProcessID: Int32?
  /// `WATCHDOG=1`, `WATCHDOG=trigger`.
  public var watchdog: Watchdog?
  /// `WATCHDOG_USEC=`; zero turns it off.
  public var watchdogInterval: Duration?
  /// `EXTEND_TIMEOUT_USEC=`, from the message on.
  public var timeoutExtension: Duration?
  /// `MONOTONIC_USEC=`, when the message was written.
  public var writtenAt: Duration?

  /// Longest status that is kept, in characters.
  public static let statusLimit = 1024

  /// Reads a message of lines `NAME=VALUE`; what cannot be understood counts as not there.
  public init(parsing text: String) {
    var seen: Set<Progress> = []
    for line in text.split(separator: "\n") {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = String(line[line.index(after: equals)...])
      switch (line[..<equals], value) {
      case ("READY", "1"): seen.insert(.ready)
      case ("RELOADING", "1"): seen.insert(.reloading)
      case ("STOPPING", "1"): seen.insert(.stopping)
      case ("STATUS", _): status = String(value.prefix(Self.statusLimit))
      case ("MAINPID", _): mainProcessID = Int32(value).flatMap { $0 > 1 ? $0 : nil }
      case ("WATCHDOG", "1"): watchdog = .alive
      case ("WATCHDOG", "trigger"): watchdog = .trigger
      case ("WATCHDOG_USEC", _): watchdogInterval = Self.microseconds(value)
      case ("EXTEND_TIMEOUT_USEC", _): timeoutExtension = Self.microseconds(value)
      case ("MONOTONIC_USEC", _): writtenAt = Self.microseconds(value)
      default: break
      }
    }
    progress = [.stopping, .ready, .reloading].first { seen.contains($0) }
    hasReloaded = seen.isSuperset(of: [.ready, .reloading])
  }

  /// Longer than a century is as good as none, and can be added to any moment.
  private static func microseconds(_ text: String) -> Duration? {
    UInt64(text).map { .microseconds(Int64(min($0, 3_155_760_000_000_000))) }
  }
}

/// Which process a notification comes from.
public enum NotificationSender: Sendable, Equatable {
  /// The main process.
  case main
  /// The control process.
  case control
  /// Another one.
  case other
}
