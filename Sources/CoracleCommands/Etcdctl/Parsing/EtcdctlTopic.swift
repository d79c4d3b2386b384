// SPDX-License-Identifier: Apache-2.0

/// The program, a command or a group of commands, as its help shows it.
struct EtcdctlTopic: Equatable {
  /// The words behind `etcdctl`; none for the program itself.
  var words: [String] = []
  /// One line that says what it does.
  var summary: String
  /// What stands for the arguments in the usage.
  var argumentsUsage = ""
  /// Further paragraphs.
  var details: String?
  var flags: [EtcdctlFlag] = []
  /// The commands of a group.
  var commands: [EtcdctlTopic] = []

  /// Whether it is a group of commands, or the program.
  var isGroup: Bool { !commands.isEmpty }

  /// The command of a group with a name.
  subscript(name: String) -> EtcdctlTopic? { commands.first { $0.words.last == name } }

  private var name: String { (["etcdctl"] + words).joined(separator: " ") }

  /// What `--help` prints, byte for byte what the original does.
  ///
  /// Source: `urfave/cli` 1.22 `template.go`, which etcdctl 3.4 is made with.
  var help: String {
    var lines = ["NAME:", "   \(name) - \(summary)", "", "USAGE:"]
    if words.isEmpty {
      lines.append("   \(name) [global options] command [command options] [arguments...]")
      lines += ["", "VERSION:", "   \(EtcdctlPersonality.version)"]
    } else if isGroup {
      lines.append("   \(name) command [command options] [arguments...]")
    } else {
      lines.append("   \(name)\(flags.isEmpty ? "" : " [command options]") \(argumentsUsage)")
    }
    if let details { lines += ["", "DESCRIPTION:", "   \(details)"] }
    if isGroup {
      var rows = commands.map { ($0.words.last ?? "", $0.summary) }
      if words.isEmpty { rows.append(("help, h", "Shows a list of commands or help for one command")) }
      lines += ["", "COMMANDS:"] + Self.columns(rows)
    }
    var rows = flags.map { ($0.usage, $0.explanation) }
    if isGroup { rows.append(("--help, -h", "show help")) }
    if words.isEmpty { rows.append(("--version, -v", "print the version")) }
    if !rows.isEmpty {
      lines += ["", words.isEmpty ? "GLOBAL OPTIONS:" : "OPTIONS:"] + Self.columns(rows)
      if !words.isEmpty { lines.append("   ") }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func columns(_ rows: [(String, String)]) -> [String] {
    let width = (rows.map { $0.0.utf8.count }.max() ?? 0) + 2
    return rows.map { "   \($0.0)\(String(repeating: " ", count: width - $0.0.utf8.count))\($0.1)" }
  }
}
