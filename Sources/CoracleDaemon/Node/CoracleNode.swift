// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Logging

/// This machine's node: everything that `coracle node` runs.
public enum CoracleNode {
  /// Runs a node until it is told to stop.
  ///
  /// - Returns: The exit status: 0 after a clean stop, 1 when it could not start or something broke, with one line on
  ///   standard error that says what.
  public static func run(_ options: NodeOptions, environment: [String: String]) async -> Int32 {
    let levels = LogLevelControl(options.logLevel ?? .info)
    let logger = makeLogger(options, levels)
    do {
      let node = try await PreparedNode.make(options, environment: environment, logger: logger)
      if options.logLevel == nil, node.plan.etcd?.isDebugging == true { levels.set(.debug) }
      let manager = ServiceManagerLink(environment: environment, logger: logger)
      try await NodeServices(node: node, levels: levels, manager: manager, logger: logger).run()
      return 0
    } catch {
      StandardError.write("coracle: \(line(for: error))\n")
      return 1
    }
  }

  private static func line(for error: any Error) -> String {
    (error as? NodeError ?? NodeError("", cause: error)).chain
  }

  private static func makeLogger(_ options: NodeOptions, _ levels: LogLevelControl) -> Logger {
    Logger(label: "coracle") { label in
      StandardErrorLogHandler(label: label, format: options.logFormat, control: levels)
    }
  }
}
