// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import TestKit

/// Sends the same requests to coracle and to etcd, one after the other, and compares the answers.
public final class Lockstep {
  private struct Pair {
    var coracle: RawConnection
    var etcd: RawConnection
  }

  let pair: ServerPair
  var generator: RequestGenerator
  var facts: (coracle: ServerFacts, etcd: ServerFacts)
  var report: DifferentialReport
  /// Directories that were updated; see ``DifferenceRule``.
  var updatedDirectories: Set<String> = []
  /// Writes that one server may count otherwise than the other; see ``compare(_:with:)``.
  var unevenWrites: Int64 = 0
  /// Keys whose TTL etcd's arithmetic may have turned into the past.
  var hugeTTLCount: Int64 = 0
  private var connections: Pair?

  /// Prepares a run against a pair that has just been started.
  ///
  /// - Throws: When a server does not answer.
  public init(_ pair: ServerPair, seed: UInt64) throws {
    self.pair = pair
    generator = RequestGenerator(seed: seed)
    report = DifferentialReport(seed: seed)
    facts = try pair.facts()
    facts.etcd.indexOffset = try measuredOffset()
  }

  /// Runs until this many requests were sent to each server.
  ///
  /// - Throws: When a server cannot be connected to any more.
  public func run(count: Int) throws -> DifferentialReport {
    let statistics = try statistics()
    while report.requestCount < count {
      switch Int.random(in: 0..<1_000, using: &generator.random) {
      case 0..<50: try watchScene()
      case 50..<62: try edgeScene()
      case 62..<72: try pipelineScene()
      case 72: try expiryScene()
      case 73: try hugeTTLScene()
      case 74, 75: try foreignTextScene()
      default: try exchange(generator.request())
      }
    }
    _ = try wait {
      let now = try self.statistics()
      return now.coracle["watchers"] == 0 && now.etcd["watchers"] == 0
    }
    try compare(statistics, with: self.statistics())
    return report
  }

  // MARK: Steps

  /// Sends a request on the kept connections and compares the answers.
  @discardableResult
  func exchange(_ request: RequestTemplate) throws -> Exchange {
    var connections = try self.connections ?? connect()
    let isHead = request.method == "HEAD"
    connections.coracle.send(request.rendered(offset: 0))
    let ours = connections.coracle.answer(isHead: isHead)
    connections.etcd.send(request.rendered(offset: facts.etcd.indexOffset))
    let theirs = connections.etcd.answer(isHead: isHead)
    if connections.coracle.isClosed || connections.etcd.isClosed || ours["connection"] == "close"
      || theirs["connection"] == "close" || ours.status == 0 || theirs.status == 0
    {
      connections = try connect()
    }
    self.connections = connections
    return judge(request, ours, theirs)
  }

  private func connect() throws -> Pair {
    Pair(
      coracle: try RawConnection(host: pair.coracle.host, port: ServerPair.clientPort),
      etcd: try RawConnection(host: pair.etcd.host, port: ServerPair.clientPort)
    )
  }

  /// Compares two answers, and keeps what they tell.
  @discardableResult
  func judge(_ request: RequestTemplate, _ ours: RawAnswer, _ theirs: RawAnswer) -> Exchange {
    report.requestCount += 1
    var exchange = Exchange(request, coracle: ours, etcd: theirs, facts: facts)
    exchange.updatedDirectories = updatedDirectories
    generator.known.learn(ours)
    learnDirectories(exchange)
    countUneven(exchange)
    if exchange.agrees { return exchange }
    if let rule = exchange.rule {
      report.explain(rule.name)
    } else {
      report.add("#\(report.requestCount) \(exchange.report)")
    }
    return exchange
  }

  /// Notes updates of directories, and forgets directories that are gone.
  private func learnDirectories(_ exchange: Exchange) {
    guard exchange.raw.coracle.status < 300, let event = exchange.mapped.coracle.json else { return }
    let target = RequestTemplate.replacingMarks(exchange.request.target, offset: 0)
    // With noValueOnSuccess the answer does not tell what was updated; a file in the set does no harm.
    guard let key = event["node"]?["key"]?.string ?? RequestTarget(target)?.key else { return }
    switch event["action"]?.string {
    case "update" where event["node"] == nil || event["node"]?["dir"]?.bool == true: updatedDirectories.insert(key)
    case "delete", "expire", "compareAndDelete":
      updatedDirectories = updatedDirectories.filter { $0 != key && !$0.hasPrefix(key + "/") }
    default: break
    }
  }

  /// How far etcd's index is ahead, after a write on both.
  func measuredOffset() throws -> Int64 {
    func index(of host: String) throws -> Int64 {
      let connection = try RawConnection(host: host, port: ServerPair.clientPort)
      connection.send(RequestTemplate("PUT", "/v2/keys/align?value=x").rendered(offset: 0))
      return connection.answer(isHead: false)["x-etcd-index"].flatMap { Int64($0) } ?? 0
    }
    let ours = try index(of: pair.coracle.host)
    return try index(of: pair.etcd.host) - ours
  }

  /// Asks both outside of the count, for instance until something has happened on both.
  func ask(_ target: String) throws -> (coracle: RawAnswer, etcd: RawAnswer) {
    func answer(of host: String) throws -> RawAnswer {
      let connection = try RawConnection(host: host, port: ServerPair.clientPort)
      connection.send(RequestTemplate("GET", target).rendered(offset: 0))
      return connection.answer(isHead: false)
    }
    return (try answer(of: pair.coracle.host), try answer(of: pair.etcd.host))
  }

  // MARK: Statistics

  private func statistics() throws -> (coracle: [String: Int64], etcd: [String: Int64]) {
    func counters(_ answer: RawAnswer) throws -> [String: Int64] {
      let fields = try JSONValue.parse(answer.body).object ?? []
      return Dictionary(fields.map { ($0.name, $0.value.int64 ?? 0) }) { $1 }
    }
    let answers = try ask("/v2/stats/store")
    return (try counters(answers.coracle), try counters(answers.etcd))
  }

  private func compare(
    _ before: (coracle: [String: Int64], etcd: [String: Int64]),
    with after: (coracle: [String: Int64], etcd: [String: Int64])
  ) {
    for name in after.etcd.keys.sorted() {
      let ours = (after.coracle[name] ?? 0) - (before.coracle[name] ?? 0)
      let theirs = (after.etcd[name] ?? 0) - (before.etcd[name] ?? 0)
      if ours == theirs { continue }
      // Etcd counts its own look-ups as gets, and refusals of the root and of conditional deletes as successes.
      if name.hasPrefix("gets") {
        report.explain("statistics: etcd's own look-ups")
      } else if name == "expireCount", 0...hugeTTLCount ~= theirs - ours {
        report.explain("statistics: huge TTLs that run out at once in etcd")
      } else if name != "watchers", name != "expireCount", abs(ours - theirs) <= unevenWrites {
        report.explain("statistics: refusals that etcd counts as successes")
      } else {
        report.add("/v2/stats/store \(name) grew by \(ours) in coracle and by \(theirs) in etcd")
      }
    }
  }

  /// Counts writes that the statistics need not agree on.
  private func countUneven(_ exchange: Exchange) {
    let code = exchange.mapped.coracle.json?["errorCode"]?.int
    let isConditionalDelete = exchange.request.method == "DELETE" && exchange.request.target.contains("prev")
    let isRootRefused = exchange.errorCodes.contains(107)
    if isRootRefused || code != nil && isConditionalDelete { unevenWrites += 1 }
  }
}
