// SPDX-License-Identifier: Apache-2.0

/// A request to a server of the web.
public struct WebRequest: Sendable, Equatable {
  /// What is done.
  public enum Method: String, Sendable {
    case get = "GET"
    case put = "PUT"
  }

  /// What is done.
  public var method: Method
  /// The whole URL.
  public var url: String
  /// Names and values.
  public var headers: [String: String]
  /// The most bytes of a body that are read.
  public var limitBytes: Int

  /// Makes a request.
  public init(_ method: Method = .get, _ url: String, headers: [String: String] = [:], limitBytes: Int) {
    self.method = method
    self.url = url
    self.headers = headers
    self.limitBytes = limitBytes
  }
}

/// What a server of the web has answered.
public struct WebAnswer: Sendable, Equatable {
  /// The status code.
  public var status: Int
  /// The body.
  public var body: [UInt8]

  /// Makes an answer.
  public init(status: Int, body: [UInt8]) {
    self.status = status
    self.body = body
  }
}

/// Why there is no answer.
public struct WebFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Whether asking again may help.
  public var isWorthAnotherTry: Bool
  /// What went wrong.
  public var description: String

  /// Makes a failure.
  public init(_ description: String, isWorthAnotherTry: Bool = true) {
    self.description = description
    self.isWorthAnotherTry = isWorthAnotherTry
  }
}

/// Sends one request and waits for the whole answer, 10 s at most; follows redirections.
///
/// Throws ``WebFailure``; a body beyond the limit is one that is not worth another try.
public typealias WebPort = @Sendable (WebRequest) async throws -> WebAnswer

/// Documents of one server, asked for again when it does not answer.
struct WebDocuments: Sendable {
  var port: WebPort
  var times: DatasourceTimes
  var headers: [String: String] = [:]

  /// A document; nil when the server says that there is none (4xx).
  ///
  /// - Throws: ``WebFailure`` of the last try; `CancellationError`.
  func get(_ url: String, limitBytes: Int = FoundUserData.metadataLimitBytes) async throws -> [UInt8]? {
    let answer = try await answer(to: WebRequest(.get, url, headers: headers, limitBytes: limitBytes))
    return answer.status < 300 ? answer.body : nil
  }

  /// A document as text without blanks around it; nil when there is none or it is empty.
  func text(_ url: String) async throws -> String? {
    let text = try await get(url).map { String(decoding: $0, as: UTF8.self).trimmingBlanksAndNewlines() }
    return text?.isEmpty == false ? text : nil
  }

  /// The first answer that is no 5xx, but for those that `isFinal` takes.
  ///
  /// - Throws: ``WebFailure`` of the last try; `CancellationError`.
  func answer(
    to request: WebRequest,
    isFinal: (_ status: Int) -> Bool = { _ in false }
  ) async throws -> WebAnswer {
    var wait = times.firstRetry
    var attempt = 1
    while true {
      let failure: WebFailure
      do {
        let answer = try await port(request)
        let isFailure = answer.status >= 500 || (300..<400).contains(answer.status)
        guard isFailure, !isFinal(answer.status) else { return answer }
        failure = WebFailure("\(request.url) answers \(answer.status)")
      } catch let error as WebFailure {
        failure = error
      }
      try Task.checkCancellation()
      guard failure.isWorthAnotherTry, attempt < times.attempts else { throw failure }
      attempt += 1
      try await Task.sleep(for: wait)
      wait = min(wait * 2, times.longestRetry)
    }
  }
}
