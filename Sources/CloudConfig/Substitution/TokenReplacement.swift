// SPDX-License-Identifier: Apache-2.0

/// Puts addresses in the place of the four tokens in one text.
///
/// `\$private_ipv4` becomes the bare token; `${private_ipv4}` and any other `$name` stay. There is no end of a word:
/// `$private_ipv4s` is a token and an `s`.
///
/// Source: specs/cloud-config.md §6. Differs: two tokens that touch are both replaced; a token without value stays.
struct TokenReplacement {
  /// One of the four.
  struct Token {
    let name: String
    let bytes: [UInt8]
    let value: [UInt8]?

    init(_ name: String, _ value: String?) {
      self.name = name
      bytes = Array(name.utf8)
      self.value = value.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
    }

    /// The flag of the node that gives the value.
    var flag: String { name.hasPrefix("$public") ? "--public-ip" : "--private-ip" }
  }

  let tokens: [Token]

  init(_ addresses: AddressTokens) {
    tokens = AddressTokens.fields.map { Token("$\($0.name)", addresses[keyPath: $0.value]) }
  }

  /// A token that has no value, and the place of its first byte in the text.
  struct Unresolved {
    var token: Token
    var offset: Int
  }

  /// The text with addresses, and the tokens without one in their order.
  func replaced(_ source: [UInt8]) -> (bytes: [UInt8], unresolved: [Unresolved]) {
    guard source.contains(UInt8(ascii: "$")) else { return (source, []) }
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var unresolved: [Unresolved] = []
    var index = 0
    while index < source.count {
      guard let token = token(in: source, at: index) else {
        result.append(source[index])
        index += 1
        continue
      }
      if index > 0, source[index - 1] == UInt8(ascii: "\\") {
        result.removeLast()
        result += token.bytes
      } else {
        if token.value == nil { unresolved.append(Unresolved(token: token, offset: index)) }
        result += token.value ?? token.bytes
      }
      index += token.bytes.count
    }
    return (result, unresolved)
  }

  /// The token that stands at a place.
  func token(in source: [UInt8], at index: Int) -> Token? {
    guard source[index] == UInt8(ascii: "$") else { return nil }
    return tokens.first { source[index...].starts(with: $0.bytes) }
  }

  /// The places, as offsets, where a token stands that is not kept by a backslash.
  func offsets(of token: Token, in source: [UInt8]) -> [Int] {
    source.indices.filter { index in
      source[index] == UInt8(ascii: "$") && source[index...].starts(with: token.bytes)
        && (index == 0 || source[index - 1] != UInt8(ascii: "\\"))
    }
  }
}
