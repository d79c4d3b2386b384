// SPDX-License-Identifier: Apache-2.0

extension RequestGenerator {
  private static let paths = [
    "/v2/keys/t//a", "/v2/keys//t", "/v2/keys/t/./a", "/v2/keys/t/../b", "/v2/keys/t/%2e%2e/a", "/v2/keys/t/%2E/a",
    "/v2/keys/t/a/..", "/v2/keys/t/a/.", "/v2//keys/t", "//v2/keys/t", "/v2/keys/..", "/v2/keys/../..",
    "/v2/keys/t//a?value=x&ttl=5", "/v2/keys/t/%2Fa", "/v2/keys/t/a%20b//c", "/v2/keys/t/%E4%B8%AD//x", "/..",
    "/v2/keysfoo", "/v2/keys.", "/v2/key", "/v2", "/v2/", "/", "/v2/peers", "/v2/leader", "/v2/stats", "/v2/stats/",
    "/v2/stats/other", "/v2/stats/self", "/v2/stats/self/", "/v2/stats/leader", "/v2/members", "/v2/members/",
    "/v2/members/leader", "/v2/members/leader/", "/v2/members/foo", "/v2/members//", "/v2/membersx", "/v2/machines",
    "/v2/machines/", "/version", "/version/", "/health", "/health/", "/metrics/", "/debug", "/debug/",
    "/debug/pprof", "/debug/pprof/", "/debug/pprof/heap", "/config/local/log", "/config/local",
    "/v2/config/local/proxy",
    "/%76%32/keys/t", "/v2/keys%2Ft", "/v2%2Fkeys", "/V2/keys", "/v2/keys/t/a%zz", "/v2/keys/t/%", "/v2/keys/t/%4",
    "/v1/keys/t", "/v2/keys/t?sorted=true&recursive=true", "/v2/keys?recursive=true&sorted=true",
    "/v2/keys/?sorted=true", "/v2/keys/t/a?", "/v2/keys/t/a#x", "/v2/keys/t/a?x#y",
  ]

  /// A path off the beaten track.
  mutating func oddPath() -> RequestTemplate {
    let path = pick(Self.paths)
    var request = RequestTemplate(oneIn(4) ? pick(["PUT", "POST", "DELETE", "HEAD"]) : "GET", path)
    if request.method == "PUT", path.contains("config") { request.method = "GET" }
    if path.hasPrefix("/v2/members"), request.method != "GET" { return memberRequest() }
    if oneIn(5) { request.headers.append("Origin: http://page.example") }
    return request
  }

  /// A change of the members that is refused on every cluster of one.
  private mutating func memberRequest() -> RequestTemplate {
    let json = "Content-Type: application/json"
    return pick([
      RequestTemplate("DELETE", "/v2/members/1234"), RequestTemplate("DELETE", "/v2/members/foo"),
      RequestTemplate("DELETE", "/v2/members"), RequestTemplate("DELETE", "/v2/members/"),
      RequestTemplate("PUT", "/v2/members/1234", headers: [json], body: #"{"peerURLs":["http://127.0.0.1:9999"]}"#),
      RequestTemplate("PUT", "/v2/members", headers: [json], body: #"{"peerURLs":["http://127.0.0.1:9999"]}"#),
      RequestTemplate("PUT", "/v2/members/zz", headers: [json], body: #"{"peerURLs":["http://127.0.0.1:9999"]}"#),
      RequestTemplate("POST", "/v2/members", headers: [json], body: #"{"peerURLs":["http://127.0.0.1"]}"#),
      RequestTemplate("POST", "/v2/members", headers: [json], body: #"{"peerURLs":[]}"#),
      RequestTemplate("POST", "/v2/members", headers: [json], body: #"{}"#),
      RequestTemplate("POST", "/v2/members", headers: [json], body: #"{"peerURLs":["ftp://1.1.1.1:22"]}"#),
      RequestTemplate("POST", "/v2/members", headers: [json], body: #"{"peerURLs":["http://1.1.1.1:22/path"]}"#),
      RequestTemplate("POST", "/v2/members", headers: [json], body: "nope"),
      RequestTemplate("POST", "/v2/members", headers: [json]),
      RequestTemplate("POST", "/v2/members", headers: ["\(json); charset=utf-8"], body: #"{"peerURLs":[]}"#),
      RequestTemplate("POST", "/v2/members", headers: ["Content-Type: text/plain"], body: "x"),
      RequestTemplate("POST", "/v2/members", body: "x"),
    ])
  }

  /// A method that the path does not have, or that nobody has.
  mutating func oddMethod() -> RequestTemplate {
    let path = pick([
      "/v2/keys/t/a", "/v2/keys", "/v2/members", "/v2/machines", "/v2/stats/self", "/v2/stats/store", "/version",
      "/health", "/v2/stats/leader", "/config/local/log", "/nothing", "/debug/vars",
    ])
    let method = pick(["PATCH", "OPTIONS", "FOO", "TRACE", "LOCK", "OPTIONS", "PURGE"])
    var request = RequestTemplate(method, path)
    if oneIn(3) { request.headers.append("Origin: http://page.example") }
    return request
  }

  /// A watch, mostly one that can be made.
  mutating func watch() -> RequestTemplate {
    var target = key()
    if oneIn(3), let end = target.lastIndex(of: "/"), end != target.startIndex { target = String(target[..<end]) }
    var parameters = ["wait=\(pick(["true", "1", "t", "TRUE"]))"]
    if oneIn(2) { parameters.append("recursive=\(bool())") }
    if oneIn(4) { parameters.append("stream=\(bool())") }
    if oneIn(30) { parameters.append("quorum=true") }
    if oneIn(2) {
      let distance = pick([0, 0, 1, 2, 3, 4, 5, 8, 20, -1, -2, -3, 998, 999, 1_000, 1_001])
      let index = known.newest - Int64(distance)
      parameters.append("waitIndex=" + (oneIn(8) ? self.index(around: index) : index > 0 ? "«i\(index)»" : "«i1»"))
    } else if oneIn(8) {
      target = ""
    }
    return RequestTemplate("GET", "/v2/keys" + target + query(parameters))
  }

  /// Requests for a connection of their own: old versions, odd forms, and what is no request.
  mutating func edge() -> RequestTemplate {
    let key = key()
    return RequestTemplate(
      raw: pick([
        "GET /v2/keys\(key) HTTP/1.0\r\n\r\n",
        "GET /v2/keys\(key) HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
        "GET /v2/keys\(key) HTTP/1.1\r\n\r\n",
        "GET http://other:1/v2/keys\(key) HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://other HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /v2/keys\(key)%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET v2/keys HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT /v2/keys\(key)?value=n HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        "PUT /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
          + "Transfer-Encoding: chunked\r\n\r\n8\r\nvalue=c1\r\n0\r\nTrailer: x\r\n\r\n",
        "PUT /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
          + "Transfer-Encoding: chunked\r\n\r\n8;ext=1\r\nvalue=c2\r\n0\r\n\r\n",
        // Etcd carries it out, so it must be one that changes nothing: the root cannot be written.
        "PUT /v2/keys HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "PUT /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "PUT /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nvalue",
        "PUT /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        "GET /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
        "GET /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nno colon here\r\n\r\n",
        "GET /v2/keys\(key) HTTP/1.1\nHost: x\n\n",
        "\r\n\r\nGET /v2/keys\(key) HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET  /v2/keys HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/keys\r\n\r\n",
        "GET /v2/keys HTTP/3.0\r\nHost: x\r\n\r\n",
        "NONSENSE\r\n\r\n",
        "get /v2/keys\(key) HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/keys/t/ä HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/keys\(key)?recursive=true HTTP/1.1\r\nHOST: x\r\nX-Long: \(String(repeating: "x", count: 30_000))\r\n\r\n",
        "GET /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
        "GET /v2/keys\(key) HTTP/1.1\r\nHost: x\r\nExpect: something\r\n\r\n",
        "GET /v2/keys/t/\(String(repeating: "k", count: 8_000)) HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/keys/t/\(String(repeating: "k", count: 2_000)) HTTP/1.1\r\nHost: x\r\n\r\n",
      ])
    )
  }
}
