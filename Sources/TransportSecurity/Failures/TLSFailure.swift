// SPDX-License-Identifier: Apache-2.0
import NIOSSL

/// Why a TLS connection did not come about, in words that say what to do.
public struct TLSFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The other end of the connection.
  public enum OtherEnd: Sendable, Equatable {
    /// This process has connected; `hasCertificate` says whether it has one to show.
    case server(hasCertificate: Bool, names: SecurityFiles.SettingNames)
    /// This process listens.
    case client
  }

  /// What is wrong and what to do about it, as a part of a sentence.
  public let reason: String
  /// Whether the other end just went away, for whatever reason.
  public let isEndOfConnection: Bool
  /// Whether the connection may have stood, and carried what was sent, before it failed.
  public let mayHaveCarriedData: Bool

  /// Explains an error of the TLS library; nil for any other error.
  public init?(_ error: any Error, of otherEnd: OtherEnd) {
    isEndOfConnection = Self.isEnd(error)
    let kind = Kind(Self.text(error))
    // With TLS 1.3 a server refuses the client's certificate when the client already takes the connection for good.
    switch error {
    case is NIOSSLExtraError, NIOSSLError.handshakeFailed: mayHaveCarriedData = false
    default: mayHaveCarriedData = kind == .other || kind == .end
    }
    switch error {
    case let error as NIOSSLExtraError where error == .failedToValidateHostname:
      reason = "its certificate does not bear this name or address; dial it by a name that stands in the certificate"
    case is NIOSSLExtraError, is NIOSSLError, is BoringSSLError:
      reason = Self.reason(kind, otherEnd) ?? "the TLS connection failed: \(error)"
    default: return nil
    }
  }

  /// The reason.
  public var description: String { reason }

  /// What the library's error says, as one text.
  private static func text(_ error: any Error) -> String {
    switch error {
    case NIOSSLError.handshakeFailed(let below): "\(below)"
    default: "\(error)"
    }
  }

  private static func isEnd(_ error: any Error) -> Bool {
    switch error {
    case NIOSSLError.uncleanShutdown: true
    case NIOSSLError.handshakeFailed(.sslError(let stack)): stack.contains(.eofDuringHandshake)
    default: false
    }
  }

  /// What the library's errors come down to; they are told apart by names, since it has no others.
  private enum Kind {
    case notTrusted
    case noCertificate
    case certificateRequired
    case certificateRefused
    case authorityUnknown
    case expired
    case plainText
    case oldVersion
    case end
    case other

    init(_ text: String) {
      let names: [(String, Kind)] = [
        ("CERTIFICATE_VERIFY_FAILED", .notTrusted), ("PEER_DID_NOT_RETURN_A_CERTIFICATE", .noCertificate),
        ("ALERT_CERTIFICATE_REQUIRED", .certificateRequired), ("ALERT_UNKNOWN_CA", .authorityUnknown),
        ("ALERT_CERTIFICATE_EXPIRED", .expired), ("ALERT_BAD_CERTIFICATE", .certificateRefused),
        ("ALERT_UNSUPPORTED_CERTIFICATE", .certificateRefused), ("ALERT_CERTIFICATE_UNKNOWN", .certificateRefused),
        ("ALERT_CERTIFICATE_REVOKED", .certificateRefused), ("ALERT_ACCESS_DENIED", .certificateRefused),
        ("WRONG_VERSION_NUMBER", .plainText), ("HTTP_REQUEST", .plainText), ("HTTPS_PROXY_REQUEST", .plainText),
        ("UNSUPPORTED_PROTOCOL", .oldVersion), ("ALERT_PROTOCOL_VERSION", .oldVersion), ("EOF during", .end),
        ("uncleanShutdown", .end),
      ]
      self = names.first { text.contains($0.0) }?.1 ?? .other
    }
  }

  private static func reason(_ kind: Kind, _ otherEnd: OtherEnd) -> String? {
    switch otherEnd {
    case .server(let hasCertificate, let names): reasonOfServer(kind, hasCertificate, names)
    case .client: reasonOfClient(kind)
    }
  }

  private static func reasonOfServer(
    _ kind: Kind,
    _ hasCertificate: Bool,
    _ names: SecurityFiles.SettingNames
  ) -> String? {
    let wanted = "it wants a client certificate; give one with \(names.certificate) and \(names.key)"
    switch kind {
    case .notTrusted:
      return "its certificate is not trusted (of an unknown authority, or expired); "
        + "name the authority's certificate with \(names.trustedAuthorities)"
    case .certificateRequired: return wanted
    case .certificateRefused, .authorityUnknown:
      return hasCertificate
        ? "it does not accept the client certificate; give one of an authority that it trusts with \(names.certificate)"
        : wanted
    case .expired: return "it says that the client certificate has expired; renew the one in \(names.certificate)"
    case .plainText: return "it does not speak TLS; use http:// instead of https://"
    case .oldVersion: return "it does not speak TLS 1.2 or newer"
    case .end: return "it closed the connection during the TLS handshake"
    case .noCertificate, .other: return nil
    }
  }

  private static func reasonOfClient(_ kind: Kind) -> String? {
    switch kind {
    case .notTrusted: "its certificate is not trusted (of an unknown authority, expired, or not for clients)"
    case .noCertificate: "it shows no client certificate, and one is required"
    case .certificateRequired, .certificateRefused, .authorityUnknown:
      "it does not trust this node's certificate; give it the authority's"
    case .expired: "it says that this node's certificate has expired"
    case .plainText: "it does not speak TLS"
    case .oldVersion: "it does not speak TLS 1.2 or newer"
    case .end: "it closed the connection during the TLS handshake"
    case .other: nil
    }
  }
}
