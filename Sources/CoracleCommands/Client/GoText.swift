// SPDX-License-Identifier: Apache-2.0

extension Bool {
  /// Reads a truth as Go's `strconv.ParseBool` does; nil for other words.
  init?(goText text: String) {
    switch text {
    case "true", "1", "t", "T", "TRUE", "True": self = true
    case "false", "0", "f", "F", "FALSE", "False": self = false
    default: return nil
    }
  }
}
