// SPDX-License-Identifier: Apache-2.0

/// The users and roles in a snapshot: a format byte, the switch, the users and the roles in the order of their names.
///
/// Equal states have equal bytes.
extension AuthState {
  private static let format: UInt8 = 1

  /// The state as bytes.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Self.format)
    writer.write(isEnabled ? 1 : 0)
    writer.write(variable: UInt64(users.count))
    for (_, user) in users.sorted(by: { $0.key < $1.key }) {
      writer.write(user.name)
      writer.write(hash: user.passwordHash)
      writer.write(texts: user.roles)
    }
    writer.write(variable: UInt64(roles.count))
    for (_, role) in roles.sorted(by: { $0.key < $1.key }) { writer.write(role) }
    return writer.bytes
  }

  /// A hash of the state, equal on every member that stands at the same index.
  public var stateHash: UInt64 { ContentHash.of(encoded()) }

  /// Reads a state back.
  ///
  /// - Parameter bytes: What ``encoded()`` gave; anything else is refused without harm.
  /// - Throws: ``StoreDecodingError``.
  public init(decoding bytes: some Sequence<UInt8>) throws(StoreDecodingError) {
    self.init()
    var reader = ByteReader(ArraySlice(bytes))
    let format = try reader.readByte()
    guard format == Self.format else { throw .unsupportedFormat(format) }
    switch try reader.readByte() {
    case 0: isEnabled = false
    case 1: isEnabled = true
    default: throw .malformed(field: "switch", atByte: reader.offset - 1)
    }
    for _ in 0..<(try reader.readVariable("user count")) {
      let name = try reader.readAuthText()
      let hash = try reader.readHash() ?? []
      users[ByteString(name)] = AuthUser(name: name, passwordHash: hash, roles: try reader.readTexts())
    }
    for _ in 0..<(try reader.readVariable("role count")) {
      let role = try reader.readRole()
      roles[ByteString(role.name)] = role
    }
    try reader.expectEnd()
  }
}
