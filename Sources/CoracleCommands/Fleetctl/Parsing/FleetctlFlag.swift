// SPDX-License-Identifier: Apache-2.0

/// One flag of fleetctl.
///
/// Source: specs/fleet.md §8.1, §8.2.
struct FleetctlFlag: Equatable, Sendable {
  /// What stands behind a flag.
  enum Kind: Sendable {
    /// Nothing, or `=true` and `=false`.
    case toggle
    case text
    /// A whole number, not negative.
    case number
    /// Seconds, with a fraction.
    case seconds
  }

  var name: String
  var kind: Kind
  /// One letter, or another name that is as good.
  var shortName: String?
  /// What holds when the flag is not given; shown by the help.
  var fallback = ""
  var help: String

  init(_ name: String, _ kind: Kind, short: String? = nil, default fallback: String = "", _ help: String) {
    self.name = name
    self.kind = kind
    shortName = short
    self.fallback = fallback
    self.help = help
  }

  /// Flags that stand with every command.
  static let global: [FleetctlFlag] = [
    FleetctlFlag("endpoint", .text, default: "unix:///var/run/fleet.sock", "Where the fleet API is: URL[,URL…]"),
    FleetctlFlag("driver", .text, default: "API", "API, or etcd to read and write fleet's keys in a store"),
    FleetctlFlag("etcd-key-prefix", .text, default: "/_coreos.com/fleet/", "Where fleet's keys are (driver etcd)"),
    FleetctlFlag("request-timeout", .seconds, default: "10.0", "Seconds that one answer may take"),
    FleetctlFlag("ca-file", .text, "Trust https servers of these authorities"),
    FleetctlFlag("cert-file", .text, "Show https servers this certificate"),
    FleetctlFlag("key-file", .text, "The certificate's key"),
    FleetctlFlag("tunnel", .text, "Reach the cluster through SSH to HOST[:PORT]"),
    FleetctlFlag("ssh-username", .text, default: "core", "The user for SSH"),
    FleetctlFlag("ssh-timeout", .seconds, default: "10.0", "Seconds that connecting by SSH may take"),
    FleetctlFlag("ssh-identity-file", .text, "A key to log in with, besides those of ssh-agent and ~/.ssh"),
    FleetctlFlag("strict-host-key-checking", .toggle, default: "true", "Verify the host keys of SSH servers"),
    FleetctlFlag("known-hosts-file", .text, default: "~/.fleetctl/known_hosts", "Host keys that are known"),
    FleetctlFlag("debug", .toggle, default: "false", "Tell each request on standard error"),
    FleetctlFlag("version", .toggle, short: "v", default: "false", "Print the version"),
    FleetctlFlag("help", .toggle, short: "h", default: "false", "Print help"),
  ]

  /// Those that a variable may stand for; one that is named like the others would change every command.
  static let withVariable = global.filter { !["help", "version"].contains($0.name) }

  /// Flags that were given up in favour of others, by the name of what they stand for; nil has no effect.
  static let deprecated: [(flag: FleetctlFlag, standsFor: String?)] = [
    (FleetctlFlag("etcd-cafile", .text, ""), "ca-file"), (FleetctlFlag("etcd-certfile", .text, ""), "cert-file"),
    (FleetctlFlag("etcd-keyfile", .text, ""), "key-file"), (FleetctlFlag("experimental-api", .toggle, ""), nil),
  ]

  /// Every flag of every command.
  static let all: [FleetctlFlag] =
    global + deprecated.map(\.flag)
    + FleetctlCommand.allCases.flatMap(\.flags).reduce(into: []) { known, flag in
      if !known.contains(where: { $0.name == flag.name }) { known.append(flag) }
    }

  /// The flag a word names, whatever the number of its dashes.
  static func named(_ word: String) -> FleetctlFlag? {
    all.first { $0.name == word } ?? all.first { $0.shortName == word }
  }
}
