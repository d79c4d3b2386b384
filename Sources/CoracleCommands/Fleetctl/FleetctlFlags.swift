// SPDX-License-Identifier: Apache-2.0

/// The flags of fleetctl: anywhere on the line, one dash or two, values behind `=` or as the next word.
///
/// Source: specs/fleet.md §8.1. Differs: `-l`, `-f` and `-A` work, as they are documented.
struct FleetctlFlags {
  /// The words that are no flags, in their order.
  private(set) var arguments: [String] = []
  private var values: [String: String] = [:]

  private static let valued: Set = [
    "endpoint", "driver", "etcd-key-prefix", "tunnel", "ssh-username", "ssh-timeout", "ssh-port",
    "ssh-identity-file", "machine", "unit", "request-timeout",
    "known-hosts-file", "ca-file", "cert-file", "key-file", "etcd-cafile", "etcd-certfile", "etcd-keyfile", "fields",
    "block-attempts", "lines", "output",
  ]
  private static let toggles: Set = [
    "strict-host-key-checking", "debug", "version", "help", "experimental-api", "full", "no-legend", "no-block",
    "replace", "sign", "follow", "sudo", "forward-agent",
  ]
  private static let shortNames = [
    "l": "full", "f": "follow", "A": "forward-agent", "h": "help", "v": "version", "n": "lines",
  ]

  init(_ words: [String]) throws(CommandFailure) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        arguments += rest
        return
      }
      guard word.count > 1, word.hasPrefix("-") else {
        arguments.append(word)
        continue
      }
      let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let written = String(parts.first ?? "")
      let name = Self.shortNames[written] ?? written
      if parts.count > 1, Self.valued.contains(name) || Self.toggles.contains(name) {
        values[name] = String(parts[1])
      } else if Self.toggles.contains(name) {
        values[name] = "true"
      } else if Self.valued.contains(name) {
        guard let value = rest.popFirst() else {
          throw CommandFailure("Error: flag needs an argument: \(word)", status: 2)
        }
        values[name] = value
      } else {
        throw CommandFailure("Error: unknown flag: \(word)", status: 2)
      }
    }
  }

  /// The value of a flag: of the command line, else of `FLEETCTL_<FLAG>`.
  func value(_ name: String, _ environment: [String: String] = [:]) -> String? {
    let variable = "FLEETCTL_" + name.uppercased().map { $0 == "-" ? "_" : $0 }
    return values[name] ?? environment[variable].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Whether a flag without value is given.
  func isSet(_ name: String) -> Bool {
    guard let value = values[name] else { return false }
    return !["false", "0", "f", "F", "False", "FALSE"].contains(value)
  }

  /// A whole number; nil when the flag is not given.
  func number(_ name: String) throws(CommandFailure) -> Int? {
    guard let text = values[name] else { return nil }
    guard let number = Int(text), number >= 0 else {
      throw CommandFailure("Error: invalid argument \"\(text)\" for --\(name): it must be a whole number", status: 2)
    }
    return number
  }
}
