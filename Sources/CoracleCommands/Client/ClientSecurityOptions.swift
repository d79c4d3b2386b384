// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Logging
import TransportSecurity

/// The flags for https endpoints, each with a variable behind it.
struct ClientSecurityOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The authorities whose servers are trusted, in PEM form (default: CORACLE_CA_FILE, else the system's).",
      valueName: "file"
    ),
    completion: .file()
  )
  var caFile: String?

  @Option(
    help: ArgumentHelp("A client certificate in PEM form (default: CORACLE_CERT_FILE).", valueName: "file"),
    completion: .file()
  )
  var certFile: String?

  @Option(
    help: ArgumentHelp("The certificate's key in PEM form (default: CORACLE_KEY_FILE).", valueName: "file"),
    completion: .file()
  )
  var keyFile: String?

  /// The files, of which none may be there.
  func files(environment: [String: String]) -> SecurityFiles {
    SecurityFiles(
      flags: (ca: caFile, certificate: certFile, key: keyFile),
      environment: environment,
      prefix: "CORACLE"
    )
  }
}

extension SecurityFiles {
  /// The files that flags name, or else the variables `<PREFIX>_CA_FILE`, `_CERT_FILE` and `_KEY_FILE`.
  ///
  /// An empty text is as if it were not there, as in files of variables.
  init(
    flags: (ca: String?, certificate: String?, key: String?),
    environment: [String: String],
    prefix: String
  ) {
    func value(_ flag: String?, _ name: String) -> String? {
      let text = flag ?? environment["\(prefix)_\(name)"] ?? ""
      return text.isEmpty ? nil : text
    }
    self.init(
      certificate: value(flags.certificate, "CERT_FILE"),
      key: value(flags.key, "KEY_FILE"),
      trustedAuthorities: value(flags.ca, "CA_FILE")
    )
  }
}

extension Logger {
  /// A logger of commands, which tell everything themselves.
  static var silent: Logger { Logger(label: "coracle") { _ in SwiftLogNoOpLogHandler() } }
}
