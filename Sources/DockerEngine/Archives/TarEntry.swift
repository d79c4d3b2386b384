// SPDX-License-Identifier: Apache-2.0

/// What one entry of a tar archive is, but for the bytes of a file.
///
/// Source: POSIX.1 pax interchange format; GNU tar's long names.
struct TarEntry: Equatable, Sendable {
  enum Kind: Equatable, Sendable {
    case file
    case directory
    case symbolicLink(String)
    case hardLink(String)
    /// A device or pipe, which is left out.
    case other
  }

  /// The path in the archive, without a slash at the end.
  var name: String
  var kind: Kind
  /// Permission bits.
  var mode: UInt32
  var sizeBytes: Int64 = 0
  var owner: Int64 = 0
  var group: Int64 = 0
  /// Seconds since 1970.
  var modifiedSeconds: Int64 = 0

  static let blockBytes = 512

  /// The zeros after so many bytes, to the end of their block.
  static func padding(_ sizeBytes: Int64) -> Int {
    Int((Int64(blockBytes) - sizeBytes % Int64(blockBytes)) % Int64(blockBytes))
  }

  /// The header, with one for a long name before it where that is needed.
  var header: [UInt8] {
    var records = ""
    var shortName = name
    var link = ""
    switch kind {
    case .directory: shortName += "/"
    case .symbolicLink(let target), .hardLink(let target): link = target
    case .file, .other: break
    }
    if shortName.utf8.count > 100 { records += Self.record("path", shortName) }
    if link.utf8.count > 100 { records += Self.record("linkpath", link) }
    if sizeBytes >= 1 << 33 { records += Self.record("size", String(sizeBytes)) }
    var bytes: [UInt8] = []
    if !records.isEmpty {
      let text = Array(records.utf8)
      bytes += Self.block("PaxHeaders/entry", UInt8(ascii: "x"), 0o644, Int64(text.count), 0, 0, 0, "")
      bytes += text + [UInt8](repeating: 0, count: Self.padding(Int64(text.count)))
    }
    let type: UInt8 =
      switch kind {
      case .file, .other: UInt8(ascii: "0")
      case .hardLink: UInt8(ascii: "1")
      case .symbolicLink: UInt8(ascii: "2")
      case .directory: UInt8(ascii: "5")
      }
    return bytes + Self.block(shortName, type, mode, sizeBytes, owner, group, modifiedSeconds, link)
  }

  /// `LENGTH key=value` with a newline, where the length counts itself.
  private static func record(_ key: String, _ value: String) -> String {
    let rest = " \(key)=\(value)\n"
    var length = rest.utf8.count
    while String(length).utf8.count + rest.utf8.count != length { length = String(length).utf8.count + rest.utf8.count }
    return String(length) + rest
  }

  private static func block(
    _ name: String,
    _ type: UInt8,
    _ mode: UInt32,
    _ sizeBytes: Int64,
    _ owner: Int64,
    _ group: Int64,
    _ modifiedSeconds: Int64,
    _ link: String
  ) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: blockBytes)
    func put(_ bytes: some Collection<UInt8>, _ place: Int, _ limit: Int) {
      for (offset, byte) in bytes.prefix(limit).enumerated() { block[place + offset] = byte }
    }
    func put(_ number: Int64, _ place: Int, _ width: Int) {
      // A number that has no room is in a record before, or of no consequence.
      let digits = String(max(0, number) & (1 << Int64(3 * (width - 1)) - 1), radix: 8)
      put((String(repeating: "0", count: width - 1 - digits.count) + digits).utf8, place, width - 1)
    }
    put(name.utf8, 0, 100)
    put(Int64(mode & 0o7777), 100, 8)
    put(owner, 108, 8)
    put(group, 116, 8)
    put(sizeBytes, 124, 12)
    put(modifiedSeconds, 136, 12)
    put([UInt8](repeating: UInt8(ascii: " "), count: 8), 148, 8)
    block[156] = type
    put(link.utf8, 157, 100)
    put("ustar\u{0}00".utf8, 257, 8)
    let sum = block.reduce(0) { $0 + Int($1) }
    let digits = String(sum, radix: 8)
    put((String(repeating: "0", count: 6 - digits.count) + digits + "\u{0} ").utf8, 148, 8)
    return block
  }
}
