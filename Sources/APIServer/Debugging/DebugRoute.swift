// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// `/debug/vars`, and with `enable-pprof` what a program without Go's runtime can answer below `/debug/pprof`.
///
/// Source: Go's `expvar`; etcd v3.4 `etcdserver/server.go` (`file_descriptor_limit`, `raft.status`).
struct DebugRoute: HTTPRoute {
  enum Question: Equatable {
    case variables
    /// What follows `/debug/pprof`, without slashes at its ends.
    case profile(String)
  }

  let question: Question
  let store: StorePort
  let cors: CORSHeaders

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard request.method == .GET || question != .variables else {
      return exchange.respond(HTTPResponse.methodNotAllowed(allow: "GET").adding(cors))
    }
    exchange.respond {
      // Files of /proc are read, which no event loop should do.
      let facts = (try? await NIOThreadPool.singleton.runIfActive { ProcessFacts() })
      guard let facts else { return .text(.serviceUnavailable, "The node stops\n") }
      return response(facts).adding(cors)
    }
  }

  private func response(_ facts: ProcessFacts) -> HTTPResponse {
    switch question {
    case .variables:
      var response = HTTPResponse.json(.ok, "")
      response.headers.replaceOrAdd(name: "Content-Type", value: "application/json; charset=utf-8")
      response.body = ByteBuffer(string: variables(facts))
      return response
    case .profile(""): return .text(.ok, Self.profileIndex)
    case .profile("cmdline"): return .text(.ok, facts.commandLine.joined(separator: "\0"))
    case .profile(let name):
      let message = "There is no profile \"\(name)\": this is no Go program. Use a profiler of the system, such as\n"
      return .text(.notImplemented, message + "  perf record -g -p \(getpid())\n")
    }
  }

  private static let profileIndex = """
    This is no Go program, so there are none of Go's profiles.
    /debug/pprof/cmdline is served; /metrics has memory, threads and files; a profiler of the system does the rest:
      perf record -g -p \(getpid())

    """

  /// One variable a line, as `expvar` writes them.
  private func variables(_ facts: ProcessFacts) -> String {
    var lines = [
      "\"cmdline\": \(JSONValue.strings(facts.commandLine).text)",
      "\"file_descriptor_limit\": \(facts.maximumFiles)",
      "\"memstats\": \(memory(facts).text)",
    ]
    if case .member(_, let cluster, _) = store { lines.append("\"raft.status\": \(Self.raftStatus(cluster).text)") }
    return "{\n\(lines.joined(separator: ",\n"))\n}\n"
  }

  private func memory(_ facts: ProcessFacts) -> JSONValue {
    let allocated = JSONValue.integer(Int64(facts.anonymousBytes))
    let heap = JSONValue.integer(Int64(facts.dataBytes))
    return .fields([
      "Alloc": allocated, "Sys": heap, "HeapAlloc": allocated, "HeapSys": heap, "HeapInuse": allocated,
    ])
  }

  private static func raftStatus(_ cluster: any ClusterAPI) -> JSONValue {
    let status = cluster.status
    return .fields([
      "id": .string(String(cluster.memberID, radix: 16)), "term": .unsigned(status.raftTerm),
      "commit": .unsigned(status.raftCommitIndex), "lead": .string(String(status.leaderID ?? 0, radix: 16)),
      "raftState": .string(status.role.rawValue), "applied": .unsigned(status.raftAppliedIndex),
    ])
  }
}
