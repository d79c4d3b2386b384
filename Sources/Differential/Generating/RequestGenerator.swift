// SPDX-License-Identifier: Apache-2.0
import TestKit

/// Draws requests from a seed: clean ones, odd ones, and ones that no server should take.
///
/// Keys come from a small tree, so that requests meet each other's nodes. Times to live are long here; those that run
/// out have scenes of their own.
struct RequestGenerator {
  var random: SeededGenerator
  var known = KnownKeys()

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
  }

  /// One in so many.
  mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &random)]
  }

  // MARK: Requests

  /// Any request that leaves the connection in order.
  mutating func request() -> RequestTemplate {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<36: put()
    case 36..<62: get()
    case 62..<76: delete()
    case 76..<84: post()
    case 84..<88: head()
    case 88..<95: oddPath()
    default: oddMethod()
    }
  }

  mutating func put() -> RequestTemplate {
    let key = oneIn(50) ? "/" : key()
    var parameters = writeParameters(of: key)
    if oneIn(3) { parameters.append("prevExist=\(bool())") }
    if oneIn(5) { parameters += condition(on: key) }
    if oneIn(12) { parameters.append("refresh=\(bool())") }
    return form("PUT", path(to: key), parameters)
  }

  mutating func post() -> RequestTemplate {
    let key = key()
    var parameters = writeParameters(of: key)
    if oneIn(8) { parameters += condition(on: key) }
    if oneIn(12) { parameters.append("prevExist=\(bool())") }
    if oneIn(12) { parameters.append("refresh=\(bool())") }
    return form("POST", path(to: key), parameters)
  }

  mutating func get() -> RequestTemplate {
    var parameters: [String] = []
    if oneIn(2) { parameters.append("recursive=\(bool())") }
    if oneIn(2) { parameters.append("sorted=\(bool())") }
    if oneIn(4) { parameters.append("quorum=\(bool())") }
    if oneIn(15) { parameters.append(strayParameter()) }
    let target = path(to: oneIn(12) ? "/" : key())
    return RequestTemplate("GET", target + query(parameters))
  }

  mutating func head() -> RequestTemplate {
    var request = get()
    request.method = "HEAD"
    if oneIn(6) { request.target += (request.target.contains("?") ? "&" : "?") + "wait=\(bool())" }
    return request
  }

  mutating func delete() -> RequestTemplate {
    let key = oneIn(40) ? "/" : key()
    var parameters: [String] = []
    if oneIn(3) { parameters.append("dir=\(bool())") }
    if oneIn(3) { parameters.append("recursive=\(bool())") }
    if oneIn(4) { parameters += condition(on: key) }
    if oneIn(10) { parameters.append(strayParameter()) }
    var request = RequestTemplate("DELETE", path(to: key) + query(parameters))
    if oneIn(10) {
      // A body of DELETE is never read.
      request.headers = ["Content-Type: application/x-www-form-urlencoded"]
      request.body = "recursive=true&prevValue=nothing"
    }
    return request
  }

  // MARK: Keys

  private static let elements = [
    "a", "b", "c", "d", "e", "_h", "x_y", "sp%20ace", "pl+us", "q%3Fm", "%E4%B8%AD%E6%96%87", "sl%2Fash", ".hid",
    "...", "html%3C%26%3E", "per%25cent", "semi;colon", "%00nul", "tab%09", "_",
  ]

  /// A key in the encoding of a path, sometimes one that exists.
  mutating func key() -> String {
    if oneIn(25), let inOrder = inOrderKey() { return inOrder }
    let depth = Int.random(in: 1...3, using: &random)
    // Most elements are plain, so that keys meet.
    let count = oneIn(6) ? Self.elements.count : 6
    let names = (0..<depth).map { _ in Self.elements[Int.random(in: 0..<count, using: &random)] }
    return "/t/" + names.joined(separator: "/")
  }

  /// An in-order key that was answered before.
  private mutating func inOrderKey() -> String? {
    let names = known.nodes.keys.filter { $0.hasPrefix("/t/") && $0.utf8.count < 60 }.sorted().compactMap { key in
      let parent = key.split(separator: "/").dropLast().joined(separator: "/")
      let name = key.split(separator: "/").last ?? ""
      guard name.utf8.count == 20, let index = Int64(name), parent.allSatisfy({ $0.isLetter || "/_".contains($0) }),
        parent.allSatisfy(\.isASCII)
      else { return nil as String? }
      return "/\(parent)/«q\(index)»"
    }
    return names.isEmpty ? nil : pick(names)
  }

  private mutating func path(to key: String) -> String {
    let slash = oneIn(30) ? "/" : ""
    return "/v2/keys" + (key == "/" ? (oneIn(2) ? "/" : "") : key + slash)
  }

  /// The decoded key, as answers show it.
  func decoded(_ key: String) -> String {
    let bytes = Array(key.utf8)
    var result: [UInt8] = []
    var place = 0
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: "%"), place + 2 < bytes.count,
        let byte = UInt8(String(decoding: bytes[place + 1...place + 2], as: UTF8.self), radix: 16)
      {
        result.append(byte)
        place += 3
      } else {
        result.append(bytes[place])
        place += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
