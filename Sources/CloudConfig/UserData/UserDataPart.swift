// SPDX-License-Identifier: Apache-2.0

/// A piece of user-data that is of one kind.
struct UserDataPart {
  /// What is done with it.
  enum Kind: Equatable {
    case cloudConfig
    /// The name that messages call the script by.
    case script(name: String)
  }

  var kind: Kind
  /// The decoded bytes.
  var bytes: [UInt8]
  /// The number of the first line, among the lines of ``LineOrigins``.
  var firstLine: Int
}

/// What user-data may not exceed.
enum UserDataLimits {
  /// Bytes as stored.
  static let packedBytes = 1 << 20
  /// Bytes of all that is unpacked of user-data, and of a document.
  static let unpackedBytes = 16 << 20
  /// Bytes that all files of a document may have together.
  static let filesBytes = 64 << 20
  /// Parts of a multipart message.
  static let parts = 100
  /// Messages and packings inside each other.
  static let depth = 8
}
