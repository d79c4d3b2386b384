// SPDX-License-Identifier: Apache-2.0

/// Where output came out.
public enum OutputStream: String, Sendable, Equatable, Codable {
  /// Standard output.
  case standardOutput = "out"
  /// Standard error.
  case standardError = "err"
}

/// One line of output of a command or a container, without its newline.
///
/// Shape: at most ``limitBytes`` bytes; a longer line comes in pieces.
public struct OutputLine: Sendable, Equatable {
  /// The longest line, in bytes.
  public static let limitBytes = 64 * 1024

  /// Where it came out.
  public var stream: OutputStream
  /// The bytes, which need not be UTF-8.
  public var bytes: [UInt8]
  /// Where in the container's log the line stands; nil for what did not come from a log.
  public var position: LogPosition?

  /// Makes a line from its bytes.
  public init(stream: OutputStream, bytes: [UInt8], position: LogPosition? = nil) {
    self.stream = stream
    self.bytes = bytes
    self.position = position
  }

  /// Makes a line from text.
  public init(_ stream: OutputStream, _ text: String) {
    self.init(stream: stream, bytes: Array(text.utf8))
  }

  /// The line as text; bytes that are not UTF-8 become U+FFFD.
  public var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// A place in a container's log: the engine's timestamp of the last line that was read.
///
/// Units: nanoseconds since the Unix epoch by the engine's clock.
public struct LogPosition: Sendable, Hashable, Comparable {
  /// Nanoseconds since the Unix epoch.
  public var nanosecondsSinceEpoch: Int64

  /// Makes a position.
  public init(nanosecondsSinceEpoch: Int64) {
    self.nanosecondsSinceEpoch = nanosecondsSinceEpoch
  }

  /// Orders by time.
  public static func < (left: LogPosition, right: LogPosition) -> Bool {
    left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch
  }
}
