// SPDX-License-Identifier: Apache-2.0

/// The files that the TLS connections of one kind are made with, and how the user names them.
///
/// Source: etcd v3.4.23 `pkg/transport/listener.go` (`TLSInfo`); specs/etcd-v2.md §14.
public struct SecurityFiles: Sendable, Equatable {
  /// What the files are called in the configuration, for messages.
  public struct SettingNames: Sendable, Equatable {
    /// Names the certificate.
    public var certificate: String
    /// Names the certificate's key.
    public var key: String
    /// Names the trusted authorities.
    public var trustedAuthorities: String

    /// Makes names.
    public init(certificate: String, key: String, trustedAuthorities: String) {
      self.certificate = certificate
      self.key = key
      self.trustedAuthorities = trustedAuthorities
    }

    /// The flags of the clients.
    public static let commandLine = SettingNames(
      certificate: "--cert-file",
      key: "--key-file",
      trustedAuthorities: "--ca-file"
    )
  }

  /// The path of a certificate in PEM form, with those of the authorities between it and the root behind it.
  public var certificate: String?
  /// The path of the certificate's private key in PEM form.
  public var key: String?
  /// The path of one or more certificates of authorities in PEM form; nil stands for the system's.
  public var trustedAuthorities: String?
  /// Whether a server asks for a client certificate even without authorities of its own.
  public var requiresClientCertificate: Bool
  /// Whether the system's authorities count beside ``trustedAuthorities``.
  public var trustsSystemToo: Bool
  /// What the files are called in the configuration.
  public var names: SettingNames

  /// Names files; nothing is read.
  public init(
    certificate: String? = nil,
    key: String? = nil,
    trustedAuthorities: String? = nil,
    requiresClientCertificate: Bool = false,
    trustsSystemToo: Bool = false,
    names: SettingNames = .commandLine
  ) {
    self.certificate = certificate
    self.key = key
    self.trustedAuthorities = trustedAuthorities
    self.requiresClientCertificate = requiresClientCertificate
    self.trustsSystemToo = trustsSystemToo
    self.names = names
  }

  /// Whether no file is named.
  public var isEmpty: Bool { certificate == nil && key == nil && trustedAuthorities == nil }

  /// Whether a server lets in only clients with a certificate.
  ///
  /// Source: etcd v3.4.23; 2.3.8 did not ask for one when there were only authorities.
  public var admitsOnlyCertificates: Bool { requiresClientCertificate || trustedAuthorities != nil }

  /// The paths that are named, in a fixed order.
  var paths: [String] { [certificate, key, trustedAuthorities].compactMap { $0 } }
}
