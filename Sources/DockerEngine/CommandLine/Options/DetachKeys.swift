// SPDX-License-Identifier: Apache-2.0

/// The keys that leave a container's terminal without ending it.
///
/// Shape: single letters or `ctrl-` with a letter or one of `@ [ \\ ] ^ _`, between commas.
public struct DetachKeys: Sendable, Equatable {
  /// What a user gets who chooses nothing: `ctrl-p,ctrl-q`.
  public static let standard = DetachKeys(text: "ctrl-p,ctrl-q", bytes: [16, 17])

  /// As written; the engine looks for the keys itself.
  public var text: String
  /// What the terminal sends.
  public var bytes: [UInt8]

  private init(text: String, bytes: [UInt8]) {
    self.text = text
    self.bytes = bytes
  }

  /// Understands `--detach-keys`.
  init(_ flag: FoundFlag) throws(DockerCommandLineError) {
    var bytes: [UInt8] = []
    for key in flag.value.split(separator: ",", omittingEmptySubsequences: false) {
      guard let byte = Self.byte(key) else {
        throw .badValue(flag.value, flag: "--detach-keys", expected: "keys such as ctrl-p,ctrl-q")
      }
      bytes.append(byte)
    }
    self.init(text: flag.value, bytes: bytes)
  }

  private static func byte(_ key: Substring) -> UInt8? {
    if let letter = key.utf8.first, key.utf8.count == 1 { return letter }
    guard key.hasPrefix("ctrl-"), let letter = key.utf8.last, key.utf8.count == 6 else { return nil }
    switch letter {
    case UInt8(ascii: "a")...UInt8(ascii: "z"): return letter - UInt8(ascii: "a") + 1
    case UInt8(ascii: "@"), UInt8(ascii: "[")...UInt8(ascii: "_"): return letter - UInt8(ascii: "@")
    default: return nil
    }
  }
}
