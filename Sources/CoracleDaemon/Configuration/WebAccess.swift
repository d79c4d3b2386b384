// SPDX-License-Identifier: Apache-2.0
import APIClients
import CloudInit
import NIOCore
import NIOPosix

/// The way to servers of the web for a node that has no configuration yet.
enum WebAccess {
  /// Lets `body` ask servers; all connections are closed when it returns.
  static func with<Value: Sendable>(_ body: (@escaping WebPort) async throws -> Value) async throws -> Value {
    // Metadata services may be a while in coming; the client library's second is for members of a cluster.
    let transport = HTTPTransport(group: MultiThreadedEventLoopGroup.singleton, connectTimeout: .seconds(5))
    do {
      let value = try await body { try await ask($0, transport) }
      await transport.shutdown()
      return value
    } catch {
      await transport.shutdown()
      throw error
    }
  }

  private static func ask(_ request: WebRequest, _ transport: HTTPTransport) async throws -> WebAnswer {
    do {
      let document = try await transport.document(
        request.method.rawValue,
        request.url,
        headers: request.headers,
        limitBytes: request.limitBytes
      )
      return WebAnswer(status: document.status, body: document.body)
    } catch let error as WebDocumentError {
      if case .unreachable = error { throw WebFailure(error.description) }
      throw WebFailure(error.description, isWorthAnotherTry: false)
    }
  }
}
