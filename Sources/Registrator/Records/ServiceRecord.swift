// SPDX-License-Identifier: Apache-2.0

/// One port of one service, as others find it.
struct ServiceRecord: Sendable, Equatable {
  /// Unique below the service's name: `<host>:<container>:<port>[:udp]`, or what `SERVICE_ID` says.
  var id: String
  /// The service's name.
  var name: String
  /// The address to connect to.
  var ip: String
  /// The port to connect to.
  var port: UInt16
  /// `tcp`, `udp` or `sctp`.
  var transport = "tcp"
  /// `SERVICE_TAGS`, the machine's tags, and `udp` for UDP.
  var tags: [String] = []
  /// The other `SERVICE_*` values, by lower-case name.
  var attributes: [String: String] = [:]
  /// `healthy`, `starting` or `unhealthy`; nil for what has no health check.
  var health: String?
  /// The unit it belongs to, if it is one's.
  var unit: String?
  /// The container's id, if it is one.
  var container: String?

  /// The key below a directory; nil when name or id leave nothing that could be a key.
  ///
  /// Names with slashes make deeper directories, as upstream's do; empty parts, `.` and `..` are left out.
  func key(below directory: String) -> String? {
    let names = Self.segments(name)
    let ids = Self.segments(id)
    guard !names.isEmpty, !ids.isEmpty else { return nil }
    return ([directory] + names + ids).joined(separator: "/")
  }

  /// `ip:port`, with brackets around an IPv6 address.
  var address: String {
    ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
  }

  /// The parts that may stand in a key; what no terminal shows is left out.
  static func segments(_ text: String) -> [String] {
    text.split(separator: "/")
      .map { part in
        String(String.UnicodeScalarView(part.unicodeScalars.filter { $0.value > 0x1f && $0.value != 0x7f }))
      }
      .filter { !["", ".", ".."].contains($0) }
  }
}
