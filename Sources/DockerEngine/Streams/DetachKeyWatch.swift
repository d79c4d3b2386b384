// SPDX-License-Identifier: Apache-2.0

/// Looks for the keys that leave a container's terminal in what is typed.
struct DetachKeyWatch {
  private let keys: [UInt8]
  private var matched = 0

  init(_ keys: DetachKeys) {
    self.keys = keys.bytes
  }

  /// Takes what was typed.
  ///
  /// - Returns: What goes to the container, and whether the keys came; what follows them is dropped.
  mutating func receive(_ bytes: [UInt8]) -> (passed: [UInt8], isLeaving: Bool) {
    var passed: [UInt8] = []
    for byte in bytes {
      if byte != keys[matched] {
        // A beginning that was kept back and did not go on.
        passed += keys[..<matched]
        matched = 0
      }
      guard byte == keys[matched] else {
        passed.append(byte)
        continue
      }
      matched += 1
      if matched == keys.count { return (passed, true) }
    }
    return (passed, false)
  }
}
