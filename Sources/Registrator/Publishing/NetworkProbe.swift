// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Units

/// Finds out whether a service can be used now.
protocol ServiceProbing: Sendable {
  /// Carries out a check once, within its timeout.
  func passes(_ check: ServiceCheck) async -> Bool
}

/// Checks over the network.
struct NetworkProbe: ServiceProbing {
  /// How much of an answer is looked at for its first line.
  private static let answerLimit = 4_096

  func passes(_ check: ServiceCheck) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask { (try? await Self.ask(check)) ?? false }
      group.addTask {
        try? await Task.sleep(for: check.timeout)
        return false
      }
      defer { group.cancelAll() }
      return await group.next() ?? false
    }
  }

  private static func ask(_ check: ServiceCheck) async throws -> Bool {
    let timeout = check.timeout.components
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connectTimeout(.nanoseconds(timeout.seconds * 1_000_000_000 + timeout.attoseconds / 1_000_000_000))
      .connect(host: check.host, port: Int(check.port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      guard case .http(let path) = check.kind else { return true }
      let host = check.host.contains(":") ? "[\(check.host)]" : check.host
      let request =
        "GET \(path) HTTP/1.1\r\nHost: \(host):\(check.port)\r\nUser-Agent: coracle\r\nConnection: close\r\n\r\n"
      try await outbound.write(ByteBuffer(string: request))
      var answer = ByteBuffer()
      for try await part in inbound {
        answer.writeImmutableBuffer(part)
        if let status = status(of: answer) { return (200..<400).contains(status) }
        if answer.readableBytes > answerLimit { return false }
      }
      return false
    }
  }

  /// The status of `HTTP/1.1 200 …`; nil while the line is not whole, 0 when it is none.
  static func status(of answer: ByteBuffer) -> Int? {
    guard let end = answer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let line = String(decoding: answer.readableBytesView[..<end], as: UTF8.self)
    let words = line.split(whereSeparator: \.isWhitespace)
    guard words.count >= 2, words[0].hasPrefix("HTTP/") else { return 0 }
    return Int(words[1]) ?? 0
  }
}
