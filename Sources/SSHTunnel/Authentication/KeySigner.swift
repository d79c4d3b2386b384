// SPDX-License-Identifier: Apache-2.0
import CLibSSH2
import Glibc

/// Signs what the library asks for while a key is offered.
final class KeySigner {
  /// The first version that signs by SHA-2 with RSA keys of its own accord: 1.11.0.
  static let rsaVersion: Int32 = 0x01_0b00

  private let sign: ([UInt8], String) -> [UInt8]?
  /// Whether a signature was wanted and could not be made.
  private(set) var hasFailed = false

  init(_ sign: @escaping ([UInt8], String) -> [UInt8]?) {
    self.sign = sign
  }

  /// The public key as it is handed to the library, which takes the algorithm from its first word.
  ///
  /// Before 1.11 the library knew only SHA-1 for RSA keys, which OpenSSH refuses since 8.8. Named by SHA-2 the key is
  /// offered by that algorithm; OpenSSH reads either name at the beginning of a key.
  static func offeredBlob(_ blob: [UInt8]) -> [UInt8] {
    var reader = SSHReader(blob)
    guard libssh2_version(rsaVersion) == nil, reader.text() == "ssh-rsa", let exponent = reader.string(),
      let modulus = reader.string()
    else { return blob }
    var writer = SSHWriter()
    writer.text("rsa-sha2-512")
    writer.string(exponent)
    writer.string(modulus)
    return writer.bytes
  }

  /// The algorithm that a login request, which is what is signed, names; nil when it is none.
  ///
  /// Source: RFC 4252, section 7.
  static func algorithm(ofRequest data: [UInt8]) -> String? {
    var reader = SSHReader(data)
    guard reader.string() != nil, reader.byte() == 50, reader.string() != nil, reader.string() != nil,
      reader.text() == "publickey", reader.byte() == 1
    else { return nil }
    return reader.text()
  }

  /// What the library calls: fills in a signature in memory of `malloc`, which it frees; -1 when there is none.
  static let callback:
    @convention(c) (
      OpaquePointer?, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?, UnsafeMutablePointer<Int>?,
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> Int32 = { _, signature, signatureCount, data, count, context in
      guard let pointer = context?.pointee, let signature, let signatureCount else { return -1 }
      let signer = Unmanaged<KeySigner>.fromOpaque(pointer).takeUnretainedValue()
      let bytes = Array(UnsafeBufferPointer(start: data, count: count))
      guard let algorithm = algorithm(ofRequest: bytes), let made = signer.sign(bytes, algorithm),
        let memory = malloc(max(1, made.count))
      else {
        signer.hasFailed = true
        return -1
      }
      memory.copyMemory(from: made, byteCount: made.count)
      signature.pointee = memory.assumingMemoryBound(to: UInt8.self)
      signatureCount.pointee = made.count
      return 0
    }
}
