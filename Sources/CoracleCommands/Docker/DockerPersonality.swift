// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Glibc
import Logging

/// `docker` as a shell line of a unit finds it first on its PATH: the host's own program where there is one, else the
/// commands that units use, carried out over the engine's socket.
enum DockerPersonality {
  /// The engine that is asked when `DOCKER_HOST` names none.
  static let defaultEngine = "unix:///var/run/docker.sock"

  /// Exit status of docker's own program for what it refuses.
  private static let refused: Int32 = 125

  static func run(arguments: [String], environment: [String: String]) async -> Int32 {
    if let program = installedProgram(path: environment["PATH"] ?? "") {
      replaceProcess(with: program, arguments)
    }
    let output = CommandOutput.standard
    do {
      let line = try DockerCommandLine(parsing: arguments)
      for warning in line.warnings { output.errorLine("WARNING: \(warning)") }
      let url = line.engineURL ?? environment["DOCKER_HOST"] ?? defaultEngine
      let client = try DockerEngineClient(url: url, logger: Logger(label: "docker") { _ in SwiftLogNoOpLogHandler() })
      let caller = DockerCaller(environment: environment, workingDirectory: currentDirectory())
      let result = await DockerCommandExecutor(client: client).execute(line, for: caller) { text in
        switch text.stream {
        case .standardOutput: output.line(text.text)
        case .standardError: output.errorLine(text.text)
        }
      }
      await client.shutdown()
      return result.exitCode
    } catch {
      output.errorLine("\(error)")
      return refused
    }
  }

  /// The first `docker` on the PATH that is another program than this one.
  static func installedProgram(path: String) -> String? {
    let own = realPath("/proc/self/exe")
    return path.split(separator: ":").lazy.map { "\($0)/docker" }.first { candidate in
      access(candidate, X_OK) == 0 && realPath(candidate) != own
    }
  }

  private static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func currentDirectory() -> String {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return String(cString: path)
  }

  /// Returns only when the program cannot be started; the command is then carried out here.
  private static func replaceProcess(with program: String, _ arguments: [String]) {
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    signal(SIGPIPE, SIG_DFL)
    execv(program, words)
    signal(SIGPIPE, SIG_IGN)
    for word in words { free(word) }
  }
}
