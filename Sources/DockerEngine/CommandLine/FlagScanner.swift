// SPDX-License-Identifier: Apache-2.0

/// Splits words into flags and arguments by the rules of docker's command line (pflag).
///
/// Shape: `--x v`, `--x=v`, `-x v`, `-xv`, `-x=v`, clusters of switches `-it`, `--` ends the flags.
/// Source: specs/docker-driver.md §3.
struct FlagScanner {
  var verb: String
  var definitions: [FlagDefinition]
  /// Whether flags may stand after arguments; `run` and `create` stop at the image.
  var isInterspersed: Bool

  /// Long names that units of 2013 and 2014 write with one dash.
  private static let oldSingleDashNames: Set<String> = [
    "name", "rm", "link", "volumes-from", "privileged", "dns", "expose",
  ]

  /// Splits words; flags come in order, arguments verbatim.
  func scan(_ words: [String]) throws(DockerCommandLineError) -> (flags: [FoundFlag], arguments: [String]) {
    var flags: [FoundFlag] = []
    var arguments: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        return (flags, arguments + rest)
      } else if word.hasPrefix("--") {
        flags.append(try long(word, name: word.dropFirst(2), rest: &rest))
      } else if word.hasPrefix("-"), word != "-" {
        if isOldLongName(word.dropFirst().prefix { $0 != "=" }) {
          flags.append(try long(word, name: word.dropFirst(), rest: &rest))
        } else {
          try cluster(word, rest: &rest, into: &flags)
        }
      } else if isInterspersed {
        arguments.append(word)
      } else {
        return (flags, [word] + rest)
      }
    }
    return (flags, arguments)
  }

  private func isOldLongName(_ name: Substring) -> Bool {
    Self.oldSingleDashNames.contains(String(name)) && definitions.contains { $0.name == name }
  }

  private func long(
    _ word: String,
    name text: Substring,
    rest: inout ArraySlice<String>
  ) throws(DockerCommandLineError) -> FoundFlag {
    let name = String(text.prefix { $0 != "=" })
    guard let definition = definitions.first(where: { $0.name == name }) else {
      throw .unknownFlag(String(word.prefix { $0 != "=" }), verb: verb)
    }
    if let equals = text.firstIndex(of: "=") {
      return FoundFlag(name: name, value: String(text[text.index(after: equals)...]))
    }
    if definition.isSwitch { return FoundFlag(name: name, value: "true") }
    guard let value = rest.popFirst() else { throw .missingValue(flag: "--" + name, verb: verb) }
    return FoundFlag(name: name, value: value)
  }

  private func cluster(
    _ word: String,
    rest: inout ArraySlice<String>,
    into flags: inout [FoundFlag]
  ) throws(DockerCommandLineError) {
    var letters = word.dropFirst()
    while let letter = letters.popFirst() {
      guard let definition = definitions.first(where: { $0.letter == letter }) else {
        throw .unknownFlag(word.count == 2 ? word : "-\(letter) in \(word)", verb: verb)
      }
      if letters.first == "=" {
        flags.append(FoundFlag(name: definition.name, value: String(letters.dropFirst())))
        return
      }
      if definition.isSwitch {
        flags.append(FoundFlag(name: definition.name, value: "true"))
        continue
      }
      if !letters.isEmpty {
        flags.append(FoundFlag(name: definition.name, value: String(letters)))
      } else if let value = rest.popFirst() {
        flags.append(FoundFlag(name: definition.name, value: value))
      } else {
        throw .missingValue(flag: "-\(letter)", verb: verb)
      }
      return
    }
  }
}
