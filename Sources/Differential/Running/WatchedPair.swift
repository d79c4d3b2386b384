// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// The same watch on both servers.
final class WatchedPair {
  /// One server's side.
  private struct Side {
    let connection: RawConnection
    var head = RawAnswer()
    var events: [UInt8] = []
    /// Whether more may come.
    var isOpen = false

    /// Opens a watch and reads the head of its answer; an answer that is no stream is read whole.
    init(_ host: String, _ request: [UInt8]) throws {
      connection = try RawConnection(host: host, port: ServerPair.clientPort)
      connection.send(request)
      guard let head = connection.head(within: .seconds(10)) else { return }
      self.head = head
      isOpen = head["transfer-encoding"] == "chunked"
      if !isOpen { self.head = connection.whole(head, by: .now + .seconds(5)) }
    }

    /// Takes what comes in a moment; false when nothing did.
    mutating func advance() -> Bool {
      guard isOpen else { return false }
      switch connection.chunk(within: .milliseconds(2)) {
      case .data(let data):
        events += data
        return true
      case .end, .broken:
        isOpen = false
        return true
      case .silence: return false
      }
    }

    var lineCount: Int { events.count { $0 == 10 } }
  }

  private let request: RequestTemplate
  private var coracle: Side
  private var etcd: Side

  init(_ request: RequestTemplate, _ lockstep: Lockstep) throws {
    self.request = request
    coracle = try Side(lockstep.pair.coracle.host, request.rendered(offset: 0))
    etcd = try Side(lockstep.pair.etcd.host, request.rendered(offset: lockstep.facts.etcd.indexOffset))
  }

  /// Waits until both have brought the same and are quiet, or one has had its time, and compares them.
  func settle(_ lockstep: Lockstep) {
    let deadline = ContinuousClock.now + .milliseconds(700)
    var quietTurns = 0
    while quietTurns < 2 || coracle.lineCount != etcd.lineCount || coracle.isOpen != etcd.isOpen {
      let hasNews = [coracle.advance(), etcd.advance()].contains(true)
      quietTurns = hasNews ? 0 : quietTurns + 1
      if !coracle.isOpen && !etcd.isOpen { break }
      if quietTurns > 5 && ContinuousClock.now > deadline { break }
    }
    compare(lockstep)
  }

  private func compare(_ lockstep: Lockstep) {
    // Ours is a watch, which the history may answer or refuse; etcd's is a read.
    let isWatch = coracle.isOpen || coracle.lineCount > 0 || coracle.head.text.contains("\"errorCode\":401")
    if request.target.contains("quorum=true"), isWatch, !etcd.isOpen, [200, 404, 400].contains(etcd.head.status) {
      lockstep.report.requestCount += 1
      lockstep.report.explain("wait and quorum")
      return
    }
    let exchange = lockstep.judge(request, coracle.head, etcd.head)
    guard exchange.agrees, coracle.head.status == 200, !request.target.contains("quorum=true") else { return }
    let watched = WatchedEvents(
      request: request,
      events: (
        Self.mapped(coracle.events, lockstep.facts.coracle), Self.mapped(etcd.events, lockstep.facts.etcd)
      ),
      isOpen: (coracle.isOpen, etcd.isOpen),
      updatedDirectories: lockstep.updatedDirectories
    )
    if watched.agrees { return }
    if let rule = WatchRule.all.first(where: { $0.explains(watched) }) {
      lockstep.report.explain(rule.name)
    } else {
      lockstep.report.add("#\(lockstep.report.requestCount) \(watched.report)")
    }
  }

  private static func mapped(_ bytes: [UInt8], _ facts: ServerFacts) -> [JSONValue] {
    bytes.split(separator: 10).map { line in
      var answer = RawAnswer()
      answer.headers = [("content-type", "application/json")]
      answer.body = Array(line)
      let text = String(decoding: line, as: UTF8.self)
      return ComparedAnswer(answer, of: facts, isSorted: true, isHead: false).json ?? .string(text)
    }
  }
}
