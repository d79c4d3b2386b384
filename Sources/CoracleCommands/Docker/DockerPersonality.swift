// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Glibc
import Logging

/// Docker's command line, carried out over the engine's socket: as `coracle docker`, and as the `docker` that a shell
/// line of a unit finds first on its PATH, where the host's own program goes first if there is one.
enum DockerPersonality {
  /// The engine that is asked when `DOCKER_HOST` names none.
  static let defaultEngine = "unix:///var/run/docker.sock"

  /// Carries out a command.
  ///
  /// - Parameters:
  ///   - arguments: The words after the program's name.
  ///   - environment: The variables of this process.
  ///   - prefersInstalled: Whether a docker program of the host does it, if there is one.
  /// - Returns: The exit status.
  static func run(arguments: [String], environment: [String: String], prefersInstalled: Bool) async -> Int32 {
    let path = environment["PATH"] ?? ""
    // The process id stays when the installed program takes over.
    let labels = UnitLabels.labels(
      for: try? DockerCommandLine(parsing: arguments),
      environment: environment,
      processID: getpid()
    )
    if prefersInstalled, let program = installedProgram(path: path) {
      replaceProcess(with: program, UnitLabels.words(arguments, with: labels))
    }
    let console = TerminalConsole()
    do {
      let line = try DockerCommandLine(parsing: arguments)
      if line.needsInstalledProgram, let program = installedProgram(path: path) {
        replaceProcess(with: program, arguments)
      }
      let url = line.engineURL ?? environment["DOCKER_HOST"].flatMap { $0.isEmpty ? nil : $0 } ?? defaultEngine
      let client = try DockerEngineClient(url: url, logger: Logger(label: "docker") { _ in SwiftLogNoOpLogHandler() })
      let caller = DockerCaller(environment: environment, workingDirectory: currentDirectory(), labels: labels)
      let result = await DockerCommandExecutor(client: client).execute(line, for: caller, console: console)
      await client.shutdown()
      return result.exitCode
    } catch let error as DockerCommandLineError {
      console.line(OutputLine(.standardError, error.description))
      return error.exitCode
    } catch {
      console.line(OutputLine(.standardError, "docker: \(error)"))
      return 1
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
