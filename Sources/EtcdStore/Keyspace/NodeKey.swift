// SPDX-License-Identifier: Apache-2.0

/// Rules of keys: absolute, `/`-separated, without empty elements, `.`, `..` or trailing slash; `/` is the root.
///
/// Keys are compared by their bytes, never by Unicode equivalence, so `é` in two spellings is two keys.
public enum NodeKey {
  /// The root's key.
  public static let root = "/"

  /// The longest key accepted; the original has no limit but its request line.
  public static let maximumBytes = 16_384

  /// The most elements a key may have, which bounds every walk over a tree.
  public static let maximumElements = 512

  static let slash = UInt8(ascii: "/")
  private static let dot = UInt8(ascii: ".")
  private static let underscore = UInt8(ascii: "_")

  /// Whether a key is absolute and clean already.
  public static func isClean(_ key: String) -> Bool {
    let bytes = key.utf8
    guard bytes.first == slash else { return false }
    if bytes.count == 1 { return true }
    // Looks at each element's length and whether it is made of dots only.
    var length = 0
    var onlyDots = true
    for byte in bytes.dropFirst() {
      if byte == slash {
        if length == 0 || (onlyDots && length <= 2) { return false }
        length = 0
        onlyDots = true
      } else {
        length += 1
        onlyDots = onlyDots && byte == dot
      }
    }
    return length > 0 && !(onlyDots && length <= 2)
  }

  /// Whether a text may stand between two slashes of a clean key.
  static func isElement(_ text: String) -> Bool {
    let bytes = text.utf8
    switch bytes.count {
    case 0: return false
    case 1, 2: if bytes.allSatisfy({ $0 == dot }) { return false }
    default: break
    }
    return !bytes.contains(slash)
  }

  /// The clean form of a key: rooted, with `.`, `..`, doubled and trailing slashes resolved.
  ///
  /// Source: Go's `path.Clean(path.Join("/", key))`, which the original applies to every key.
  public static func cleaned(_ key: String) -> String {
    if isClean(key) { return key }
    var elements: [Substring.UTF8View] = []
    for element in key.utf8.split(separator: slash) {
      if element.elementsEqual(".".utf8) { continue }
      if element.elementsEqual("..".utf8) {
        _ = elements.popLast()
      } else {
        elements.append(element)
      }
    }
    return "/" + elements.map { String(Substring($0)) }.joined(separator: "/")
  }

  /// Whether a clean key keeps ``maximumBytes`` and ``maximumElements``.
  public static func isWithinLimits(_ key: String) -> Bool {
    key.utf8.count <= maximumBytes && key.utf8.count(where: { $0 == slash }) <= maximumElements
  }

  /// The text after the last slash of a clean key; empty for the root.
  public static func lastElement(of key: String) -> String {
    key.utf8.lastIndex(of: slash).map { String(key[key.utf8.index(after: $0)...]) } ?? key
  }

  /// Whether the last element of a clean key starts with `_`, which leaves the node out of listings.
  public static func isHidden(_ key: String) -> Bool {
    let bytes = key.utf8
    guard let separator = bytes.lastIndex(of: slash) else { return false }
    return bytes[bytes.index(after: separator)...].first == underscore
  }

  /// The key of the directory that holds a clean key; nil for the root.
  public static func parent(of key: String) -> String? {
    guard key.utf8.count > 1, let separator = key.utf8.lastIndex(of: slash) else { return nil }
    return separator == key.startIndex ? root : String(key[..<separator])
  }

  /// The key of a child.
  public static func child(of key: String, named name: String) -> String {
    key.utf8.count == 1 ? "/" + name : key + "/" + name
  }
}
