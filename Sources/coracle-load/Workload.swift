// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// What the connections ask for.
enum Operation: String, CaseIterable, ExpressibleByArgument {
  case put, get, quorumGet = "quorum-get", cas, post, list, fill, watch
}

/// Makes the requests, as bytes.
struct Workload {
  let operation: Operation
  let keys: Int
  let valueBytes: Int
  private var issued = 0

  init(operation: Operation, keys: Int, valueBytes: Int) {
    self.operation = operation
    self.keys = max(1, keys)
    self.valueBytes = valueBytes
  }

  /// Whether there is nothing more to ask for.
  var isExhausted: Bool { operation == .fill && issued >= keys }

  /// The next request of a connection.
  mutating func next(connection: Int) -> [UInt8] {
    issued += 1
    let key = issued % keys
    switch operation {
    case .put: return write("PUT", "bench/\(key)", "value=\(value)")
    case .get: return read("bench/\(key)")
    case .quorumGet: return read("bench/\(key)?quorum=true")
    case .cas: return write("PUT", "cas/\(connection)", "prevValue=\(value)&value=\(value)")
    case .post: return write("POST", "queue", "value=\(value)")
    case .list: return read("fill")
    case .fill: return write("PUT", "fill/key-\(issued)", "value=\(value)")
    case .watch: return write("PUT", "fan/key", "value=\(value)")
    }
  }

  /// Whether the keys must be there before the run.
  var needsKeys: Bool { operation == .get || operation == .quorumGet }

  /// What a connection has to send before it is measured; nil for nothing.
  func preparation(connection: Int) -> [UInt8]? {
    operation == .cas ? write("PUT", "cas/\(connection)", "value=\(value)") : nil
  }

  /// A write of one of the keys that reads want to find.
  func filling(_ key: Int) -> [UInt8] { write("PUT", "bench/\(key)", "value=\(value)") }

  /// The request of a watcher.
  static let watching = Array(
    "GET /v2/keys/fan?wait=true&recursive=true&stream=true HTTP/1.1\r\nHost: load\r\n\r\n".utf8
  )

  private var value: String { String(repeating: "x", count: valueBytes) }

  private func read(_ path: String) -> [UInt8] {
    Array("GET /v2/keys/\(path) HTTP/1.1\r\nHost: load\r\n\r\n".utf8)
  }

  private func write(_ method: String, _ path: String, _ body: String) -> [UInt8] {
    let head = """
      \(method) /v2/keys/\(path) HTTP/1.1\r
      Host: load\r
      Content-Type: application/x-www-form-urlencoded\r
      Content-Length: \(body.utf8.count)\r
      \r\n
      """
    return Array((head + body).utf8)
  }
}
