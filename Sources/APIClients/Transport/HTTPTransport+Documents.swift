// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
public import NIOCore
import NIOHTTP1

/// A document of the web, as a server has sent it.
public struct WebDocument: Sendable, Equatable {
  /// The status code.
  public var status: Int
  /// The body.
  public var body: [UInt8]
}

/// Why there is no document.
public enum WebDocumentError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The body is longer than the caller takes.
  case tooLong(url: String, limitBytes: Int)
  /// The URL cannot be used at all.
  case badURL(String)
  /// The server cannot be reached, or does not answer in time; the text says what.
  case unreachable(String)

  /// One line for people.
  public var description: String {
    switch self {
    case .tooLong(let url, let limitBytes): "\(url) has more than \(limitBytes) bytes"
    case .badURL(let url): "\(url) is no URL that can be asked"
    case .unreachable(let reason): reason
    }
  }
}

extension HTTPTransport {
  /// Asks for a document by its URL; redirections are followed.
  ///
  /// - Parameters:
  ///   - method: `GET` or `PUT`; nothing is sent with it.
  ///   - url: The whole URL.
  ///   - headers: Names and values.
  ///   - limitBytes: The most bytes of a body that are read.
  ///   - timeout: How long all of it may take.
  /// - Returns: The document, or what the server sends instead of it.
  /// - Throws: ``WebDocumentError``; `CancellationError`.
  public func document(
    _ method: String = "GET",
    _ url: String,
    headers: [String: String] = [:],
    limitBytes: Int,
    timeout: TimeAmount = .seconds(10)
  ) async throws -> WebDocument {
    var request = HTTPClientRequest(url: url)
    request.method = HTTPMethod(rawValue: method)
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    let whole = request
    return try await withThrowingTaskGroup(of: WebDocument.self) { group in
      group.addTask { try await self.document(whole, limitBytes: limitBytes, timeout: timeout) }
      group.addTask {
        // The library's deadline covers the head alone; a body could come for ever.
        try await Task.sleep(for: .nanoseconds(timeout.nanoseconds))
        throw WebDocumentError.unreachable("\(url) does not answer in \(timeout.nanoseconds / 1_000_000_000) s")
      }
      defer { group.cancelAll() }
      guard let document = try await group.next() else { throw WebDocumentError.unreachable("\(url) was not asked") }
      return document
    }
  }

  private func document(
    _ request: HTTPClientRequest,
    limitBytes: Int,
    timeout: TimeAmount
  ) async throws -> WebDocument {
    do {
      let response = try await client.execute(request, deadline: .now() + timeout)
      let body = try await response.body.collect(upTo: limitBytes)
      return WebDocument(status: Int(response.status.code), body: Array(body.readableBytesView))
    } catch is NIOTooManyBytesError {
      throw WebDocumentError.tooLong(url: request.url, limitBytes: limitBytes)
    } catch let error as HTTPClientError where [.invalidURL, .emptyHost, .emptyScheme].contains(error) {
      throw WebDocumentError.badURL(request.url)
    } catch let error as HTTPClientError where error == .cancelled {
      throw CancellationError()
    } catch let error as CancellationError {
      throw error
    } catch {
      let server = request.url.split(separator: "/", omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
      guard let endpoint = try? Endpoint(server) else {
        throw WebDocumentError.unreachable("\(request.url): \(error)")
      }
      throw WebDocumentError.unreachable("\(request.url): \(AttemptFailure(error, endpoint: endpoint).message)")
    }
  }
}
