// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import Synchronization
import TestKit

@testable import TransportSecurity

extension SecurityFiles.SettingNames {
  /// Names that no other layer uses, so that messages show where they come from.
  static let test = SecurityFiles.SettingNames(
    certificate: "my.cert",
    key: "my.key",
    trustedAuthorities: "my.ca"
  )
}

extension IssuedCertificate {
  /// Writes the certificate, with an authority's if there is one, and names the files.
  func files(
    in directory: URL,
    as name: String = "node",
    trusting authority: CertificateAuthority? = nil
  ) throws -> SecurityFiles {
    let paths = try write(to: directory, as: name)
    var files = SecurityFiles(certificate: paths.certificate, key: paths.key, names: .test)
    if let authority {
      let path = directory.appendingPathComponent("\(name)-ca.pem").path
      try authority.pem().write(toFile: path, atomically: true, encoding: .utf8)
      files.trustedAuthorities = path
    }
    return files
  }
}

/// Keeps what is logged.
final class CollectedLog: Sendable {
  private let lines = Mutex<[String]>([])

  var text: [String] { lines.withLock { $0 } }

  /// How many lines hold a text.
  func count(of part: String) -> Int { text.count { $0.contains(part) } }

  var logger: Logger {
    Logger(label: "test") { _ in Handler(log: self) }
  }

  private struct Handler: LogHandler {
    let log: CollectedLog
    var logLevel = Logger.Level.debug
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
      log.lines.withLock { $0.append("\(event.level) \(event.message)\(fields.joined())") }
    }
  }
}
