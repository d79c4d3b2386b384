// SPDX-License-Identifier: Apache-2.0
import Crypto
import CryptoExtras

/// The slow, salted hash of a password (scrypt), which is all that is replicated of it.
///
/// Shape: a format byte; the logarithm of the rounds, the block size and the parallelism, a byte each; 16 bytes of salt;
/// 32 bytes of key. So the cost may rise later without making older hashes useless.
///
/// Differs: etcd uses bcrypt, which ignores what follows the first 72 bytes of a password.
/// Source: RFC 7914.
enum PasswordHash {
  private static let format: UInt8 = 1
  private static let saltBytes = 16
  private static let keyBytes = 32
  private static let headerBytes = 4
  /// With these rounds a hash takes 16 MiB of memory and some 50 ms, as etcd's bcrypt does.
  static let usualRoundsLog2 = 14

  private struct Cost {
    var roundsLog2: Int
    var blockSize: Int
    var parallelism: Int

    /// Whether a hash with this cost is worth trying: damaged bytes must not take the machine's memory.
    var isReasonable: Bool {
      (1...18).contains(roundsLog2) && (1...16).contains(blockSize) && (1...16).contains(parallelism)
    }
  }

  /// Hashes a password with a new salt.
  ///
  /// - Throws: What the library throws when there is no memory.
  static func make(_ password: String, roundsLog2: Int = usualRoundsLog2) throws -> [UInt8] {
    let cost = Cost(roundsLog2: roundsLog2, blockSize: 8, parallelism: 1)
    var generator = SystemRandomNumberGenerator()
    let salt = (0..<saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let key = try derive(password, salt: salt, cost)
    let header = [format, UInt8(cost.roundsLog2), UInt8(cost.blockSize), UInt8(cost.parallelism)]
    return header + salt + key.withUnsafeBytes { Array($0) }
  }

  /// Whether a hash was made of a password; false also for bytes that are no hash.
  static func verify(_ password: String, _ hash: [UInt8]) -> Bool {
    guard hash.count == headerBytes + saltBytes + keyBytes, hash[0] == format else { return false }
    let cost = Cost(roundsLog2: Int(hash[1]), blockSize: Int(hash[2]), parallelism: Int(hash[3]))
    let salt = Array(hash[headerBytes..<headerBytes + saltBytes])
    guard cost.isReasonable, let key = try? derive(password, salt: salt, cost) else { return false }
    // Keys are compared in constant time.
    return key == SymmetricKey(data: hash[(headerBytes + saltBytes)...])
  }

  private static func derive(_ password: String, salt: [UInt8], _ cost: Cost) throws -> SymmetricKey {
    try KDF.Scrypt.deriveKey(
      from: Array(password.utf8),
      salt: salt,
      outputByteCount: keyBytes,
      rounds: 1 << cost.roundsLog2,
      blockSize: cost.blockSize,
      parallelism: cost.parallelism
    )
  }
}
