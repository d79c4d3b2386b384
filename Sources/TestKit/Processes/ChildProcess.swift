// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Glibc

/// What a finished command printed and how it ended.
public struct CommandOutput: Sendable, CustomStringConvertible {
  /// The command line.
  public let arguments: [String]
  /// Exit status, or 128 + signal.
  public let status: Int32
  /// Standard output as text.
  public let output: String
  /// Standard error as text.
  public let errors: String

  /// All of it, for messages.
  public var description: String {
    "$ \(arguments.joined(separator: " "))\nstatus \(status)\n--- stdout\n\(output)\n--- stderr\n\(errors)"
  }
}

/// A command failed that a test relies on.
public struct CommandFailed: Error, CustomStringConvertible {
  /// The command and what it printed.
  public let description: String

  /// Makes an error.
  public init(description: String) {
    self.description = description
  }
}

/// A child process that writes to files, so that no pipe can fill up, and ends with its test.
///
/// It is started with `posix_spawn` and not with Foundation's `Process`, which keeps descriptors of every child and
/// reads beyond its buffer once there are many.
public final class ChildProcess {
  /// The command line.
  public let arguments: [String]
  /// Where standard output goes.
  public let outputFile: URL
  /// Where standard error goes.
  public let errorFile: URL
  /// The process id.
  public let id: pid_t
  private var ended: Int32?

  /// Starts a command.
  ///
  /// - Parameters:
  ///   - arguments: Program (looked up on the PATH) and its arguments.
  ///   - environment: Variables added to this process's own.
  ///   - directory: Where the output files are made; a fresh name for each process.
  ///   - input: Bytes for standard input; nothing when nil.
  /// - Throws: When the program cannot be started.
  public init(
    _ arguments: [String],
    environment: [String: String] = [:],
    directory: URL,
    input: String? = nil
  ) throws {
    self.arguments = arguments
    let name = "\(URL(fileURLWithPath: arguments[0]).lastPathComponent)-\(UUID().uuidString.prefix(8))"
    outputFile = directory.appendingPathComponent("\(name).out")
    errorFile = directory.appendingPathComponent("\(name).err")
    var inputPath = "/dev/null"
    if let input {
      inputPath = directory.appendingPathComponent("\(name).in").path
      try input.write(toFile: inputPath, atomically: false, encoding: .utf8)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, inputPath, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, outputFile.path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errorFile.path, O_WRONLY | O_CREAT | O_APPEND, 0o644)

    // The threads that tests run on block signals, which a child would inherit: it could then only be killed.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var mask = sigset_t()
    sigemptyset(&mask)
    posix_spawnattr_setsigmask(&attributes, &mask)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    var words = arguments.map { strdup($0) } + [nil]
    var pairs = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + pairs { free(text) } }
    var child: pid_t = 0
    let code = posix_spawnp(&child, arguments[0], &actions, &attributes, &words, &pairs)
    guard code == 0 else {
      throw CommandFailed(description: "cannot start \(arguments[0]): \(String(cString: strerror(code)))")
    }
    id = child
  }

  /// Whether it still runs.
  public var isRunning: Bool {
    guard ended == nil else { return false }
    var code: Int32 = 0
    guard waitpid(id, &code, WNOHANG) == id else { return true }
    let signal = code & 0x7f
    ended = signal == 0 ? (code >> 8) & 0xff : 128 + signal
    return false
  }

  /// Exit status, or 128 + signal; -1 while it runs.
  public var status: Int32 { isRunning ? -1 : ended ?? -1 }

  /// What it has printed on standard output so far.
  public var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }

  /// What it has printed on standard error so far.
  public var errors: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

  /// Sends a signal to this process alone.
  public func signal(_ signal: Int32) {
    if isRunning { kill(id, signal) }
  }

  /// Waits for the end; kills the process and throws when the deadline passes.
  ///
  /// - Throws: ``DeadlinePassed`` with what was printed.
  public func wait(within timeout: Duration) async throws {
    do {
      try await eventually("end of \(arguments.joined(separator: " "))", within: timeout, every: .milliseconds(5)) {
        !isRunning
      }
    } catch let error as DeadlinePassed {
      signal(SIGKILL)
      throw CommandFailed(description: "\(error.description)\n--- stdout\n\(output)\n--- stderr\n\(errors)")
    }
  }
}

/// Runs a command to its end.
///
/// - Parameters:
///   - arguments: Program and arguments.
///   - environment: Variables added to this process's own.
///   - directory: Where the output is kept; removed with it.
///   - input: Bytes for standard input.
///   - timeout: After it the command is killed.
/// - Returns: What it printed and its status, whatever that is.
/// - Throws: When it cannot be started or does not end in time.
public func run(
  _ arguments: [String],
  environment: [String: String] = [:],
  directory: URL = FileManager.default.temporaryDirectory,
  input: String? = nil,
  within timeout: Duration = .seconds(180)
) async throws -> CommandOutput {
  let child = try ChildProcess(arguments, environment: environment, directory: directory, input: input)
  defer {
    try? FileManager.default.removeItem(at: child.outputFile)
    try? FileManager.default.removeItem(at: child.errorFile)
  }
  try await child.wait(within: timeout)
  return CommandOutput(arguments: arguments, status: child.status, output: child.output, errors: child.errors)
}

/// Runs a command that has to succeed.
///
/// - Returns: Its standard output.
/// - Throws: ``CommandFailed`` with everything it printed when its status is not 0.
@discardableResult
public func succeed(
  _ arguments: [String],
  environment: [String: String] = [:],
  input: String? = nil,
  within timeout: Duration = .seconds(180)
) async throws -> String {
  let output = try await run(arguments, environment: environment, input: input, within: timeout)
  guard output.status == 0 else { throw CommandFailed(description: output.description) }
  return output.output
}
