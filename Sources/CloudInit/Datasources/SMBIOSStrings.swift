// SPDX-License-Identifier: Apache-2.0

/// The strings of one structure of SMBIOS.
///
/// Shape: type, length of the formatted part (both a byte), handle (two), the rest of that part; then strings, each ended
/// by NUL, all by another one.
/// Source: DMTF DSP0134, 6.1.3; Linux shows a structure as `/sys/firmware/dmi/entries/TYPE-N/raw`.
struct SMBIOSStrings: Equatable {
  let texts: [String]

  /// Takes a structure; one that is cut off has the strings that are there.
  init(structure bytes: [UInt8]) {
    guard bytes.count > 4, Int(bytes[1]) >= 4, Int(bytes[1]) <= bytes.count else {
      texts = []
      return
    }
    texts = bytes[Int(bytes[1])...].split(separator: 0, omittingEmptySubsequences: false)
      .prefix { !$0.isEmpty }
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// What follows `name=` in the last string that begins so.
  func value(of name: String) -> String? {
    texts.last { $0.hasPrefix("\(name)=") }.map { $0.dropFirst(name.count + 1).trimmingBlanksAndNewlines() }
      .flatMap { $0.isEmpty ? nil : $0 }
  }
}
