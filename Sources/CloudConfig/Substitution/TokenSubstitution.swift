// SPDX-License-Identifier: Apache-2.0

/// Puts addresses in the place of the four tokens, in every text of a document and in scripts.
///
/// Comments are left alone, so a token there needs no value. Marks stay those of the source, because texts are replaced
/// after parsing.
///
/// Source: specs/cloud-config.md §6. Differs: a token without value is an error; in a script it stays, for the shell.
struct TokenSubstitution {
  private let replacement: TokenReplacement
  private let lines: [ArraySlice<Unicode.Scalar>]
  private let firstLine: Int

  /// Makes a substitution for a text with these lines, the first of which has a number.
  init(_ addresses: AddressTokens, lines: [ArraySlice<Unicode.Scalar>], firstLine: Int) {
    replacement = TokenReplacement(addresses)
    self.lines = lines
    self.firstLine = firstLine
  }

  /// Replaces the tokens in a node and all below it.
  func apply(to node: inout YAMLNode, log: inout FindingLog) {
    switch node.content {
    case .scalar(var scalar):
      guard scalar.text.utf8.contains(UInt8(ascii: "$")) else { return }
      scalar.text = replaced(scalar.text, from: node.mark, to: scalar.endLine, log: &log)
      node.content = .scalar(scalar)
    case .sequence(var items):
      for index in items.indices { apply(to: &items[index], log: &log) }
      node.content = .sequence(items)
    case .mapping(var pairs):
      for index in pairs.indices {
        let mark = pairs[index].keyMark
        pairs[index].key = replaced(pairs[index].key, from: mark, to: mark.line, log: &log)
        apply(to: &pairs[index].value, log: &log)
      }
      node.content = .mapping(pairs)
    }
  }

  /// A script with addresses.
  ///
  /// A token without value may be a variable of the script's own.
  static func script(_ part: UserDataPart, _ addresses: AddressTokens, log: inout FindingLog) -> [UInt8] {
    let result = TokenReplacement(addresses).replaced(part.bytes)
    var mark = SourceMark(line: part.firstLine, column: 1)
    var offset = 0
    for unresolved in result.unresolved {
      for byte in part.bytes[offset..<unresolved.offset] {
        // Bytes that go on with a character take no column.
        if byte == 0x0a {
          mark = SourceMark(line: mark.line + 1, column: 1)
        } else if byte & 0xc0 != 0x80 {
          mark.column += 1
        }
      }
      offset = unresolved.offset
      let token = unresolved.token
      log.warning(at: mark, "\(token.name) has no value on this machine and stays as it is; give it with \(token.flag)")
    }
    return result.bytes
  }

  private func replaced(_ text: String, from mark: SourceMark, to endLine: Int, log: inout FindingLog) -> String {
    let result = replacement.replaced(Array(text.utf8))
    var places: [String: [SourceMark]] = [:]
    var seen: [String: Int] = [:]
    for unresolved in result.unresolved {
      let token = unresolved.token
      let known = places[token.name] ?? self.places(of: token, from: mark, to: endLine)
      places[token.name] = known
      let number = seen[token.name, default: 0]
      seen[token.name] = number + 1
      log.error(
        at: number < known.count ? known[number] : mark,
        "\(token.name) has no value on this machine; give it with \(token.flag), or write the address itself"
      )
    }
    return String(decoding: result.bytes, as: UTF8.self)
  }

  /// Where a token stands in the source of a text; nowhere when the text came by an alias.
  private func places(of token: TokenReplacement.Token, from mark: SourceMark, to endLine: Int) -> [SourceMark] {
    var places: [SourceMark] = []
    for line in mark.line..<max(mark.line, endLine) + 1 where lines.indices.contains(line - firstLine) {
      let source = lines[line - firstLine]
      let skipped = line == mark.line ? mark.column - 1 : 0
      let text = String(String.UnicodeScalarView(source.dropFirst(skipped)))
      let bytes = Array(text.utf8)
      var column = skipped + 1
      var counted = 0
      for offset in replacement.offsets(of: token, in: bytes) {
        column += bytes[counted..<offset].count { $0 & 0xc0 != 0x80 }
        counted = offset
        places.append(SourceMark(line: line, column: column))
      }
    }
    return places
  }
}
