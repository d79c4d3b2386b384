// SPDX-License-Identifier: Apache-2.0
import DockerEngine

/// One port of one container, as others find it.
struct ServiceRecord: Sendable, Equatable {
  /// Unique below the service's name: `<host>:<container>:<port>[:udp]`, or what `SERVICE_ID` says.
  var id: String
  /// The service's name.
  var name: String
  /// The address to connect to.
  var ip: String
  /// The port to connect to.
  var port: UInt16
  /// `SERVICE_TAGS`, and `udp` for UDP.
  var tags: [String]
  /// The other `SERVICE_*` values, by lower-case name.
  var attributes: [String: String]

  /// The key below `prefix`; nil when name or id leave nothing that could be a key.
  ///
  /// Names with slashes make deeper directories, as upstream's do; empty parts, `.` and `..` are left out.
  func key(below prefix: String) -> String? {
    let names = Self.segments(name)
    let ids = Self.segments(id)
    guard !names.isEmpty, !ids.isEmpty else { return nil }
    return ([prefix] + names + ids).joined(separator: "/")
  }

  /// What stands in the store: `ip:port`, with brackets around an IPv6 address.
  var value: String {
    ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
  }

  private static func segments(_ text: String) -> [String] {
    text.split(separator: "/").map(String.init).filter { $0 != "." && $0 != ".." }
  }
}
