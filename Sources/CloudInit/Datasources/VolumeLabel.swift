// SPDX-License-Identifier: Apache-2.0

/// The file system and the label in the first bytes of a volume.
///
/// Source: ECMA-119 §8.4 (primary volume descriptor); Microsoft's FAT specification of 2000 (boot sector); Linux
/// `fs/ext4/ext4.h` (super block, at byte 1024).
struct VolumeLabel: Equatable {
  /// The name by which the kernel mounts it.
  var fileSystem: String
  /// Without blanks at its end.
  var text: String

  /// How many bytes of a volume are looked at.
  static let headBytes = 34_816

  init(fileSystem: String, text: String) {
    self.fileSystem = fileSystem
    self.text = text
  }

  /// Looks at the first bytes; nil when they are of none of these kinds.
  init?(head: [UInt8]) {
    func text(_ range: Range<Int>) -> String {
      String(decoding: head[range].prefix { $0 != 0 }, as: UTF8.self).trimmingBlanksAndNewlines()
    }
    func holds(_ word: String, at offset: Int) -> Bool { head[offset...].starts(with: word.utf8) }
    if head.count >= 32_840, head[32_768] == 1, holds("CD001", at: 32_769) {
      self.init(fileSystem: "iso9660", text: text(32_808..<32_840))
    } else if head.count >= 2_048, head[1_080] == 0x53, head[1_081] == 0xef {
      self.init(fileSystem: "ext4", text: text(1_144..<1_160))
    } else if head.count >= 512, head[510] == 0x55, head[511] == 0xaa {
      if holds("FAT32", at: 82) {
        self.init(fileSystem: "vfat", text: text(71..<82))
      } else if holds("FAT", at: 54) {
        self.init(fileSystem: "vfat", text: text(43..<54))
      } else {
        return nil
      }
    } else {
      return nil
    }
  }
}
