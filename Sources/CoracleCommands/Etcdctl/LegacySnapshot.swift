// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import EtcdStore
import EtcdWire
import Units

/// The tree in a snapshot of etcd 0.4.
///
/// Shape: the store's own JSON (`{"Root":{"Path":…,"Children":{…}},…}`), alone or as the server keeps it: a line with a
/// CRC-32 in hexadecimal, then JSON whose `state` is the store's in base64.
/// Source: goraft `snapshot.go`; etcd v0.4.6 `store/node.go`.
struct LegacySnapshot {
  static let maximumBytes = 1 << 30
  private static let checksumDigits = 8

  private let root: JSONValue
  private let now: Int64

  /// Reads a snapshot.
  ///
  /// - Parameters:
  ///   - bytes: The file's content.
  ///   - nowEpochMilliseconds: The time of day.
  /// - Throws: ``CommandFailure`` when it is none, or damaged.
  init(_ bytes: [UInt8], nowEpochMilliseconds: Int64 = UnitSession.nowEpochMilliseconds()) throws(CommandFailure) {
    var document = bytes[...]
    if let end = bytes.prefix(Self.checksumDigits + 1).firstIndex(of: UInt8(ascii: "\n")), end == Self.checksumDigits,
      let checksum = UInt32(String(decoding: bytes[..<end], as: UTF8.self), radix: 16)
    {
      document = bytes[(end + 1)...]
      guard Self.crc32(document) == checksum else { throw CommandFailure("its checksum does not fit") }
    }
    var store = try Self.parse(document)
    if let state = store["state"]?.string ?? store["State"]?.string {
      guard let decoded = Base64.decode(Array(state.utf8)) else { throw CommandFailure("its state is no base64") }
      store = try Self.parse(decoded[...])
    }
    guard let root = store["Root"], root["Children"]?.object != nil else {
      throw CommandFailure("it has no tree (Root)")
    }
    self.root = root
    now = nowEpochMilliseconds
  }

  private static func parse(_ bytes: ArraySlice<UInt8>) throws(CommandFailure) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue.parse(bytes)
    } catch {
      throw CommandFailure(error.description)
    }
  }

  /// The files below a key in the order of their keys, hidden ones only when the key itself is hidden or below one.
  ///
  /// - Parameters:
  ///   - key: A clean key; one that is not there has no files.
  ///   - entering: Hears of each directory.
  /// - Returns: The files, with the seconds they have left.
  func files(below key: String, entering: (String) -> Void) -> [SnapshotImport.File] {
    var node = root
    for name in key.split(separator: "/") {
      guard let child = node["Children"]?.object?.first(where: { $0.name == name })?.value else { return [] }
      node = child
    }
    var files: [SnapshotImport.File] = []
    // Directories and files that are still to be visited, the next one last.
    var pending = [(key: key, node: node)]
    while let (key, node) = pending.popLast() {
      guard let children = node["Children"]?.object else {
        files.append(.init(key: key, value: node["Value"]?.string ?? "", ttlSeconds: ttl(of: node)))
        continue
      }
      entering(key)
      let visible = children.filter { !$0.name.hasPrefix("_") }.sorted { $0.name < $1.name }
      pending += visible.reversed().map { (NodeKey.child(of: key, named: $0.name), $0.value) }
    }
    return files
  }

  /// Seconds left; those that have run out count as one, so that they are written once more, as the original does.
  private func ttl(of node: JSONValue) -> UInt64 {
    guard let text = node["ExpireTime"]?.string, let expiration = Timestamp(rfc3339: text),
      expiration.nanosecondsSinceEpoch > Self.year2000Nanoseconds
    else { return 0 }
    let left = expiration.nanosecondsSinceEpoch / 1_000_000 - now
    return left <= 0 ? 1 : UInt64((left + 999) / 1_000)
  }

  /// Earlier expirations mean "never".
  private static let year2000Nanoseconds: Int64 = 946_684_800_000_000_000

  private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var checksum = UInt32.max
    for byte in bytes {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum & 1 == 1 ? checksum >> 1 ^ 0xEDB8_8320 : checksum >> 1 }
    }
    return ~checksum
  }
}
