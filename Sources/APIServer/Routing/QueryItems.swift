// SPDX-License-Identifier: Apache-2.0

/// The parameters of a query, in their order; a pair with a malformed escape is left out, as Go's `URL.Query` does.
struct QueryItems {
  private let items: [(name: String, value: String)]

  init(_ query: String) {
    items = query.utf8.split(separator: UInt8(ascii: "&")).compactMap { pair in
      let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(sides[0]), let value = sides.count > 1 ? Self.decoded(sides[1]) : "" else {
        return nil
      }
      return (name, value)
    }
  }

  /// The first value of a name; nil when it does not occur.
  subscript(name: String) -> String? {
    items.first { $0.name == name }?.value
  }

  /// All values of a name.
  func values(of name: String) -> [String] {
    items.filter { $0.name == name }.map(\.value)
  }

  /// Whether a switch is on: `follow`, `follow=1` or `follow=true`.
  func isOn(_ name: String) -> Bool {
    self[name].map { ["", "1", "true"].contains($0) } ?? false
  }

  private static func decoded(_ text: Substring.UTF8View) -> String? {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        let digits = rest.prefix(2)
        guard digits.count == 2, let value = UInt8(String(Substring(digits)), radix: 16) else { return nil }
        bytes.append(value)
        rest.removeFirst(2)
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
