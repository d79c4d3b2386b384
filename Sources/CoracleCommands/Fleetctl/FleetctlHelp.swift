// SPDX-License-Identifier: Apache-2.0

/// What `fleetctl help` prints.
enum FleetctlHelp {
  /// Of all commands, or of one.
  static func text(_ command: FleetctlCommand?) -> String {
    guard let command, command != .help else { return program }
    let usage = ["fleetctl [global flags]", command.rawValue, command.usage].filter { !$0.isEmpty }
    var lines = ["\(command.summary).", "", "Usage:", "  \(usage.joined(separator: " "))", ""]
    if !command.flags.isEmpty { lines += ["Flags:"] + table(command.flags.map(entry)) + [""] }
    lines.append("Run 'fleetctl help' for the global flags.")
    return lines.map { $0 + "\n" }.joined()
  }

  private static var program: String {
    var lines = ["fleetctl is a command-line interface to fleet, as coracle speaks it.", "", "Usage:"]
    lines += ["  fleetctl [global flags] <command> [flags] [arguments]", "", "Commands:"]
    lines += table(FleetctlCommand.allCases.map { ($0.rawValue, $0.summary) })
    lines += ["", "Global flags (each also as a variable, --ca-file as FLEETCTL_CA_FILE):"]
    lines += table(FleetctlFlag.global.map(entry))
    lines += ["", "Flags may stand anywhere, with one dash or two.", "Run 'fleetctl help COMMAND' for its own flags."]
    lines += ["", FleetctlPersonality.versionLine]
    return lines.map { $0 + "\n" }.joined()
  }

  private static func entry(_ flag: FleetctlFlag) -> (String, String) {
    let short = flag.shortName.map { ", -\($0)" } ?? ""
    let isPlain = flag.fallback.isEmpty || flag.fallback == "false"
    let value = flag.kind == .toggle ? "" : " \(flag.kind == .text ? "TEXT" : "N")"
    return ("--\(flag.name)\(short)\(value)", flag.help + (isPlain ? "" : " (default: \(flag.fallback))"))
  }

  private static func table(_ entries: [(name: String, text: String)]) -> [String] {
    let width = entries.map(\.name.count).max() ?? 0
    return entries.map { "  \($0.name)\(String(repeating: " ", count: width - $0.name.count + 2))\($0.text)" }
  }
}
