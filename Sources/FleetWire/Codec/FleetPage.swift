// SPDX-License-Identifier: Apache-2.0
public import EtcdWire

/// Pages of fleet's listings, cut with its page tokens.
///
/// A token is the URL-safe base64 of four bytes: limit and 1-based page as little-endian 16-bit numbers.
/// Source: specs/fleet.md §2.3.
public struct FleetPage: Sendable, Equatable {
  /// How many entries a page holds.
  public let limit: Int
  /// Which page, counted from 1.
  public let number: Int

  /// The page size of fleet.
  public static let defaultLimit = 100

  /// Reads the page a request asks for.
  ///
  /// - Parameters:
  ///   - tokens: The values of every `nextPageToken` of the query; none means the first page.
  ///   - limit: The server's page size, 1 to 65535.
  /// - Throws: ``FleetAPIError/badRequest(_:)`` with fleet's texts.
  public init(tokens: [String], limit: Int = FleetPage.defaultLimit) throws(FleetAPIError) {
    precondition((1...Int(UInt16.max)).contains(limit), "page limit \(limit) is out of range")
    self.limit = limit
    guard tokens.count < 2 else { throw .badRequest("too many values for page token") }
    guard let token = tokens.first else {
      number = 1
      return
    }
    let bytes = try Self.decode(token)
    guard bytes.count >= 4 else { throw .badRequest(bytes.isEmpty ? "EOF" : "unexpected EOF") }
    let tokenLimit = Int(bytes[0]) | Int(bytes[1]) << 8
    guard tokenLimit == limit else { throw .badRequest("token limit must be \(limit)") }
    number = Int(bytes[2]) | Int(bytes[3]) << 8
    guard number > 0 else { throw .badRequest("token page must be greater than zero") }
  }

  /// Cuts the page out of a whole listing.
  ///
  /// - Returns: The entries, empty past the end, and the token of the next page when there is one.
  public func cut<Entry>(_ entries: [Entry]) -> (entries: ArraySlice<Entry>, nextPageToken: String?) {
    let start = min((number - 1) * limit, entries.count)
    let end = min(start + limit, entries.count)
    let hasNext = end < entries.count && number < Int(UInt16.max)
    return (entries[start..<end], hasNext ? Self.token(limit: limit, number: number + 1) : nil)
  }

  /// The body of a listing's page: `{"machines":[…],"nextPageToken":"…"}`, `{}` when it is empty.
  ///
  /// - Parameters:
  ///   - name: The field that holds the entries.
  ///   - entries: The whole listing.
  ///   - encode: Makes JSON of the entries that are on the page.
  /// - Returns: The body.
  public func json<Entry>(_ name: String, _ entries: [Entry], _ encode: (Entry) -> JSONValue) -> JSONValue {
    let page = cut(entries)
    var fields = FleetFields()
    fields.add(name, page.entries.map(encode))
    fields.add("nextPageToken", page.nextPageToken)
    return fields.json
  }

  /// The token of a page.
  public static func token(limit: Int, number: Int) -> String {
    let bytes = [limit & 0xFF, limit >> 8 & 0xFF, number & 0xFF, number >> 8 & 0xFF]
    // Four bytes are six digits and two signs of padding.
    let digits = [
      bytes[0] >> 2, (bytes[0] & 3) << 4 | bytes[1] >> 4, (bytes[1] & 15) << 2 | bytes[2] >> 6, bytes[2] & 63,
      bytes[3] >> 2, (bytes[3] & 3) << 4,
    ]
    return String(decoding: digits.map { alphabet[$0] }, as: UTF8.self) + "=="
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  private static func decode(_ token: String) throws(FleetAPIError) -> [UInt8] {
    var bytes: [UInt8] = []
    var bits = 0
    var bitCount = 0
    let characters = Array(token.utf8)
    let padding = characters.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    for (position, character) in characters.dropLast(padding).enumerated() {
      guard let digit = alphabet.firstIndex(of: character) else {
        throw .badRequest("illegal base64 data at input byte \(position)")
      }
      bits = bits << 6 & 0xFFFF | digit
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(bits >> bitCount & 0xFF))
      }
    }
    guard characters.count.isMultiple(of: 4), padding < 3 else {
      throw .badRequest("illegal base64 data at input byte \(characters.count)")
    }
    return bytes
  }
}
