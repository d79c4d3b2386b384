// SPDX-License-Identifier: Apache-2.0

extension RequestGenerator {
  /// Truth values as both servers read them, and what they refuse.
  mutating func bool() -> String {
    oneIn(9)
      ? pick(["", "yes", "no", "tRUE", "2", "+true", "on", "truefalse", "%74rue", "nil", "-1"])
      : pick(["true", "true", "false", "1", "0", "t", "f", "T", "F", "TRUE", "FALSE", "True", "False"])
  }

  /// Times to live that do not run out within a run, and what is no time.
  mutating func ttl() -> String {
    oneIn(6)
      ? pick([
        "", "abc", "-1", "1.5", "+100", "%20100", "18446744073709551616", "0x10", "1e3", "1_000", "１２", "100s",
      ])
      : pick(["100", "1000", "3600", "86400", "000500", "31536000", "600"])
  }

  mutating func value() -> String {
    if oneIn(30) {
      return String(repeating: pick(["x", "ab", "%20"]), count: Int.random(in: 500...3_000, using: &random))
    }
    return pick([
      "v1", "v2", "v3", "v1", "v2", "v3", "", "a+b", "a%2Bb%20c", "%E6%97%A5%E6%9C%AC", "%3Ca%3E%26%22b%22%5C%09%0Az",
      "{\"json\":[1,2]}", "%E2%80%A8%E2%80%A9", "%7F%01%1F", "=", "a=b", "%F0%9F%98%80", "'quoted'", "%25", "/path/",
    ])
  }

  /// A number in an index's place.
  mutating func index(around index: Int64) -> String {
    if oneIn(8) {
      return pick(["", "abc", "-1", "+5", "1.0", "18446744073709551616", "0x5", "%201", "1%20", "٣", "0", "00"])
    }
    let place = index + Int64(pick([0, 0, 0, 0, 1, -1, 2]))
    return place > 0 ? "«i\(place)»" : "0"
  }

  /// `prevValue` and `prevIndex`, which hold more often than not.
  mutating func condition(on key: String) -> [String] {
    let node = known.nodes[decoded(key)]
    var parameters: [String] = []
    if oneIn(2) {
      let plain = node?.value.flatMap { text in text.allSatisfy { $0.isLetter || $0.isNumber } ? text : nil }
      let right = plain.flatMap { $0.allSatisfy(\.isASCII) ? $0 : nil }
      let value = oneIn(3) ? pick(["v1", "wrong", "", "x%26y", "%5Bx%20!=%20y%5D"]) : right ?? "v2"
      parameters.append("prevValue=\(value)")
    }
    if parameters.isEmpty || oneIn(3) {
      parameters.append("prevIndex=\(index(around: node?.modifiedIndex ?? known.newest))")
    }
    return parameters
  }

  /// What PUT and POST have in common.
  mutating func writeParameters(of key: String) -> [String] {
    var parameters: [String] = []
    if !oneIn(8) { parameters.append("value=\(value())") }
    if oneIn(5) { parameters.append("ttl=\(ttl())") }
    if oneIn(6) { parameters.append("dir=\(bool())") }
    if oneIn(12) { parameters.append("noValueOnSuccess=\(bool())") }
    if oneIn(12) { parameters.append(strayParameter()) }
    return parameters
  }

  /// A parameter where it has no meaning, an unknown one, one that occurs twice, or what is no parameter.
  mutating func strayParameter() -> String {
    switch Int.random(in: 0..<16, using: &random) {
    case 0: "recursive=\(bool())"
    case 1: "sorted=\(bool())"
    case 2: "quorum=\(bool())"
    case 3: "wait=\(pick(["false", "0", "", "x"]))"
    case 4: "stream=\(bool())"
    case 5: "waitIndex=\(index(around: known.newest))"
    case 6: "ttl=\(ttl())"
    case 7: "prevExist=\(bool())"
    case 8: "refresh=\(pick(["false", "0", "", "x"]))"
    case 9: "unknown=\(value())"
    case 10: "value=\(value())"
    case 11: pick(["%zz=1", "value=%4", "a=%", "%=", "bad=%g1"])
    case 12: pick(["a;b", "value=1;ttl=5", ";"])
    case 13: pick(["", "&", "=", "=x", "&&", "dir"])
    case 14: "noValueOnSuccess=\(bool())"
    default: "prevIndex=\(index(around: known.newest))"
    }
  }

  /// The parameters behind a question mark.
  mutating func query(_ parameters: [String]) -> String {
    guard !parameters.isEmpty else { return oneIn(30) ? "?" : "" }
    return "?" + parameters.shuffled(using: &random).joined(separator: "&")
  }

  private static let form = "application/x-www-form-urlencoded"

  /// Lays parameters into query and body, mostly into a body that is a form.
  mutating func form(_ method: String, _ path: String, _ parameters: [String]) -> RequestTemplate {
    var inBody: [String] = []
    var inQuery: [String] = []
    for parameter in parameters.shuffled(using: &random) {
      if oneIn(4) { inQuery.append(parameter) } else { inBody.append(parameter) }
    }
    var request = RequestTemplate(method, path + (inQuery.isEmpty ? "" : "?" + inQuery.joined(separator: "&")))
    guard !inBody.isEmpty else { return request }
    request.body = inBody.joined(separator: "&")
    let type =
      oneIn(12)
      ? pick([
        "application/json", "application/octet-stream", "multipart/form-data; boundary=x", "text/plain", "bad type/;;",
        "", "application/x-www-form-urlencoded; charset", "application/", "/", ";", "a/b/c",
        "APPLICATION/x-www-FORM-urlencoded",
        "application/x-www-form-urlencoded;charset=\"utf-8\"", "application/x-www-form-urlencoded;a=1;a=2",
        "application/x-www-form-urlencoded;", "application/x-www-form-urlencoded , x",
      ])
      : pick([Self.form, Self.form, Self.form, "\(Self.form); charset=utf-8"])
    if !oneIn(40) { request.headers.append("Content-Type: \(type)") }
    if oneIn(10) { request.framing = .chunked }
    if oneIn(25) { request.framing = .expectContinue }
    return request
  }
}
