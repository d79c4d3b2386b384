// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The files of this machine, or of a tree that looks like one.
public struct MachineFiles: Sendable {
  /// What stands before every path; empty for this machine.
  public var root: String

  /// Names a tree.
  public init(root: String = "") {
    self.root = root
  }

  /// Reads a file; nil when there is none.
  ///
  /// - Throws: What keeps it from being read, also when it is longer than the limit.
  func read(_ path: String, limitBytes: Int) async throws -> [UInt8]? {
    let path = root + path
    return try await OwnThread.run {
      do throws(DurableFile.Failure) {
        return try DurableFile.read(path, limitBytes: limitBytes)
      } catch  where error.number == ENOTDIR {
        return nil
      }
    }
  }

  /// A short text without blanks around it; nil when it is not there, may not be read, or is empty.
  func line(_ path: String) async -> String? {
    guard let bytes = try? await read(path, limitBytes: FoundUserData.metadataLimitBytes) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).trimmingBlanksAndNewlines()
    return text.isEmpty ? nil : text
  }

  /// Whether something is there.
  func contains(_ path: String) -> Bool {
    access(root + path, F_OK) == 0
  }

  /// The names in a folder, sorted; none when it cannot be read.
  func names(in folder: String) async -> [String] {
    let path = root + folder
    let names = try? await OwnThread.run { () -> [String] in
      opendir(path).map(OpenFile.names) ?? []
    }
    return names ?? []
  }
}

extension StringProtocol {
  /// Without blanks, line breaks and NULs at both ends.
  func trimmingBlanksAndNewlines() -> String {
    func isBlank(_ character: Character) -> Bool { character.isWhitespace || character == "\0" }
    guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
      return ""
    }
    return String(self[first...last])
  }
}
