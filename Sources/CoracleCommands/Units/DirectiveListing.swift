// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Units

/// The table of systemd's directives as people and programs read it.
enum DirectiveListing {
  static func text(_ format: OutputFormat) -> String {
    switch format {
    case .table:
      DirectiveTable.all.map { directive in
        let (word, reason) = words(directive.standing)
        return "[\(directive.section)]\t\(directive.name)=\t\(word)\(reason.map { ": \($0)" } ?? "")\n"
      }.joined()
    case .json: JSONValue.array(DirectiveTable.all.map(json)).text + "\n"
    }
  }

  private static func json(_ directive: DirectiveTable.Directive) -> JSONValue {
    let (word, reason) = words(directive.standing)
    return [
      "section": .string(directive.section), "name": .string(directive.name), "standing": .string(word),
      "reason": reason.map { .string($0) } ?? .null,
    ]
  }

  private static func words(_ standing: DirectiveStanding) -> (word: String, reason: String?) {
    switch standing {
    case .carriedOut: ("carried out", nil)
    case .withoutEffect(let reason): ("accepted without effect", reason)
    case .notCarriedOut(let reason): ("not carried out", reason)
    }
  }
}
