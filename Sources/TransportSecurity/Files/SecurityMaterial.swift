// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOSSL

/// What stands in the files: read, understood and checked.
struct SecurityMaterial: Sendable {
  /// The certificate and those behind it; empty when none is named.
  var chain: [NIOSSLCertificate] = []
  /// The key of the first certificate.
  var key: NIOSSLPrivateKey?
  /// The trusted authorities; nil stands for the system's.
  var authorities: [NIOSSLCertificate]?
  /// Seconds since 1970 at which the certificate's time is over; nil without one.
  var endSeconds: Int?

  /// The time in seconds since 1970.
  static var nowSeconds: Int { Int(time(nil)) }

  /// Reads the files.
  ///
  /// Concurrency: blocks.
  ///
  /// - Parameters:
  ///   - files: The files.
  ///   - nowSeconds: The time that certificates have to be good at, in seconds since 1970.
  /// - Throws: ``SecurityError``.
  init(reading files: SecurityFiles, nowSeconds: Int = SecurityMaterial.nowSeconds) throws(SecurityError) {
    try readIdentity(files, nowSeconds)
    if let path = files.trustedAuthorities {
      let subject = "\(files.names.trustedAuthorities): \(path)"
      let authorities = try Self.certificates(path, subject)
      guard authorities.contains(where: { Int($0.notValidAfter) > nowSeconds }) else {
        throw SecurityError(.outOfDate, "\(subject) holds no certificate that is still valid; have it renewed")
      }
      self.authorities = authorities
    }
  }

  private mutating func readIdentity(_ files: SecurityFiles, _ nowSeconds: Int) throws(SecurityError) {
    let names = files.names
    guard let certificatePath = files.certificate, let keyPath = files.key else {
      guard files.certificate == nil, files.key == nil else {
        let (given, missing) =
          files.key == nil ? (names.certificate, names.key) : (names.key, names.certificate)
        throw SecurityError(.incomplete, "\(given) is given without \(missing); a certificate and its key go together")
      }
      return
    }
    let subject = "\(names.certificate): \(certificatePath)"
    let chain = try Self.certificates(certificatePath, subject)
    try Self.checkTime(of: chain[0], subject, nowSeconds)
    let key = try Self.privateKey(keyPath, "\(names.key): \(keyPath)")
    guard Self.fits(key, chain) else {
      throw SecurityError(
        .keyMismatch,
        "\(names.key): \(keyPath) is not the key of the certificate in \(certificatePath)"
      )
    }
    self.chain = chain
    self.key = key
    endSeconds = Int(chain[0].notValidAfter)
  }

  private static func bytes(_ path: String, _ subject: String) throws(SecurityError) -> [UInt8] {
    switch SmallFile.read(path) {
    case .success(let bytes): return bytes
    case .failure(let failure): throw SecurityError(.unreadable, "\(subject): \(failure.reason)")
    }
  }

  private static func certificates(_ path: String, _ subject: String) throws(SecurityError) -> [NIOSSLCertificate] {
    let bytes = try bytes(path, subject)
    guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
      throw SecurityError(.malformed, "\(subject) holds no certificate in PEM form, or a damaged one")
    }
    return certificates
  }

  private static func privateKey(_ path: String, _ subject: String) throws(SecurityError) -> NIOSSLPrivateKey {
    let bytes = try bytes(path, subject)
    if String(decoding: bytes, as: UTF8.self).contains("ENCRYPTED") {
      throw SecurityError(
        .malformed,
        "\(subject) is encrypted; keep it without a passphrase, readable to the node alone"
      )
    }
    guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
      throw SecurityError(.malformed, "\(subject) holds no private key in PEM form, or a damaged one")
    }
    return key
  }

  private static func checkTime(
    of certificate: NIOSSLCertificate,
    _ subject: String,
    _ nowSeconds: Int
  ) throws(SecurityError) {
    let (begin, end) = (Int(certificate.notValidBefore), Int(certificate.notValidAfter))
    if end <= nowSeconds {
      throw SecurityError(.outOfDate, "\(subject) has expired on \(CalendarTime.text(end)); have it renewed")
    }
    if begin > nowSeconds {
      throw SecurityError(
        .outOfDate,
        "\(subject) is valid from \(CalendarTime.text(begin)) on, and it is \(CalendarTime.text(nowSeconds)); is the clock right?"
      )
    }
  }

  /// The library compares key and certificate when both are put into a context.
  private static func fits(_ key: NIOSSLPrivateKey, _ chain: [NIOSSLCertificate]) -> Bool {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.prefix(1).map { .certificate($0) },
      privateKey: .privateKey(key)
    )
    configuration.certificateVerification = .none
    return (try? NIOSSLContext(configuration: configuration)) != nil
  }
}

/// Points in time as people read them.
enum CalendarTime {
  /// A time, given in seconds since 1970, in UTC: `2026-11-27 01:38 UTC`.
  static func text(_ seconds: Int) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    func padded(_ number: Int32, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
    return "\(date) \(padded(parts.tm_hour)):\(padded(parts.tm_min)) UTC"
  }
}
