// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

/// A file with a private key, as far as it can be read without its passphrase.
struct PrivateKeyFile {
  /// The numbers of an RSA key.
  struct RSANumbers: Equatable {
    var modulus: [UInt8]
    var publicExponent: [UInt8]
    var privateExponent: [UInt8]
    var firstPrime: [UInt8]
    var secondPrime: [UInt8]
  }

  /// How the key is kept.
  enum Form: Equatable {
    /// OpenSSH's own form.
    case openSSH
    /// A PEM file; RSA when its label says so.
    case pem(isRSA: Bool)
  }

  var path: String
  var bytes: [UInt8]
  var form: Form
  var isEncrypted: Bool
  /// The public key on the wire, where it can be read: in OpenSSH's form, or beside the file in `PATH.pub`.
  var publicBlob: [UInt8]?
  /// The numbers of an RSA key in OpenSSH's form that is not encrypted.
  var rsaNumbers: RSANumbers?

  private static let maximumBytes = 64 * 1024
  private static let magic = Array("openssh-key-v1\0".utf8)

  /// Reads a file; nil when there is none.
  ///
  /// - Throws: ``SSHError`` naming the file when it cannot be read or holds no private key.
  static func read(_ path: String) throws(SSHError) -> PrivateKeyFile? {
    guard let bytes = try LocalFile.read(path, limit: maximumBytes) else { return nil }
    let beside = try? LocalFile.read(path + ".pub", limit: maximumBytes)
    return try PrivateKeyFile(path: path, bytes: bytes, publicFile: beside ?? [])
  }

  /// Reads the bytes of a key file, and of the file with its public key if there is one.
  ///
  /// - Throws: ``SSHError`` naming the file when it holds no private key.
  init(path: String, bytes: [UInt8], publicFile: [UInt8]) throws(SSHError) {
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map { $0.filter { $0 != "\r" } }
    guard let first = lines.firstIndex(where: { $0.hasPrefix("-----BEGIN ") }) else {
      throw SSHError(.local, "\(path) holds no private key")
    }
    self.path = path
    self.bytes = bytes
    let label = lines[first].dropFirst("-----BEGIN ".count).prefix { $0 != "-" }
    let publicWords = String(decoding: publicFile, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    publicBlob = publicWords.count > 1 ? Data(base64Encoded: String(publicWords[1])).map { Array($0) } : nil
    guard label == "OPENSSH PRIVATE KEY" else {
      guard label.hasSuffix("PRIVATE KEY") else {
        throw SSHError(.local, "\(path) holds \(label.lowercased()), no private key")
      }
      form = .pem(isRSA: label.hasPrefix("RSA "))
      isEncrypted = label.hasPrefix("ENCRYPTED ") || lines.contains { $0.hasPrefix("Proc-Type:") }
      return
    }
    form = .openSSH
    let body = lines[(first + 1)...].prefix { !$0.hasPrefix("-----END ") }.joined()
    var reader = SSHReader(Data(base64Encoded: body) ?? Data())
    guard reader.skip(Self.magic), let cipher = reader.text(), reader.text() != nil, reader.string() != nil,
      reader.number() == 1, let blob = reader.string(), let secret = reader.string()
    else { throw SSHError(.local, "\(path) holds a private key that cannot be read; make it anew or copy it again") }
    isEncrypted = cipher != "none"
    publicBlob = blob
    if !isEncrypted { rsaNumbers = Self.rsaNumbers(secret) }
  }

  /// Whether the key is one of RSA, as far as can be told.
  var isRSA: Bool {
    if let publicBlob { return HostKey(blob: publicBlob)?.type == "ssh-rsa" }
    return form == .pem(isRSA: true)
  }

  /// Source: OpenSSH's PROTOCOL.key.
  private static func rsaNumbers(_ secret: [UInt8]) -> RSANumbers? {
    var reader = SSHReader(secret)
    guard let check = reader.number(), reader.number() == check, reader.text() == "ssh-rsa",
      let modulus = reader.string(), let publicExponent = reader.string(), let privateExponent = reader.string(),
      reader.string() != nil, let firstPrime = reader.string(), let secondPrime = reader.string()
    else { return nil }
    return RSANumbers(
      modulus: modulus,
      publicExponent: publicExponent,
      privateExponent: privateExponent,
      firstPrime: firstPrime,
      secondPrime: secondPrime
    )
  }
}
