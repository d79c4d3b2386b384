// SPDX-License-Identifier: Apache-2.0
import Glibc
import TextTemplates

/// Texts for people, as docker's program makes them.
///
/// Source: docker/go-units `duration.go` and `size.go`; docker CLI `cli/command/formatter`.
enum HumanText {
  /// How long something lasted, such as `About a minute` or `3 weeks`.
  static func duration(seconds: Int64) -> String {
    let minutes = seconds / 60
    let hours = (seconds + 1800) / 3600
    switch seconds {
    case ..<1: return "Less than a second"
    case 1: return "1 second"
    case ..<60: return "\(seconds) seconds"
    default: break
    }
    if minutes == 1 { return "About a minute" }
    if minutes < 60 { return "\(minutes) minutes" }
    if hours == 1 { return "About an hour" }
    switch hours {
    case ..<48: return "\(hours) hours"
    case ..<(24 * 7 * 2): return "\(hours / 24) days"
    case ..<(24 * 30 * 2): return "\(hours / 24 / 7) weeks"
    case ..<(24 * 365 * 2): return "\(hours / 24 / 30) months"
    default: return "\(seconds / 3600 / 24 / 365) years"
    }
  }

  /// A size in units of 1000, such as `1.98MB`.
  static func size(_ bytes: Int64, digits: Int = 3) -> String {
    scaled(bytes, by: 1000, digits: digits, units: ["B", "kB", "MB", "GB", "TB", "PB", "EB"])
  }

  /// A size in units of 1024, such as `23.54GiB`.
  static func memory(_ bytes: Int64) -> String {
    scaled(bytes, by: 1024, digits: 4, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
  }

  private static func scaled(_ bytes: Int64, by base: Double, digits: Int, units: [String]) -> String {
    var size = Double(bytes)
    var unit = 0
    while size >= base, unit + 1 < units.count {
      size /= base
      unit += 1
    }
    return GoFormat.text("%.\(digits)g", .float(size)) + units[unit]
  }

  /// A text cut to a width in characters, the last of them `…` where something was cut.
  static func ellipsis(_ text: String, _ width: Int) -> String {
    let scalars = text.unicodeScalars
    guard scalars.count > width else { return text }
    return String(String.UnicodeScalarView(scalars.prefix(width - 1))) + "…"
  }

  /// The first twelve digits of an id, without its `sha256:`.
  static func shortID(_ id: String) -> String {
    String((id.split(separator: ":", maxSplits: 1).dropFirst().first ?? id[...]).prefix(12))
  }

  /// Whether one text stands before another when runs of digits count as numbers: `9/tcp` before `80/tcp`.
  static func isBefore(_ left: String, _ right: String) -> Bool {
    var (left, right) = (Array(left.utf8)[...], Array(right.utf8)[...])
    while let first = left.first, let second = right.first {
      if isDigit(first), isDigit(second) {
        let (one, other) = (number(&left), number(&right))
        if one.count != other.count { return one.count < other.count }
        if one != other { return one.lexicographicallyPrecedes(other) }
      } else if first != second {
        return first < second
      } else {
        left.removeFirst()
        right.removeFirst()
      }
    }
    return left.count < right.count
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func number(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = text.prefix(while: isDigit)
    text = text.dropFirst(digits.count)
    return digits.drop { $0 == 0x30 }
  }

  // MARK: Times

  /// A time where this machine is.
  static func localTime(seconds: Int64) -> GoTime {
    var time = time_t(seconds)
    var parts = tm()
    guard localtime_r(&time, &parts) != nil else { return GoTime(seconds: Int(seconds), nanoseconds: 0) }
    let zone = parts.tm_zone.map { String(cString: $0) } ?? "UTC"
    return GoTime(seconds: Int(seconds), nanoseconds: 0, zoneSeconds: parts.tm_gmtoff, zone: zone)
  }

  /// Seconds since the Unix epoch.
  static func now() -> Int64 { Int64(time(nil)) }

  /// How Go prints a time of its own accord.
  static let goLayout = "2006-01-02 15:04:05.999999999 -0700 MST"
}
