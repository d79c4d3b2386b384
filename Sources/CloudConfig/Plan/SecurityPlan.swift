// SPDX-License-Identifier: Apache-2.0

/// The files that TLS connections of one kind are made with, as paths; whether they can be used is seen at the start.
///
/// Source: specs/etcd-v2.md §14.
public struct SecurityPlan: Sendable, Equatable {
  /// The certificate that is shown.
  public var certificateFile: String?
  /// The certificate's key.
  public var keyFile: String?
  /// The authorities whose certificates are trusted; nil stands for the system's.
  public var trustedAuthoritiesFile: String?
  /// Whether clients need a certificate even without authorities of their own.
  public var requiresClientCertificate: Bool

  /// Makes settings; the default is no TLS.
  public init(
    certificateFile: String? = nil,
    keyFile: String? = nil,
    trustedAuthoritiesFile: String? = nil,
    requiresClientCertificate: Bool = false
  ) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.trustedAuthoritiesFile = trustedAuthoritiesFile
    self.requiresClientCertificate = requiresClientCertificate
  }

  /// Whether no file is named.
  public var isEmpty: Bool { certificateFile == nil && keyFile == nil && trustedAuthoritiesFile == nil }
}
