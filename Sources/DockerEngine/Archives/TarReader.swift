// SPDX-License-Identifier: Apache-2.0

/// Takes a tar archive apart as it comes.
struct TarReader {
  /// What the archive brings next.
  enum Event: Equatable {
    case entry(TarEntry)
    /// Bytes of the last file.
    case contents([UInt8])
    case entryEnded
  }

  /// The longest records or name that stand before an entry.
  static let recordLimitBytes = 1024 * 1024

  private enum Phase {
    case header
    case contents(left: Int64, padding: Int)
    /// Pax records, or a GNU long name of this type.
    case records(UInt8, left: Int64, padding: Int)
    case padding(Int)
    case ended
  }

  private var phase = Phase.header
  private var pending: [UInt8] = []
  private var records: [UInt8] = []
  private var longName: String?
  private var longLink: String?
  private var paxSize: Int64?

  /// Takes the next bytes.
  mutating func receive(_ bytes: [UInt8]) throws(DockerEngineError) -> [Event] {
    pending += bytes
    var events: [Event] = []
    var start = 0
    while try advance(&start, &events) {}
    pending.removeFirst(start)
    return events
  }

  private mutating func advance(_ start: inout Int, _ events: inout [Event]) throws(DockerEngineError) -> Bool {
    let available = pending.count - start
    switch phase {
    case .ended:
      start = pending.count
      return false
    case .header:
      guard available >= TarEntry.blockBytes else { return false }
      let block = Array(pending[start..<start + TarEntry.blockBytes])
      start += TarEntry.blockBytes
      try header(block, &events)
      return true
    case .contents(let left, let padding):
      guard left > 0 else {
        events.append(.entryEnded)
        phase = .padding(padding)
        return true
      }
      guard available > 0 else { return false }
      let count = Int(min(left, Int64(available)))
      events.append(.contents(Array(pending[start..<start + count])))
      start += count
      phase = .contents(left: left - Int64(count), padding: padding)
      return true
    case .records(let type, let left, let padding):
      guard available >= Int(left) else { return false }
      try note(type, Array(pending[start..<start + Int(left)]))
      start += Int(left)
      phase = .padding(padding)
      return true
    case .padding(let count):
      guard available >= count else { return false }
      start += count
      phase = .header
      return true
    }
  }

  private mutating func header(_ block: [UInt8], _ events: inout [Event]) throws(DockerEngineError) {
    guard block.contains(where: { $0 != 0 }) else {
      phase = .ended
      return
    }
    let sizeBytes = paxSize ?? Self.number(block[124..<136])
    guard Self.hasRightSum(block), let sizeBytes, sizeBytes >= 0 else {
      throw DockerEngineError(.badAnswer, "read an archive: a header is damaged")
    }
    let padding = TarEntry.padding(sizeBytes)
    let type = block[156]
    if [UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K")].contains(type) {
      guard sizeBytes <= Self.recordLimitBytes else {
        throw DockerEngineError(.badAnswer, "read an archive: a record of \(sizeBytes) bytes")
      }
      phase = .records(type, left: sizeBytes, padding: padding)
      return
    }
    var name = Self.text(block[0..<100])
    let prefix = Self.text(block[345..<500])
    if Array(block[257..<263]) == Array("ustar\u{0}".utf8), !prefix.isEmpty { name = prefix + "/" + name }
    name = longName ?? name
    let link = longLink ?? Self.text(block[157..<257])
    (longName, longLink, paxSize) = (nil, nil, nil)
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    let kind: TarEntry.Kind =
      switch type {
      case UInt8(ascii: "0"), 0, UInt8(ascii: "7"): .file
      case UInt8(ascii: "1"): .hardLink(link)
      case UInt8(ascii: "2"): .symbolicLink(link)
      case UInt8(ascii: "5"): .directory
      default: .other
      }
    events.append(
      .entry(
        TarEntry(
          name: name,
          kind: kind,
          mode: UInt32(truncatingIfNeeded: Self.number(block[100..<108]) ?? 0o644) & 0o7777,
          sizeBytes: sizeBytes,
          owner: Self.number(block[108..<116]) ?? 0,
          group: Self.number(block[116..<124]) ?? 0,
          modifiedSeconds: Self.number(block[136..<148]) ?? 0
        )
      )
    )
    phase = .contents(left: sizeBytes, padding: padding)
  }

  private mutating func note(_ type: UInt8, _ bytes: [UInt8]) throws(DockerEngineError) {
    switch type {
    case UInt8(ascii: "L"): longName = Self.text(bytes[...])
    case UInt8(ascii: "K"): longLink = Self.text(bytes[...])
    case UInt8(ascii: "x"):
      var rest = bytes[...]
      while let space = rest.firstIndex(of: UInt8(ascii: " ")) {
        guard let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length > 0,
          length <= rest.count, rest.startIndex + length > space + 1
        else { throw DockerEngineError(.badAnswer, "read an archive: a record is damaged") }
        let record = String(decoding: rest[(space + 1)..<(rest.startIndex + length - 1)], as: UTF8.self)
        let (key, value) = FoundFlag(name: "", value: record).pair()
        switch key {
        case "path": longName = value
        case "linkpath": longLink = value
        case "size": paxSize = Int64(value)
        default: break
        }
        rest = rest.dropFirst(length)
      }
    default: break
    }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// An octal number, or GNU's binary one for what is larger.
  private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80 else { return nil }
      let bytes = field.dropFirst()
      guard bytes.dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
      return Int64(exactly: bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
    let digits = text(field).trimmingSpaces()
    return digits.isEmpty ? 0 : Int64(digits, radix: 8)
  }

  private static func hasRightSum(_ block: [UInt8]) -> Bool {
    var sum = 0
    for (place, byte) in block.enumerated() { sum += (148..<156).contains(place) ? 32 : Int(byte) }
    return number(block[148..<156]) == Int64(sum)
  }
}
