// SPDX-License-Identifier: Apache-2.0

/// A string as the bytes it is made of: equality, order and hash go by UTF-8, not by Unicode equivalence.
///
/// `String` itself takes two spellings of `é` as equal, which would merge two keys of etcd into one.
struct ByteString: Hashable, Comparable {
  let text: String

  init(_ text: String) {
    self.text = text
  }

  static func == (left: ByteString, right: ByteString) -> Bool {
    haveEqualBytes(left.text, right.text)
  }

  static func < (left: ByteString, right: ByteString) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    let hashed: Void? = text.utf8.withContiguousStorageIfAvailable { bytes in
      hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
    }
    if hashed == nil {
      for byte in text.utf8 { hasher.combine(byte) }
    }
  }
}

/// Whether two strings consist of the same bytes.
func haveEqualBytes(_ left: String, _ right: String) -> Bool {
  guard left.utf8.count == right.utf8.count else { return false }
  let equal = left.utf8.withContiguousStorageIfAvailable { leftBytes in
    right.utf8.withContiguousStorageIfAvailable { leftBytes.elementsEqual($0) }
  }
  // Both are contiguous for every native string; the walk serves the strings that are not.
  return (equal ?? nil) ?? left.utf8.elementsEqual(right.utf8)
}
