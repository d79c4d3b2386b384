// SPDX-License-Identifier: Apache-2.0
import Crypto
import CryptoExtras
import FoundationEssentials

/// An RSA key that this program signs with itself: libssh2 before 1.11 signs with SHA-1, which servers refuse.
struct RSAKey {
  private let key: _RSA.Signing.PrivateKey

  /// Reads a key that is not encrypted; nil when the file holds no such key.
  init?(_ file: PrivateKeyFile) {
    guard !file.isEncrypted else { return nil }
    if let numbers = file.rsaNumbers {
      func magnitude(_ number: [UInt8]) -> Data { Data(number.drop { $0 == 0 }) }
      guard
        let key = try? _RSA.Signing.PrivateKey(
          n: magnitude(numbers.modulus),
          e: magnitude(numbers.publicExponent),
          d: magnitude(numbers.privateExponent),
          p: magnitude(numbers.firstPrime),
          q: magnitude(numbers.secondPrime)
        )
      else { return nil }
      self.key = key
      return
    }
    guard case .pem = file.form else { return nil }
    let text = String(decoding: file.bytes, as: UTF8.self)
    guard let key = try? _RSA.Signing.PrivateKey(pemRepresentation: text) else { return nil }
    self.key = key
  }

  /// The public key on the wire; nil when the key does not tell its numbers.
  var publicBlob: [UInt8]? {
    guard let numbers = try? key.publicKey.getKeyPrimitives() else { return nil }
    var writer = SSHWriter()
    writer.text("ssh-rsa")
    writer.string(Self.positive(numbers.publicExponent))
    writer.string(Self.positive(numbers.modulus))
    return writer.bytes
  }

  /// Signs by the algorithm of that name; nil for SHA-1, which nobody should take.
  func signature(of data: [UInt8], algorithm: String) -> [UInt8]? {
    let signature: _RSA.Signing.RSASignature?
    switch algorithm {
    case "rsa-sha2-512":
      signature = try? key.signature(for: SHA512.hash(data: data), padding: .insecurePKCS1v1_5)
    case "rsa-sha2-256":
      signature = try? key.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5)
    default: signature = nil
    }
    return signature.map { Array($0.rawRepresentation) }
  }

  /// A number with a zero before it where its first bit is set, and none else.
  private static func positive(_ number: Data) -> [UInt8] {
    let bytes = Array(number.drop { $0 == 0 })
    return (bytes.first ?? 0) & 0x80 == 0 ? bytes : [0] + bytes
  }
}
