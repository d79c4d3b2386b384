// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Glibc
import Logging

/// Writes log records on standard error, one line each, as text or as JSON objects.
struct StandardErrorLogHandler: LogHandler {
  let label: String
  let format: NodeOptions.LogFormat
  let control: LogLevelControl
  /// A level that holds whatever the node's own is.
  private var ownLevel: Logger.Level?
  var metadata: Logger.Metadata = [:]

  init(label: String, format: NodeOptions.LogFormat, control: LogLevelControl) {
    self.label = label
    self.format = format
    self.control = control
  }

  var logLevel: Logger.Level {
    get { ownLevel ?? control.level }
    set { ownLevel = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = metadata
    if let more = event.metadata { fields.merge(more) { $1 } }
    let sorted = fields.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    let line =
      switch format {
      case .text: text(event, sorted)
      case .json: json(event, sorted)
      }
    StandardError.write(line + "\n")
  }

  private func text(_ event: LogEvent, _ fields: [(String, String)]) -> String {
    let pairs = fields.map { key, value in
      value.contains(where: { $0.isWhitespace || $0 == "\"" }) || value.isEmpty
        ? " \(key)=\(value.debugDescription)" : " \(key)=\(value)"
    }
    return "\(Self.now()) \(event.level) \(event.message)\(pairs.joined())"
  }

  private func json(_ event: LogEvent, _ fields: [(String, String)]) -> String {
    var members: [JSONValue.Field] = [
      .init("time", .string(Self.now())), .init("level", .string("\(event.level)")),
      .init("message", .string("\(event.message)")),
    ]
    members += fields.map { .init($0, .string($1)) }
    return JSONValue.object(members).text
  }

  /// UTC in RFC 3339 with milliseconds.
  private static func now() -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var parts = tm()
    gmtime_r(&time.tv_sec, &parts)
    func padded(_ number: some BinaryInteger, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
    let clock = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
    return "\(date)T\(clock).\(padded(time.tv_nsec / 1_000_000, 3))Z"
  }
}

/// Standard error, one write a text, so that lines of several threads do not mix.
enum StandardError {
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }
}
