// SPDX-License-Identifier: Apache-2.0
import NIOPosix

/// A program that keeps passwords, `docker-credential-NAME`: docker's credential helper.
///
/// Source: docker/docker-credential-helpers: `get`, `store` and `erase`, JSON on standard input and output.
struct PasswordKeeper: Sendable {
  /// The longest answer.
  static let limitBytes = 64 * 1024

  private let program: String
  private let environment: [String: String]

  init(_ name: String, _ environment: [String: String]) throws(DockerEngineError) {
    guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }) else {
      throw DockerEngineError(.badRequest, "credential helper \"\(name)\": this is no name of a program")
    }
    program = "docker-credential-" + name
    self.environment = environment
  }

  /// The login for a key; nil when it keeps none.
  func login(for key: String) async throws(DockerEngineError) -> RegistryLogin? {
    let (status, answer) = try await run("get", key)
    guard status == 0, let document = try? JSONValue(parsing: answer) else {
      let text = String(decoding: answer, as: UTF8.self).trimmingTrailingWhitespace()
      if text.contains("credentials not found") { return nil }
      throw DockerEngineError(.file, "\(program) get: \(text.isEmpty ? "failed with status \(status)" : text)")
    }
    let user = document["Username"]?.string ?? ""
    let secret = document["Secret"]?.string ?? ""
    // Their way to say that the secret is a token.
    return user == "<token>"
      ? RegistryLogin(key: key, user: "", password: "", identityToken: secret)
      : RegistryLogin(key: key, user: user, password: secret)
  }

  func keep(_ login: RegistryLogin) async throws(DockerEngineError) {
    let entry = JSONObject([
      ("ServerURL", .string(login.key)), ("Username", .string(login.identityToken == nil ? login.user : "<token>")),
      ("Secret", .string(login.identityToken ?? login.password)),
    ])
    let (status, answer) = try await run("store", JSONValue.object(entry).compactText)
    guard status == 0 else {
      throw DockerEngineError(
        .file,
        "\(program) store: \(String(decoding: answer, as: UTF8.self).trimmingTrailingWhitespace())"
      )
    }
  }

  /// Whether there was anything to forget.
  func forget(_ key: String) async throws(DockerEngineError) -> Bool {
    try await run("erase", key).status == 0
  }

  private func run(_ verb: String, _ input: String) async throws(DockerEngineError) -> (status: Int32, answer: [UInt8])
  {
    do {
      let variables = environment.merging(["PATH": environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"]) { $1 }
      let program = program
      return try await NIOThreadPool.singleton.runIfActive {
        try ShortProgram.run(program, [verb], variables, input: Array(input.utf8), limitBytes: Self.limitBytes)
      }
    } catch let error as DockerEngineError {
      throw error
    } catch {
      throw DockerEngineError(.file, "\(program) \(verb): \(error)", cause: error)
    }
  }
}
