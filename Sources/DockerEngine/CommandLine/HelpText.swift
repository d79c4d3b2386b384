// SPDX-License-Identifier: Apache-2.0

extension VerbDefinition {
  /// The verb with what follows it, as `--help` shows it.
  var usageLine: String {
    let options = flags.contains { $0.help != nil } ? " [OPTIONS]" : ""
    return "docker \(name)\(options)\(usage.isEmpty ? "" : " " + usage)"
  }

  /// What `--help` prints.
  var helpText: String {
    var text = "Usage:  \(usageLine)\n\n\(summary)\n"
    if spellings.count > 1 {
      text += "\nAliases:\n  " + spellings.map { "docker " + $0 }.joined(separator: ", ") + "\n"
    }
    let shown = flags.filter { $0.help != nil }
    if !shown.isEmpty { text += "\nOptions:\n" + HelpText.rows(shown.map(HelpText.row)) }
    return text
  }
}

/// `--help`, made from the tables of verbs and flags.
enum HelpText {
  /// The whole command, as `docker --help` prints it.
  static var overview: String {
    let verbs = VerbTable.verbs.filter { !$0.name.contains(" ") }.sorted { $0.name < $1.name }
    return "Usage:  docker [OPTIONS] COMMAND\n\nDocker's command line, carried out over an engine's socket\n"
      + "\nManagement commands:\n" + rows(VerbTable.groups.map { ("  \($0.name)", $0.summary) })
      + "\nCommands:\n" + rows(verbs.map { ("  \($0.name)", $0.summary) })
      + "\nGlobal options:\n" + rows(DockerCommandLine.globalFlags.filter { $0.help != nil }.map(row))
      + "\nRun 'docker COMMAND --help' for more information on a command.\n"
  }

  /// One group, as `docker container` prints it.
  static func group(_ name: String) -> String {
    var entries: [(String, String)] = []
    for verb in VerbTable.verbs {
      guard let spelling = verb.spellings.first(where: { $0.hasPrefix(name + " ") }) else { continue }
      entries.append(("  " + spelling.dropFirst(name.count + 1), verb.summary))
    }
    let summary = VerbTable.groups.first { $0.name == name }?.summary ?? ""
    return "Usage:  docker \(name) COMMAND\n\n\(summary)\n\nCommands:\n" + rows(entries.sorted { $0.0 < $1.0 })
      + "\nRun 'docker \(name) COMMAND --help' for more information on a command.\n"
  }

  static func row(_ flag: FlagDefinition) -> (String, String) {
    let letter = flag.letter.map { "-\($0), " } ?? "    "
    let shape = flag.shape.map { " " + $0 } ?? ""
    return ("  \(letter)--\(flag.name)\(shape)", flag.help ?? "")
  }

  static func rows(_ rows: [(String, String)]) -> String {
    let width = (rows.map(\.0.count).max() ?? 0) + 3
    return rows.map { left, right in
      left + String(repeating: " ", count: width - left.count) + right + "\n"
    }.joined()
  }
}
