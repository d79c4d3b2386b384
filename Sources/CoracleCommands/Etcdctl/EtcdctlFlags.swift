// SPDX-License-Identifier: Apache-2.0

/// What a command line does wrong, in the words for its user.
struct EtcdctlUsageError: Error, Equatable {
  var message: String
}

/// The flags of etcdctl's global part or of one of its commands, by the rules of Go's `flag` package.
///
/// Flags have one dash or two, values follow as the next word or behind `=`, and known flags count wherever they stand
/// before a `--`; other words that begin with a dash are values once there was one, so that `set /k -5` works.
struct EtcdctlFlags {
  /// A flag: its names, and whether it takes a value.
  struct Specification {
    var names: [String]
    var takesValue: Bool

    static func value(_ names: String...) -> Specification { Specification(names: names, takesValue: true) }
    static func toggle(_ names: String...) -> Specification { Specification(names: names, takesValue: false) }
  }

  /// The words that are no flags, in their order.
  private(set) var arguments: [String] = []
  private var values: [String: String] = [:]

  /// Reads words.
  ///
  /// - Parameters:
  ///   - words: The words after the program's or command's name.
  ///   - specifications: The flags that are known.
  ///   - stopsAtArgument: Whether everything from the first word that is no flag on is left alone.
  /// - Throws: ``EtcdctlUsageError`` for an unknown flag before the first argument, or one without its value.
  init(
    _ words: some Sequence<String>,
    _ specifications: [Specification],
    stopsAtArgument: Bool = false
  ) throws(EtcdctlUsageError) {
    var rest = Array(words)[...]
    while let word = rest.popFirst() {
      if word == "--" && !(stopsAtArgument && arguments.isEmpty == false) {
        arguments += rest
        return
      }
      guard word.count > 1, word.hasPrefix("-") else {
        arguments.append(word)
        if stopsAtArgument {
          arguments += rest
          return
        }
        continue
      }
      let text = word.drop { $0 == "-" }
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = parts.first, let known = specifications.first(where: { $0.names.contains(String(name)) }) else {
        guard !arguments.isEmpty else {
          throw EtcdctlUsageError(message: "flag provided but not defined: -\(parts.first ?? "")")
        }
        arguments.append(word)
        continue
      }
      if parts.count > 1 {
        values[known.names[0]] = String(parts[1])
      } else if !known.takesValue {
        values[known.names[0]] = "true"
      } else if let value = rest.popFirst() {
        values[known.names[0]] = value
      } else {
        throw EtcdctlUsageError(message: "flag needs an argument: -\(name)")
      }
    }
  }

  /// The value of a flag by its first name; the last one given counts.
  subscript(name: String) -> String? { values[name] }

  /// Whether a flag without value is given.
  func isSet(_ name: String) throws(EtcdctlUsageError) -> Bool {
    switch values[name] {
    case nil, "false", "0", "f", "F", "FALSE", "False": return false
    case "true", "1", "t", "T", "TRUE", "True": return true
    case let other?: throw EtcdctlUsageError(message: "invalid boolean value \"\(other)\" for -\(name)")
    }
  }

  /// A whole number; 0 when the flag is not given.
  func number(_ name: String) throws(EtcdctlUsageError) -> UInt64 {
    guard let text = values[name] else { return 0 }
    guard let number = UInt64(text) else {
      throw EtcdctlUsageError(message: "invalid value \"\(text)\" for flag -\(name): it must be a whole number")
    }
    return number
  }
}
