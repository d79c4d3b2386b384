// SPDX-License-Identifier: Apache-2.0
import Crypto
public import Foundation
import Glibc
import SwiftASN1
import X509

/// An authority that issues certificates to tests, as a company's own would.
public struct CertificateAuthority: Sendable {
  /// What a certificate may be used for.
  public enum Usage: Sendable {
    case server
    case client
    case both
  }

  private let key: Certificate.PrivateKey
  private let certificate: Certificate

  /// Makes an authority with a key of its own.
  ///
  /// - Throws: When the certificate cannot be made.
  public init(named name: String = "coracle tests") throws {
    key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    let subject = try DistinguishedName { CommonName(name) }
    certificate = try Certificate(
      version: .v3,
      serialNumber: Certificate.SerialNumber(),
      publicKey: key.publicKey,
      notValidBefore: Date(timeIntervalSinceNow: -3_600),
      notValidAfter: Date(timeIntervalSinceNow: 365 * 86_400),
      issuer: subject,
      subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        Critical(KeyUsage(keyCertSign: true, cRLSign: true))
      },
      issuerPrivateKey: key
    )
  }

  /// The authority's own certificate in PEM form.
  ///
  /// - Throws: When it cannot be written.
  public func pem() throws -> String { try certificate.serializeAsPEM().pemString + "\n" }

  /// Issues a certificate.
  ///
  /// - Parameters:
  ///   - name: The common name.
  ///   - hosts: The names and IPv4 addresses it is for.
  ///   - usage: What it may be used for.
  ///   - validFrom: Seconds from now at which its time begins.
  ///   - validUntil: Seconds from now at which its time ends.
  /// - Returns: The certificate and its key.
  /// - Throws: When the certificate cannot be made.
  public func issue(
    _ name: String,
    for hosts: [String] = [],
    usage: Usage = .both,
    validFrom: TimeInterval = -3_600,
    validUntil: TimeInterval = 90 * 86_400
  ) throws -> IssuedCertificate {
    let own = P256.Signing.PrivateKey()
    let usages: [ExtendedKeyUsage.Usage] =
      switch usage {
      case .server: [.serverAuth]
      case .client: [.clientAuth]
      case .both: [.serverAuth, .clientAuth]
      }
    let issued = try Certificate(
      version: .v3,
      serialNumber: Certificate.SerialNumber(),
      publicKey: Certificate.PrivateKey(own).publicKey,
      notValidBefore: Date(timeIntervalSinceNow: validFrom),
      notValidAfter: Date(timeIntervalSinceNow: validUntil),
      issuer: certificate.subject,
      subject: try DistinguishedName { CommonName(name) },
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true))
        try ExtendedKeyUsage(usages)
        if !hosts.isEmpty { SubjectAlternativeNames(hosts.map(Self.generalName)) }
      },
      issuerPrivateKey: key
    )
    return IssuedCertificate(
      certificate: try issued.serializeAsPEM().pemString + "\n",
      key: own.pemRepresentation + "\n",
      serialNumber: issued.serialNumber.bytes.map { String($0, radix: 16) }.joined()
    )
  }

  private static func generalName(_ host: String) -> GeneralName {
    var address = in_addr()
    guard inet_pton(AF_INET, host, &address) == 1 else { return .dnsName(host) }
    return .ipAddress(ASN1OctetString(contentBytes: withUnsafeBytes(of: address) { ArraySlice($0) }))
  }
}

/// A certificate with its key, both in PEM form.
public struct IssuedCertificate: Sendable {
  /// The certificate.
  public let certificate: String
  /// Its key.
  public let key: String
  /// Tells it from other certificates.
  public let serialNumber: String

  /// Writes both files, each as one step, so that no reader finds half of one.
  ///
  /// - Returns: The paths.
  /// - Throws: When one cannot be written.
  @discardableResult
  public func write(to directory: URL, as name: String) throws -> (certificate: String, key: String) {
    let paths = (
      certificate: directory.appendingPathComponent("\(name).pem").path,
      key: directory.appendingPathComponent("\(name)-key.pem").path
    )
    try certificate.write(toFile: paths.certificate, atomically: true, encoding: .utf8)
    try key.write(toFile: paths.key, atomically: true, encoding: .utf8)
    return paths
  }
}
