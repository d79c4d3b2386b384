// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Moments as systemd's tools print them.
enum TimeText {
  /// Which clock on the wall is meant.
  enum Zone {
    case local
    case utc
  }

  /// `Nov 21 01:23:45`, as in a journal.
  static func short(_ epochMilliseconds: Int64, _ zone: Zone = .local) -> String {
    formatted("%b %d %H:%M:%S", epochMilliseconds, zone)
  }

  /// `Sat 2026-11-21 01:23:45 UTC`, as in a status.
  static func long(_ epochMilliseconds: Int64, _ zone: Zone = .local) -> String {
    formatted("%a %Y-%m-%d %H:%M:%S %Z", epochMilliseconds, zone)
  }

  /// `2026-11-21T01:23:45+0000`, as in a journal with `short-iso`.
  static func iso(_ epochMilliseconds: Int64, _ zone: Zone = .local) -> String {
    formatted("%Y-%m-%dT%H:%M:%S%z", epochMilliseconds, zone)
  }

  /// `2026/11/21 01:23:45`, as Go's `log` begins its lines.
  static func log(_ epochMilliseconds: Int64, _ zone: Zone = .local) -> String {
    formatted("%Y/%m/%d %H:%M:%S", epochMilliseconds, zone)
  }

  /// `5s`, `3min 5s`, `2h 3min`, `4 days`.
  static func ago(milliseconds: Int64) -> String {
    let seconds = max(0, milliseconds / 1_000)
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3_600: return "\(seconds / 60)min \(seconds % 60)s"
    case ..<86_400: return "\(seconds / 3_600)h \(seconds % 3_600 / 60)min"
    default: return seconds < 172_800 ? "1 day" : "\(seconds / 86_400) days"
    }
  }

  private static func formatted(_ format: String, _ epochMilliseconds: Int64, _ zone: Zone) -> String {
    var moment = time_t(epochMilliseconds / 1_000)
    var parts = tm()
    switch zone {
    case .local: localtime_r(&moment, &parts)
    case .utc: gmtime_r(&moment, &parts)
    }
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, format, &parts)
    let result = String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return zone == .utc ? String(result.replacing("GMT", with: "UTC")) : result
  }
}
