// SPDX-License-Identifier: Apache-2.0
import CloudConfig

extension SystemPlanner {
  /// Plans the scripts: stored, and run with every boot.
  mutating func planScripts(_ system: SystemPlan) {
    for (index, script) in system.scripts.enumerated() {
      let title = "run the script \(script.name)"
      guard view.isLive else {
        add(SystemStep(title, .leaveOut("nothing runs in a tree of files"), phase: .commands))
        continue
      }
      let path = "\(dataDirectory)/scripts/\(Self.fileName(script.name, number: index + 1))"
      let stored = addWrite(path, script.content, mode: 0o700)
      add(SystemStep(title, .change([.runScript(path: path, name: script.name)]), phase: .commands, needs: [stored]))
    }
  }

  /// A name that is no other script's and leads nowhere.
  private static func fileName(_ name: String, number: Int) -> String {
    let plain = name.split(separator: "/").last.map(String.init) ?? name
    let letters = plain.prefix(60).map { letter -> Character in
      letter.isASCII && (letter.isLetter || letter.isNumber || letter == "." || letter == "_") ? letter : "-"
    }
    return "\(number)-\(String(letters))"
  }
}
