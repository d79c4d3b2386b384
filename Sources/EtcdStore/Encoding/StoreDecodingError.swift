// SPDX-License-Identifier: Apache-2.0

/// Why bytes could not be read back as a command or a snapshot.
public enum StoreDecodingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The bytes end before what they announce.
  case truncated(atByte: Int)
  /// The bytes are of another format or of a newer version of it.
  case unsupportedFormat(UInt8)
  /// The checksum does not fit the bytes: they were damaged.
  case checksumMismatch
  /// A field holds what no store writes; `field` names it.
  case malformed(field: String, atByte: Int)
  /// A field is larger than its limit.
  case tooLarge(field: String, limitBytes: Int)
  /// Bytes follow after the end of the value.
  case trailingBytes(atByte: Int)

  /// The reason in one sentence.
  public var description: String {
    switch self {
    case .truncated(let offset): "the bytes end too early, at byte \(offset)"
    case .unsupportedFormat(let version): "format \(version) is not known to this version"
    case .checksumMismatch: "the checksum does not match, the bytes are damaged"
    case .malformed(let field, let offset): "\(field) at byte \(offset) is malformed"
    case .tooLarge(let field, let limit): "\(field) is larger than \(limit) bytes"
    case .trailingBytes(let offset): "unexpected bytes follow at byte \(offset)"
    }
  }
}
