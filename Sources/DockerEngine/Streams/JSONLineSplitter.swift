// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of JSON objects, one a line, into documents.
struct JSONLineSplitter {
  /// The longest line.
  static let lineLimitBytes = 1024 * 1024

  private var pending: [UInt8] = []

  /// Takes the next bytes and returns the documents they complete; lines that are no JSON are left out.
  mutating func receive(_ bytes: some Sequence<UInt8>) throws(DockerEngineError) -> [JSONValue] {
    pending.append(contentsOf: bytes)
    var documents: [JSONValue] = []
    var start = 0
    while let newline = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
      if let document = try? JSONValue(parsing: pending[start..<newline]) { documents.append(document) }
      start = newline + 1
    }
    pending.removeFirst(start)
    guard pending.count <= Self.lineLimitBytes else {
      throw DockerEngineError(.badAnswer, "read a stream: a line exceeds \(Self.lineLimitBytes) bytes")
    }
    return documents
  }

  /// Returns the last document when it has no newline.
  mutating func finish() -> JSONValue? {
    defer { pending = [] }
    return try? JSONValue(parsing: pending)
  }
}
