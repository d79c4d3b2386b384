// SPDX-License-Identifier: Apache-2.0
import Synchronization

@testable import CloudInit

/// Servers whose answers are written down: by method and URL, the last one of several stays.
///
/// Others answer 404.
final class ScriptedWeb: Sendable {
  enum Answer: Sendable {
    case text(String)
    case status(Int)
    case noConnection
    case hang
    case tooLong
  }

  private struct State {
    var answers: [String: [Answer]] = [:]
    var requests: [WebRequest] = []
  }

  private let state = Mutex(State())

  /// Writes down what is answered to `GET URL` or, with the method before it, `PUT URL`.
  subscript(_ request: String) -> [Answer] {
    get { state.withLock { $0.answers[request] ?? [] } }
    set { state.withLock { $0.answers[request] = newValue } }
  }

  var requests: [WebRequest] { state.withLock { $0.requests } }

  func asked(_ url: String) -> Int { requests.count { $0.url == url } }

  var port: WebPort {
    { request in
      let answer = self.state.withLock { state -> Answer in
        state.requests.append(request)
        let key = "\(request.method.rawValue) \(request.url)"
        guard var answers = state.answers[key], let first = answers.first else { return .status(404) }
        if answers.count > 1 { answers.removeFirst() }
        state.answers[key] = answers
        return first
      }
      switch answer {
      case .text(let text): return WebAnswer(status: 200, body: Array(text.utf8))
      case .status(let status): return WebAnswer(status: status, body: [])
      case .noConnection: throw WebFailure("connection refused")
      case .tooLong: throw WebFailure("too long", isWorthAnotherTry: false)
      case .hang:
        try await Task.sleep(for: .seconds(3_600))
        return WebAnswer(status: 200, body: [])
      }
    }
  }
}

extension DatasourceTimes {
  /// Waits that no test notices.
  static let short: DatasourceTimes = {
    var times = DatasourceTimes()
    times.firstPoll = .milliseconds(1)
    times.longestPoll = .milliseconds(1)
    times.firstRetry = .microseconds(1)
    times.longestRetry = .microseconds(1)
    // However busy the computer is; tests of this limit set their own.
    times.requestGrace = .seconds(600)
    return times
  }()
}

/// A machine made of a prepared tree and servers that are written down.
struct PreparedMachine {
  let tree: TemporaryDirectory
  let web = ScriptedWeb()
  var times = DatasourceTimes.short
  var programs: ProgramPort = { _ in nil }

  init() throws {
    tree = try TemporaryDirectory()
  }

  init(tree: TemporaryDirectory) throws {
    self.tree = tree
  }

  var search: DatasourceSearch {
    DatasourceSearch(files: MachineFiles(root: tree.path), web: web.port, programs: programs, times: times)
  }

  /// What is found, or the reasons why nothing is.
  func find(_ names: String) async throws -> FoundUserData {
    switch try await search.find(try DatasourceChoice(parsing: names)) {
    case .found(let found): return found
    case .nothing(let reasons): throw Nothing(reasons: reasons)
    }
  }

  /// The reasons why nothing is found.
  func reasons(_ names: String) async throws -> [String] {
    do {
      return ["found \(try await find(names))"]
    } catch let nothing as Nothing {
      return nothing.reasons
    }
  }

  struct Nothing: Error {
    var reasons: [String]
  }
}

extension FoundUserData {
  /// The user-data as text.
  var text: String? { userData.map { String(decoding: $0.bytes, as: UTF8.self) } }
}
