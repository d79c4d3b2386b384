// SPDX-License-Identifier: Apache-2.0

/// The paths of fleet's API; every other path is 404.
enum FleetPath: Equatable {
  /// `/` and the prefixes themselves, which take no method.
  case root
  case discovery
  case machines
  case units
  case unit(String)
  case states
  case unitState(String)

  init?(_ path: String) {
    if path == "/" || path == "/fleet/v1" || path == "/v1-alpha" {
      self = .root
      return
    }
    guard let rest = path.rest(after: "/fleet/v1/") ?? path.rest(after: "/v1-alpha/") else { return nil }
    let parts = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count) {
    case ("discovery", 1): self = .discovery
    case ("machines", 1): self = .machines
    case ("units", 1): self = .units
    case ("units", 2) where !parts[1].isEmpty: self = .unit(parts[1])
    case ("state", 1): self = .states
    case ("state", 2) where !parts[1].isEmpty: self = .unitState(parts[1])
    default: return nil
    }
  }
}
