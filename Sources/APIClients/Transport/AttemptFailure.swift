// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix
import TransportSecurity

/// Why one endpoint gave no answer.
struct AttemptFailure: Error {
  /// Whether the request may have reached the server.
  let mayHaveBeenSent: Bool
  /// In the words of Go's clients, which users of etcdctl know: `dial tcp 127.0.0.1:2379: connect: connection refused`.
  let message: String
  let cause: any Error

  init(_ error: any Error, endpoint: Endpoint, security: ClientSecurity? = nil, proxy: TransportProxy? = nil) {
    cause = error
    let otherEnd = TLSFailure.OtherEnd.server(
      hasCertificate: security?.hasCertificate ?? false,
      names: security?.files.names ?? .commandLine
    )
    if let failure = TLSFailure(error, of: otherEnd), endpoint.isSecure {
      mayHaveBeenSent = failure.mayHaveCarriedData
      message = "client: endpoint \(endpoint): \(failure.reason)"
      return
    }
    switch error {
    case let error as HTTPClientError where error == .invalidProxyResponse:
      mayHaveBeenSent = false
      message = "dial \(endpoint.dialled): \(proxy?.failure(at: endpoint) ?? "the proxy does not connect")"
    case let error as NIOConnectionError:
      mayHaveBeenSent = false
      let reason = error.connectionErrors.first.map { Self.reason(of: $0.error) } ?? "\(error)"
      message = "dial \(endpoint.dialled): connect: \(reason)"
    case let error as HTTPClientError where [.connectTimeout, .getConnectionFromPoolTimeout].contains(error):
      mayHaveBeenSent = false
      message = "dial \(endpoint.dialled): i/o timeout"
    case let error as HTTPClientError
    where [.tlsHandshakeTimeout, .invalidURL, .emptyHost, .alreadyShutdown].contains(error):
      mayHaveBeenSent = false
      message = "client: endpoint \(endpoint): \(error)"
    case let error as HTTPClientError where error == .deadlineExceeded:
      mayHaveBeenSent = true
      message = "client: endpoint \(endpoint) exceeded header timeout"
    case let error as IOError where Self.isConnecting(error):
      mayHaveBeenSent = false
      message = "dial \(endpoint.dialled): connect: \(Self.reason(of: error))"
    case let error as SocketAddressError:
      mayHaveBeenSent = false
      message = "dial \(endpoint.dialled): \(error)"
    default:
      mayHaveBeenSent = true
      message = "client: endpoint \(endpoint): \(Self.reason(of: error))"
    }
  }

  private static func isConnecting(_ error: IOError) -> Bool {
    [ECONNREFUSED, ENOENT, EACCES, EHOSTUNREACH, ENETUNREACH, ENETDOWN].contains(error.errnoCode)
  }

  private static func reason(of error: any Error) -> String {
    guard let error = error as? IOError, let text = strerror(error.errnoCode) else { return "\(error)" }
    return String(cString: text).lowercased()
  }
}
