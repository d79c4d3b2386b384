// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Glibc

// Scenes: what takes more than one request on one connection.
extension Lockstep {
  // MARK: HTTP

  /// A request that is none, or an odd one, on a connection of its own.
  func edgeScene() throws {
    let request = generator.edge()
    let isHead = request.method == "HEAD"
    func answer(of host: String, offset: Int64) throws -> RawAnswer {
      let connection = try RawConnection(host: host, port: ServerPair.clientPort)
      connection.send(request.rendered(offset: offset))
      return connection.answer(isHead: isHead, within: .seconds(3))
    }
    let ours = try answer(of: pair.coracle.host, offset: 0)
    judge(request, ours, try answer(of: pair.etcd.host, offset: facts.etcd.indexOffset))
  }

  /// Several requests in one piece.
  func pipelineScene() throws {
    let requests = (0..<Int.random(in: 2...5, using: &generator.random)).map { _ in generator.request() }
      .filter { !$0.isBeyondParser && $0.framing != .expectContinue }
    // Those left out end the connection on one of the servers, and with it the requests behind them.
    func answers(of host: String, offset: Int64) throws -> [RawAnswer] {
      let connection = try RawConnection(host: host, port: ServerPair.clientPort)
      connection.send(requests.flatMap { $0.rendered(offset: offset) })
      return requests.map { connection.answer(isHead: $0.method == "HEAD") }
    }
    let ours = try answers(of: pair.coracle.host, offset: 0)
    let theirs = try answers(of: pair.etcd.host, offset: facts.etcd.indexOffset)
    for (place, request) in requests.enumerated() { judge(request, ours[place], theirs[place]) }
  }

  // MARK: Watches

  /// Watches from now on, from the past and from the future, and writes that some of them see.
  func watchScene() throws {
    let watches = try (0..<Int.random(in: 1...3, using: &generator.random)).map { _ in
      try WatchedPair(generator.watch(), self)
    }
    for _ in 0..<Int.random(in: 0...5, using: &generator.random) {
      let write = generator.oneIn(3) ? generator.delete() : generator.oneIn(5) ? generator.post() : generator.put()
      try exchange(write)
    }
    for watch in watches { watch.settle(self) }
  }

  // MARK: Time

  /// Keys that run out, with watchers on them, on their directory, and some that are saved in time.
  ///
  /// What runs out soon must not do so before the last write on either server, since the order would differ; the key
  /// without any time is therefore the last.
  func expiryScene() throws {
    let root = "/x\(report.requestCount)"
    let start = generator.known.newest + 1
    let watches = try [
      "/v2/keys\(root)?wait=true&recursive=true&stream=true", "/v2/keys\(root)/a?wait=true",
      "/v2/keys\(root)/d/child?wait=true", "/v2/keys\(root)?wait=true",
    ].map { try WatchedPair(RequestTemplate("GET", $0), self) }
    func put(_ target: String, _ body: String) throws {
      var request = RequestTemplate("PUT", "/v2/keys\(root)\(target)", body: body)
      request.headers = ["Content-Type: application/x-www-form-urlencoded"]
      try exchange(request)
    }
    try put("/a", "value=1&ttl=4")
    try put("/d", "dir=true&ttl=4")
    try put("/d/child", "value=2")
    try put("/saved", "value=3&ttl=60")
    try put("/saved", "refresh=true&ttl=500&prevExist=true")
    try put("/made-permanent", "value=4&ttl=60")
    try put("/made-permanent", "value=5")
    try put("/_hidden", "value=6&ttl=4")
    try put("/zero", "value=0&ttl=0")
    let isOver = try wait {
      let answers = try ask("/v2/keys\(root)")
      let texts = [answers.coracle.text, answers.etcd.text]
      guard texts.allSatisfy({ !$0.contains("\(root)/a") && !$0.contains("\(root)/d") }) else { return false }
      let hidden = try ask("/v2/keys\(root)/_hidden")
      return hidden.coracle.status == 404 && hidden.etcd.status == 404
    }
    if !isOver { report.add("keys below \(root) did not run out on both") }
    for target in ["", "?recursive=true&sorted=true", "/a", "/d/child", "/zero"] {
      try exchange(RequestTemplate("GET", "/v2/keys\(root)\(target)"))
    }
    for watch in watches { watch.settle(self) }
    // The history tells the same.
    for offset in 0..<14 {
      let target = "/v2/keys\(root)?wait=true&recursive=true&waitIndex=«i\(start + Int64(offset))»"
      let pair = try WatchedPair(RequestTemplate("GET", target), self)
      pair.settle(self)
    }
    try exchange(RequestTemplate("DELETE", "/v2/keys\(root)?recursive=true"))
  }

  /// Times to live beyond what a clock can tell: etcd's overflow, ours mean "for good".
  func hugeTTLScene() throws {
    let key = "/v2/keys/huge\(report.requestCount)"
    let ttl = generator.pick(["18446744073709551615", "9223372036854775807", "99999999999999", "9300000000"])
    report.requestCount += 1
    let answers = try ask("/version")
    guard answers.coracle.status == 200 else { return }
    for host in [pair.coracle.host, pair.etcd.host] {
      let connection = try RawConnection(host: host, port: ServerPair.clientPort)
      connection.send(RequestTemplate("PUT", "\(key)?value=x&ttl=\(ttl)").rendered(offset: 0))
      let answer = connection.answer(isHead: false)
      if answer.status != 201 { report.add("PUT \(key) ttl=\(ttl) is answered with \(answer.status) by \(host)") }
      if host == pair.coracle.host, answer.text.contains("expiration") {
        report.add("PUT \(key) ttl=\(ttl) is not permanent: \(answer.text)")
      }
    }
    report.explain("TTL that ends after the year 2262")
    unevenWrites += 2
    hugeTTLCount += 1
    // Etcd's may have run out at once, which took an index; so both are taken away, and the distance is made good.
    poll(nil, 0, 700)
    for host in [pair.coracle.host, pair.etcd.host] {
      let connection = try RawConnection(host: host, port: ServerPair.clientPort)
      connection.send(RequestTemplate("DELETE", key).rendered(offset: 0))
      _ = connection.answer(isHead: false)
    }
    try keepAlignment()
  }

  /// Lets the server that is behind take indexes until the distance is what it was.
  private func keepAlignment() throws {
    let distance = facts.etcd.indexOffset
    for _ in 0..<10 {
      let measured = try measuredOffset()
      if measured == distance { return }
      unevenWrites += 1
      let host = measured > distance ? pair.coracle.host : pair.etcd.host
      let connection = try RawConnection(host: host, port: ServerPair.clientPort)
      connection.send(RequestTemplate("PUT", "/v2/keys/align?value=filler").rendered(offset: 0))
      _ = connection.answer(isHead: false)
    }
    report.add("the distance of the indexes cannot be kept: \(distance), now \(try measuredOffset())")
  }

  // MARK: Texts

  /// Bytes that are not UTF-8: stored as they are by etcd, repaired by coracle; shown alike.
  func foreignTextScene() throws {
    let key = "/v2/keys/bytes/\(report.requestCount)%ff%fe"
    try exchange(RequestTemplate("PUT", "\(key)?value=%ff%00x%c3"))
    try exchange(RequestTemplate("GET", key))
    try exchange(RequestTemplate("DELETE", key))
  }

  /// Waits for what needs time; false after ten seconds.
  func wait(_ condition: () throws -> Bool) throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
      if try condition() { return true }
      poll(nil, 0, 20)
    }
    return false
  }
}
