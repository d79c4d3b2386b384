// SPDX-License-Identifier: Apache-2.0

/// The binary form of changes in the log: a format byte, a kind byte, the fields.
extension AuthChange {
  private static let format: UInt8 = 1

  private enum Kind: UInt8 {
    case enable = 1
    case disable, putUser, deleteUser, putRole, deleteRole
  }

  /// The change as bytes, for the log.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Self.format)
    switch self {
    case .enable: writer.write(Kind.enable.rawValue)
    case .disable: writer.write(Kind.disable.rawValue)
    case .putUser(let change):
      writer.write(Kind.putUser.rawValue)
      writer.write(change.name)
      writer.write(hash: change.passwordHash)
      writer.write(texts: change.roles)
      writer.write(texts: change.grant)
      writer.write(texts: change.revoke)
    case .deleteUser(let name):
      writer.write(Kind.deleteUser.rawValue)
      writer.write(name)
    case .putRole(let role):
      writer.write(Kind.putRole.rawValue)
      writer.write(role)
    case .deleteRole(let name):
      writer.write(Kind.deleteRole.rawValue)
      writer.write(name)
    }
    return writer.bytes
  }

  /// Reads a change back.
  ///
  /// - Parameter bytes: What ``encoded()`` gave; anything else is refused without harm.
  /// - Throws: ``StoreDecodingError``.
  public init(decoding bytes: some Sequence<UInt8>) throws(StoreDecodingError) {
    var reader = ByteReader(ArraySlice(bytes))
    let format = try reader.readByte()
    guard format == Self.format else { throw .unsupportedFormat(format) }
    guard let kind = Kind(rawValue: try reader.readByte()) else {
      throw .malformed(field: "kind of change", atByte: reader.offset - 1)
    }
    switch kind {
    case .enable: self = .enable
    case .disable: self = .disable
    case .putUser:
      self = .putUser(
        AuthUserChange(
          name: try reader.readAuthText(),
          passwordHash: try reader.readHash(),
          roles: try reader.readTexts(),
          grant: try reader.readTexts() ?? [],
          revoke: try reader.readTexts() ?? []
        )
      )
    case .deleteUser: self = .deleteUser(try reader.readAuthText())
    case .putRole: self = .putRole(try reader.readRole())
    case .deleteRole: self = .deleteRole(try reader.readAuthText())
    }
    try reader.expectEnd()
  }
}

extension ByteWriter {
  /// A list of texts, or none: the count plus one, or 0.
  mutating func write(texts: [String]?) {
    guard let texts else { return write(variable: 0) }
    write(variable: UInt64(texts.count) + 1)
    for text in texts { write(text) }
  }

  /// The hash of a password, or none: its length plus one, or 0.
  mutating func write(hash: [UInt8]?) {
    guard let hash else { return write(variable: 0) }
    write(variable: UInt64(hash.count) + 1)
    for byte in hash { write(byte) }
  }

  mutating func write(_ permissions: AuthPermissions?) {
    write(permissions == nil ? 0 : 1)
    guard let permissions else { return }
    write(texts: permissions.read)
    write(texts: permissions.write)
  }

  mutating func write(_ role: AuthRole) {
    write(role.name)
    write(role.permissions)
    write(role.grant)
    write(role.revoke)
  }
}

extension ByteReader {
  mutating func readAuthText() throws(StoreDecodingError) -> String {
    try readText("name", limitBytes: StoreLimits.valueBytes)
  }

  mutating func readTexts() throws(StoreDecodingError) -> [String]? {
    let count = try readVariable("list")
    guard count > 0 else { return nil }
    // Grows with the texts that are there: a count from damaged bytes allocates nothing.
    var texts: [String] = []
    for _ in 1..<count { texts.append(try readAuthText()) }
    return texts
  }

  mutating func readHash() throws(StoreDecodingError) -> [UInt8]? {
    let start = offset
    let length = try readVariable("password hash")
    guard length > 0 else { return nil }
    guard length <= 1_024 else { throw .malformed(field: "password hash", atByte: start) }
    var bytes: [UInt8] = []
    for _ in 1..<length { bytes.append(try readByte()) }
    return bytes
  }

  mutating func readPermissions() throws(StoreDecodingError) -> AuthPermissions? {
    switch try readByte() {
    case 0: return nil
    case 1: return AuthPermissions(read: try readTexts(), write: try readTexts())
    default: throw .malformed(field: "permissions", atByte: offset - 1)
    }
  }

  mutating func readRole() throws(StoreDecodingError) -> AuthRole {
    AuthRole(
      name: try readAuthText(),
      permissions: try readPermissions() ?? AuthPermissions(),
      grant: try readPermissions(),
      revoke: try readPermissions()
    )
  }
}
