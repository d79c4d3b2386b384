// SPDX-License-Identifier: Apache-2.0

/// What lies below `/v2/auth`.
enum AuthPath: Equatable {
  /// `/v2/auth/enable`
  case enable
  /// `/v2/auth/users` or `/v2/auth/roles`
  case list(Kind)
  /// One user or role by its name.
  case item(Kind, String)
  /// More elements than a name.
  case invalid

  /// Which of the two lists.
  enum Kind: Equatable {
    case users
    case roles
  }

  init?(_ path: String) {
    guard let rest = path.rest(after: "/v2/auth/") else { return nil }
    let elements = rest.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    switch elements.first {
    case "enable" where rest == "enable": self = .enable
    case "users": self = Self.below(.users, Array(elements.dropFirst()))
    case "roles": self = Self.below(.roles, Array(elements.dropFirst()))
    default: return nil
    }
  }

  private static func below(_ kind: Kind, _ elements: [String]) -> AuthPath {
    switch elements.count {
    case 0: .list(kind)
    case 1: .item(kind, elements[0])
    default: .invalid
    }
  }
}
