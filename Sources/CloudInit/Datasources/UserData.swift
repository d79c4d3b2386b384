// SPDX-License-Identifier: Apache-2.0

/// User-data as a datasource gave it.
public struct UserData: Sendable, Equatable {
  /// The name that findings carry: the path as given, or `<stdin>`.
  public var name: String
  /// The bytes.
  public var bytes: [UInt8]

  /// Makes user-data.
  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}
