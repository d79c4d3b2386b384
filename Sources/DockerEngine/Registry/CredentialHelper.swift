// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOPosix

/// A program that keeps passwords, `docker-credential-NAME`.
///
/// Source: docker/docker-credential-helpers: `get`, `store` and `erase`, JSON on standard input and output.
struct CredentialHelper: Sendable {
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

/// A program that reads a little, writes a little and ends.
enum ShortProgram {
  /// How long it may take.
  static let timeLimit = Duration.seconds(60)

  /// Runs it on the calling thread, which it blocks.
  ///
  /// - Returns: Its exit status and standard output.
  static func run(
    _ program: String,
    _ arguments: [String],
    _ environment: [String: String],
    input: [UInt8],
    limitBytes: Int
  ) throws(DockerEngineError) -> (status: Int32, answer: [UInt8]) {
    guard let path = path(of: program, environment["PATH"] ?? "") else {
      throw DockerEngineError(.file, "\(program): not found on the PATH")
    }
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    guard pipe(&toChild) == 0 else { throw failure(program) }
    guard pipe(&fromChild) == 0 else {
      toChild.forEach { _ = close($0) }
      throw failure(program)
    }
    for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var variables = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      posix_spawn_file_actions_destroy(&actions)
      for text in words + variables { free(text) }
    }
    var child = pid_t()
    let code = posix_spawn(&child, path, &actions, nil, &words, &variables)
    close(toChild[0])
    close(fromChild[1])
    guard code == 0 else {
      close(toChild[1])
      close(fromChild[0])
      throw DockerEngineError(.file, "start \(program): \(String(cString: strerror(code)))")
    }
    // What is written fits into the pipe.
    _ = write(toChild[1], input, input.count)
    close(toChild[1])
    let answer = output(of: child, fromChild[0], limitBytes)
    close(fromChild[0])
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, answer)
  }

  private static func output(of child: pid_t, _ descriptor: Int32, _ limitBytes: Int) -> [UInt8] {
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    let deadline = ContinuousClock.now + timeLimit
    while true {
      var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = ContinuousClock.now.duration(to: deadline).components.seconds
      let ready = left <= 0 ? 0 : poll(&wait, 1, Int32(clamping: left * 1000))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else {
        kill(child, SIGKILL)
        return answer
      }
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return answer }
      answer += buffer[..<count]
      guard answer.count <= limitBytes else {
        kill(child, SIGKILL)
        return answer
      }
    }
  }

  private static func path(of program: String, _ directories: String) -> String? {
    directories.split(separator: ":").lazy.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }

  private static func failure(_ program: String) -> DockerEngineError {
    DockerEngineError(.file, "start \(program): \(String(cString: strerror(errno)))")
  }
}
