// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// A difference that is meant, with its reason; docs/COMPATIBILITY.md tells the same to users.
struct DifferenceRule: Sendable {
  /// A short name for summaries.
  let name: String
  /// Why coracle answers otherwise.
  let reason: String
  /// Whether it explains the whole difference between two answers.
  let explains: @Sendable (Exchange) -> Bool

  /// The rules, in the order in which they are tried; the first that explains a difference counts.
  static let all: [DifferenceRule] = [
    DifferenceRule(
      name: "modifiedIndex of an updated directory",
      reason: "etcd answers an update of a directory with an index that it does not keep (specs §23)"
    ) { exchange in
      guard !exchange.updatedDirectories.isEmpty else { return false }
      let directories = exchange.updatedDirectories
      return exchange.agrees { $0.forgettingIndexes(of: directories) }
    },
    DifferenceRule(
      name: "conditional delete of the root",
      reason: "every write of the root is refused with 107; etcd answers 102 without a cause (specs §23)"
    ) { exchange in
      exchange.request.method == "DELETE" && exchange.errorCodes == [107, 102]
    },
    DifferenceRule(
      name: "text that is not UTF-8",
      reason: "it is repaired on arrival, so U+FFFD is stored and written as itself; etcd writes an escape"
    ) { exchange in
      exchange.request.target.contains("%ff") && exchange.mapped.coracle.lines == exchange.mapped.etcd.lines
        && exchange.mapped.coracle.escapes == exchange.mapped.etcd.escapes.filter { $0 != "\\ufffd" }
    },
    DifferenceRule(
      name: "version",
      reason: "coracle serves etcd 2.3's API and says so"
    ) { exchange in
      exchange.request.target.hasPrefix("/version")
        && exchange.raw.coracle.text == #"{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}"#
        && exchange.raw.etcd.text == #"{"etcdserver":"3.4.23","etcdcluster":"3.4.0"}"#
    },
    DifferenceRule(
      name: "words for JSON that is none",
      reason: "the parser's own words; status and form of the answer are etcd's"
    ) { exchange in
      exchange.request.target.hasPrefix("/v2/members") && exchange.raw.coracle.status == 400
        && exchange.agrees { $0.forgetting("message") }
    },
    DifferenceRule(
      name: "100-continue before the request is looked at",
      reason: "a client that waits is told to go on before its parameters are checked; etcd refuses some at once"
    ) { exchange in
      let expects =
        exchange.request.framing == .expectContinue || exchange.request.raw?.contains("100-continue") == true
      return expects && exchange.agrees(ignoringLines: ["interim", "connection"])
    },
    DifferenceRule(
      name: "unknown expectation",
      reason: "it is passed over, as RFC 9110 section 10.1.1 allows; etcd answers 417"
    ) { exchange in
      exchange.request.raw?.contains("Expect: something") == true && exchange.raw.etcd.status == 417
    },
    DifferenceRule(
      name: "what the HTTP parser does not know",
      reason: "unknown methods, line feeds alone and bytes beyond ASCII in a target are refused with 400"
    ) { exchange in
      exchange.request.isBeyondParser && exchange.raw.coracle.status == 400
        && exchange.raw.coracle["connection"] == "close"
    },
    DifferenceRule(
      name: "broken chunks of a body nobody reads",
      reason: "what is behind them cannot be understood, so the request is refused; etcd carries it out"
    ) { exchange in
      exchange.request.raw?.contains("\r\n\r\nzz\r\n") == true && exchange.raw.coracle.status == 400
    },
    DifferenceRule(
      name: "words for what is no request",
      reason: "Go names the fault of some; status and close are the same"
    ) { exchange in
      exchange.request.raw != nil && exchange.raw.coracle.status == exchange.raw.etcd.status
        && [exchange.raw.coracle, exchange.raw.etcd].allSatisfy { $0.status == 400 && $0["connection"] == "close" }
    },
    DifferenceRule(
      name: "long request line",
      reason: "etcd's port multiplexer drops connections whose request line is above 4 KiB"
    ) { exchange in
      exchange.request.raw?.prefix { $0 != "\r\n" }.utf8.count ?? exchange.request.target.utf8.count > 4_000
        && exchange.raw.etcd.status == 0 && exchange.raw.coracle.status != 0
    },
    DifferenceRule(
      name: "empty lines before a request",
      reason: "they are passed over, as RFC 9112 section 2.2 asks; etcd's port multiplexer drops the connection"
    ) { exchange in
      exchange.request.raw?.hasPrefix("\r\n") == true && exchange.raw.etcd.status == 0
    },
    DifferenceRule(
      name: "a whole URL without a path",
      reason: "its path is the root (RFC 9110 section 4.2.3); etcd redirects to the root"
    ) { exchange in
      exchange.request.target == "http://other" && exchange.raw.etcd["location"] == "/"
    },
    DifferenceRule(
      name: "what is no request gets an answer",
      reason: "etcd's port multiplexer drops connections whose first line is not HTTP/1; coracle answers 400 or 505"
    ) { exchange in
      let hasTwoBlanks = exchange.request.raw?.hasPrefix("GET  ") == true
      return exchange.request.raw != nil && exchange.raw.etcd.status == 0
        && ([400, 505].contains(exchange.raw.coracle.status) || hasTwoBlanks)
    },
  ]
}

extension RequestTemplate {
  /// Whether a strict HTTP parser refuses it though it is understandable.
  var isBeyondParser: Bool {
    ["FOO", "get"].contains(method) || !target.allSatisfy { $0.isASCII || "«»".contains($0) }
      || raw?.hasSuffix("\n\n") == true && raw?.hasSuffix("\r\n") == false
  }
}

extension Exchange {
  /// The error codes of both answers; 0 where there is none.
  var errorCodes: [Int] {
    [mapped.coracle, mapped.etcd].map { $0.json?["errorCode"]?.int ?? 0 }
  }

  /// Whether the answers agree once something is left out of both bodies.
  func agrees(leavingOut change: (JSONValue) -> JSONValue) -> Bool {
    guard let coracle = mapped.coracle.json, let etcd = mapped.etcd.json else { return false }
    return change(coracle) == change(etcd) && mapped.coracle.timesAgree(with: mapped.etcd)
      && mapped.coracle.lines.filter { !$0.hasPrefix("{") } == mapped.etcd.lines.filter { !$0.hasPrefix("{") }
  }

  /// Whether the answers agree but for facts that begin with one of some words.
  func agrees(ignoringLines words: [String]) -> Bool {
    func rest(_ answer: ComparedAnswer) -> [String] {
      answer.lines.filter { line in
        !words.contains { line.hasPrefix($0) } && !(answer.json != nil && line.hasPrefix("{"))
      }
    }
    // What is known of updated directories may come on top.
    let bodies = [mapped.coracle, mapped.etcd].map { $0.json?.forgettingIndexes(of: updatedDirectories) }
    return rest(mapped.coracle) == rest(mapped.etcd) && bodies[0] == bodies[1]
      && mapped.coracle.timesAgree(with: mapped.etcd)
  }

  /// The first rule that explains the difference.
  var rule: DifferenceRule? { DifferenceRule.all.first { $0.explains(self) } }
}

extension JSONValue {
  /// The value without the modifiedIndex of some nodes.
  func forgettingIndexes(of keys: Set<String>) -> JSONValue {
    switch self {
    case .array(let elements): return .array(elements.map { $0.forgettingIndexes(of: keys) })
    case .object(let fields):
      let isForgotten = self["dir"]?.bool == true && keys.contains(self["key"]?.string ?? "")
      return .object(
        fields.filter { !isForgotten || $0.name != "modifiedIndex" }.map {
          JSONValue.Field($0.name, $0.value.forgettingIndexes(of: keys))
        }
      )
    default: return self
    }
  }

  /// The value without a field.
  fileprivate func forgetting(_ name: String) -> JSONValue {
    guard case .object(let fields) = self else { return self }
    return .object(fields.filter { $0.name != name })
  }
}
