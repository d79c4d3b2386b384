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
public final class ChildProcess {
  private let process = Process()
  /// The command line.
  public let arguments: [String]
  /// Where standard output goes.
  public let outputFile: URL
  /// Where standard error goes.
  public let errorFile: URL

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
    _ = FileManager.default.createFile(atPath: outputFile.path, contents: nil)
    _ = FileManager.default.createFile(atPath: errorFile.path, contents: nil)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    if let input {
      let inputFile = directory.appendingPathComponent("\(name).in")
      try Data(input.utf8).write(to: inputFile)
      process.standardInput = try FileHandle(forReadingFrom: inputFile)
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    try process.run()
  }

  /// The process id.
  public var id: Int32 { process.processIdentifier }

  /// Whether it still runs.
  public var isRunning: Bool { process.isRunning }

  /// Exit status, or 128 + signal; only meaningful when it no longer runs.
  public var status: Int32 {
    process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
  }

  /// What it has printed on standard output so far.
  public var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }

  /// What it has printed on standard error so far.
  public var errors: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

  /// Sends a signal to this process alone.
  public func signal(_ signal: Int32) {
    if process.isRunning { kill(process.processIdentifier, signal) }
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
  within timeout: Duration = .seconds(60)
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
  within timeout: Duration = .seconds(60)
) async throws -> String {
  let output = try await run(arguments, environment: environment, input: input, within: timeout)
  guard output.status == 0 else { throw CommandFailed(description: output.description) }
  return output.output
}
