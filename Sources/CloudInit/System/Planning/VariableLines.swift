// SPDX-License-Identifier: Apache-2.0
import CloudConfig

/// A file of lines `NAME=VALUE`, of which some are set and all others stay.
///
/// Source: specs/cloud-config.md §6, §8; coreos-cloudinit `system/env_file.go`, `config/update.go`.
struct VariableLines {
  private var lines: [String]

  init(_ text: String) {
    lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
    if lines.last?.isEmpty == true { lines.removeLast() }
  }

  var text: String { lines.map { $0 + "\n" }.joined() }

  /// Sets variables: in place where they stand, at the end in the order of their names where they do not.
  mutating func merge(_ variables: [SystemPlan.Variable]) {
    for variable in variables.sorted(by: { $0.name < $1.name }) {
      let line = "\(variable.name)=\(variable.value)"
      if let index = lines.lastIndex(where: { $0.hasPrefix("\(variable.name)=") }) {
        lines[index] = line
      } else {
        lines.append(line)
      }
    }
  }

  /// A value in double quotes, as os-release(5) and systemd read it.
  static func quoted(_ value: String) -> String {
    var text = "\""
    for character in value {
      switch character {
      case "\\", "\"": text += "\\\(character)"
      case "\n", "\r\n": text += "\\n"
      default: text.append(character)
      }
    }
    return text + "\""
  }
}
