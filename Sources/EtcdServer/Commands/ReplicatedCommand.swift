// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Raft

/// What the `.command` entries of the log hold: who proposed what, and under which number.
///
/// Shape: a kind byte, the proposer and the request as 8 bytes each, little endian, then the content's own form.
struct ReplicatedCommand {
  /// The kinds of command.
  enum Content {
    /// A change of the keyspace.
    case keys(StoreCommand)
    /// What a member tells about itself when it has started.
    case attributes(MemberAttributes)
    /// A change of users, roles or their switch.
    case auth(AuthChange)
  }

  private static let keysKind: UInt8 = 1
  private static let attributesKind: UInt8 = 2
  private static let authKind: UInt8 = 3
  private static let headerBytes = 17

  var proposer: MemberID
  var request: RequestID
  var content: Content

  /// The bytes for the log.
  static func encode(_ content: Content, proposer: MemberID, request: RequestID) -> [UInt8] {
    switch content {
    case .keys(let command):
      return command.encoded(after: header(keysKind, proposer, request))
    case .attributes(let attributes):
      return header(attributesKind, proposer, request) + attributes.encoded()
    case .auth(let change):
      return header(authKind, proposer, request) + change.encoded()
    }
  }

  private static func header(_ kind: UInt8, _ proposer: MemberID, _ request: RequestID) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: headerBytes) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      raw[0] = kind
      raw.storeBytes(of: proposer.rawValue.littleEndian, toByteOffset: 1, as: UInt64.self)
      raw.storeBytes(of: request.rawValue.littleEndian, toByteOffset: 9, as: UInt64.self)
      count = headerBytes
    }
  }

  /// Reads the bytes of the log; nil for what no member of this version writes.
  init?(decoding bytes: [UInt8]) {
    guard bytes.count >= Self.headerBytes else { return nil }
    (proposer, request) = bytes.withUnsafeBytes { raw in
      (
        MemberID(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 1, as: UInt64.self))),
        RequestID(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 9, as: UInt64.self)))
      )
    }
    let body = bytes[Self.headerBytes...]
    switch bytes[0] {
    case Self.keysKind:
      guard let command = try? StoreCommand(decoding: body) else { return nil }
      content = .keys(command)
    case Self.attributesKind:
      guard let attributes = MemberAttributes(decoding: Array(body)) else { return nil }
      content = .attributes(attributes)
    case Self.authKind:
      guard let change = try? AuthChange(decoding: body) else { return nil }
      content = .auth(change)
    default:
      return nil
    }
  }
}
