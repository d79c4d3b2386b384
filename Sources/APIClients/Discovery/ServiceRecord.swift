// SPDX-License-Identifier: Apache-2.0
import CResolver
import NIOPosix

/// A server that DNS names for a service: one SRV record (RFC 2782).
public struct ServiceRecord: Sendable, Equatable {
  /// Why there are no records.
  public enum LookupError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The name does not exist, or has no SRV record.
    case notFound(name: String)
    /// No name server could be asked now.
    case unavailable(name: String)
    /// The answer makes no sense, or the server refused.
    case badAnswer(name: String)

    /// One line for people.
    public var description: String {
      switch self {
      case .notFound(let name): "no SRV record for \(name)"
      case .unavailable(let name): "no name server answered for \(name)"
      case .badAnswer(let name): "the name server's answer for \(name) makes no sense"
      }
    }
  }

  /// Lower is to be tried first.
  public var priority: Int
  /// The share of requests among servers of one priority.
  public var weight: Int
  /// The server's name, without dot at the end.
  public var host: String
  /// The server's port.
  public var port: Int

  private static let maximumRecords = 128

  /// Asks the name servers of `/etc/resolv.conf` for a service over TCP: `_etcd-client._tcp.example.com`.
  ///
  /// Records of equal priority are shuffled, the others come by priority.
  ///
  /// - Parameters:
  ///   - service: The service, such as `etcd-client`.
  ///   - domain: The domain.
  /// - Returns: The servers, at least one.
  /// - Throws: ``LookupError``, or `CancellationError`.
  public static func lookUp(service: String, domain: String) async throws -> [ServiceRecord] {
    let name = "_\(service)._tcp.\(domain)"
    let records = try await NIOThreadPool.singleton.runIfActive { try read(name) }
    return records.shuffled().sorted { $0.priority < $1.priority }
  }

  /// The client URLs that DNS names for a domain: `_etcd-client-ssl._tcp` as https, `_etcd-client._tcp` as http.
  ///
  /// Source: etcd v2.3.8 `client/srv.go`; specs/discovery.md §5.
  ///
  /// - Throws: ``LookupError`` of the second name when neither has records.
  public static func clientURLs(domain: String) async throws -> [String] {
    var urls: [String] = []
    var failure: (any Error)?
    for (service, scheme) in [("etcd-client-ssl", "https"), ("etcd-client", "http")] {
      do {
        urls += try await lookUp(service: service, domain: domain).map { "\(scheme)://\($0.authority)" }
      } catch {
        failure = error
      }
    }
    if urls.isEmpty, let failure { throw failure }
    return urls
  }

  /// Host and port, as they stand in a URL.
  public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  private static func read(_ name: String) throws(LookupError) -> [ServiceRecord] {
    var found = [resolver_service](repeating: resolver_service(), count: maximumRecords)
    let count = resolver_services(name, &found, maximumRecords)
    switch count {
    case CInt(RESOLVER_NOT_FOUND): throw .notFound(name: name)
    case CInt(RESOLVER_TRY_AGAIN): throw .unavailable(name: name)
    case ..<0: throw .badAnswer(name: name)
    default:
      return found.prefix(Int(count)).map { record in
        var target = record.target
        let host = withUnsafeBytes(of: &target) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return ServiceRecord(
          priority: Int(record.priority),
          weight: Int(record.weight),
          host: host,
          port: Int(record.port)
        )
      }
    }
  }
}
