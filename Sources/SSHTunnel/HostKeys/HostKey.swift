// SPDX-License-Identifier: Apache-2.0
import Crypto
import FoundationEssentials

/// A server's public key.
struct HostKey: Sendable, Equatable {
  /// The key's type as SSH names it, such as `ssh-ed25519`.
  var type: String
  /// The key as it stands on the wire, type included.
  var blob: [UInt8]

  /// Reads a key; nil when no type stands at its beginning.
  init?(blob: [UInt8]) {
    var reader = SSHReader(blob)
    guard let type = reader.text(), !type.isEmpty else { return nil }
    self.type = type
    self.blob = blob
  }

  /// The type as people know it: `ED25519`, `ECDSA`, `RSA`.
  var family: String {
    if type.hasPrefix("ecdsa-") { return "ECDSA" }
    switch type {
    case "ssh-ed25519": return "ED25519"
    case "ssh-rsa": return "RSA"
    case "ssh-dss": return "DSA"
    default: return type
    }
  }

  /// The fingerprint as `ssh-keygen -l` prints it.
  var fingerprint: String {
    let digest = Data(SHA256.hash(data: blob)).base64EncodedString()
    return "SHA256:" + digest.prefix { $0 != "=" }
  }

  /// The key as it stands in a file behind the names.
  var line: String { "\(type) \(Data(blob).base64EncodedString())" }
}
