// SPDX-License-Identifier: Apache-2.0

/// Puts addresses in the place of the four tokens, in every text of a document.
///
/// `\$private_ipv4` becomes the bare token, `${private_ipv4}` and any other `$name` stay. Comments are left alone, so a
/// token there needs no value. Marks stay those of the source, because texts are replaced after parsing.
///
/// Source: specs/cloud-config.md §6. Differs: two tokens that touch are both replaced; a token without value is an error.
struct TokenSubstitution {
  private let values: [(token: [Unicode.Scalar], value: String?)]
  private let lines: [ArraySlice<Unicode.Scalar>]

  init(_ tokens: AddressTokens, lines: [ArraySlice<Unicode.Scalar>]) {
    values = [
      ("$public_ipv4", tokens.publicIPv4), ("$private_ipv4", tokens.privateIPv4), ("$public_ipv6", tokens.publicIPv6),
      ("$private_ipv6", tokens.privateIPv6),
    ].map { (Array($0.0.unicodeScalars), $0.1) }
    self.lines = lines
  }

  /// Replaces the tokens in a node and all below it.
  func apply(to node: inout YAMLNode, log: inout FindingLog) {
    switch node.content {
    case .scalar(var scalar):
      guard scalar.text.unicodeScalars.contains("$") else { return }
      scalar.text = replaced(scalar.text, from: node.mark, to: scalar.endLine, log: &log)
      node.content = .scalar(scalar)
    case .sequence(var items):
      for index in items.indices { apply(to: &items[index], log: &log) }
      node.content = .sequence(items)
    case .mapping(var pairs):
      for index in pairs.indices {
        pairs[index].key = replaced(
          pairs[index].key,
          from: pairs[index].keyMark,
          to: pairs[index].keyMark.line,
          log: &log
        )
        apply(to: &pairs[index].value, log: &log)
      }
      node.content = .mapping(pairs)
    }
  }

  private func replaced(_ text: String, from mark: SourceMark, to endLine: Int, log: inout FindingLog) -> String {
    let source = Array(text.unicodeScalars)
    var result = String.UnicodeScalarView()
    var index = 0
    while index < source.count {
      guard source[index] == "$", let match = values.first(where: { source[index...].starts(with: $0.token) }) else {
        result.append(source[index])
        index += 1
        continue
      }
      if index > 0, source[index - 1] == "\\" {
        result.removeLast()
        result.append(contentsOf: match.token)
      } else if let value = match.value, !value.isEmpty {
        result.append(contentsOf: value.unicodeScalars)
      } else {
        let name = String(String.UnicodeScalarView(match.token))
        log.error(
          at: place(of: match.token, from: mark, to: endLine),
          "\(name) has no value on this machine; give it with \(flag(for: name)), or write the address itself"
        )
        // Left in place, so that nothing else is said about the text.
        result.append(contentsOf: match.token)
      }
      index += match.token.count
    }
    return String(result)
  }

  private func flag(for token: String) -> String {
    token.hasPrefix("$public") ? "--public-ip" : "--private-ip"
  }

  /// Where a token stands in the source of a text; the start of the text when it came by an alias.
  private func place(of token: [Unicode.Scalar], from mark: SourceMark, to endLine: Int) -> SourceMark {
    for line in mark.line..<max(mark.line, endLine) + 1 where line <= lines.count {
      let source = lines[line - 1]
      let first = line == mark.line ? mark.column - 1 : 0
      for column in source.indices.dropFirst(first) where source[column...].starts(with: token) {
        if column > source.startIndex, source[column - 1] == "\\" { continue }
        return SourceMark(line: line, column: column - source.startIndex + 1)
      }
    }
    return mark
  }
}
