// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdStore
import EtcdWire
import Glibc

/// The program as `etcdctl` of etcd v2.
///
/// Source: specs §20, etcd v3.4.23 `etcdctl/ctlv2/`. What differs stands in docs/COMPATIBILITY.md.
public enum EtcdctlPersonality {
  /// What `--version` prints behind the name: the version whose v2 API this is, and our own.
  static let version = "2.3.8 (coracle \(CoracleProgram.version))"

  /// How long an answer that needs a majority may take unless `--timeout` says otherwise: an election must not fail a
  /// command.
  private static let defaultTimeout = Duration.seconds(5)
  /// How long other answers may take, before another endpoint is asked.
  private static let defaultLocalTimeout = Duration.seconds(2)

  /// Runs a command line.
  ///
  /// - Parameters:
  ///   - arguments: The words after `etcdctl`.
  ///   - environment: The variables of the process.
  /// - Returns: The exit code: 0 done, 1 bad arguments, 2 no connection, 3 unknown command, 4 refused by the server,
  ///   5 unhealthy cluster.
  public static func run(arguments: [String], environment: [String: String]) async -> Int32 {
    let output = CommandOutput.standard
    do throws(EtcdctlUsageError) {
      let invocation = try EtcdctlInvocation(
        arguments,
        environment: environment,
        readValue: StandardInput.readAll
      )
      return await run(invocation, output)
    } catch {
      return error.report(to: output)
    }
  }

  private static func run(_ invocation: EtcdctlInvocation, _ output: CommandOutput) async -> Int32 {
    switch invocation.command {
    case .help(let topic):
      output.write(topic.help)
      return KeyValueExit.done
    case .version:
      output.line("etcdctl version: \(version)\nAPI version: 2")
      return KeyValueExit.done
    case .backup(let request):
      return await request.run(output)
    case .keys, .members, .clusterHealth, .users, .roles, .authentication, .importSnapshot:
      do {
        return try await ask(invocation, output)
      } catch {
        output.errorLine("\(error)")
        return KeyValueExit.badArguments
      }
    }
  }

  private static func ask(_ invocation: EtcdctlInvocation, _ output: CommandOutput) async throws -> Int32 {
    let settings = invocation.settings
    let endpoints = try await endpoints(settings, output)
    let credentials = try settings.username.map { try Credentials(flag: $0, prompting: output.write) }
    let tell: RequestTrace = { curlCommand($0, $1, $2, output) }
    return try await CommandClients.with(
      endpoints: endpoints,
      credentials: credentials,
      security: settings.security,
      timeout: settings.timeout ?? defaultTimeout,
      localTimeout: settings.timeout ?? defaultLocalTimeout,
      trace: settings.debug ? tell : nil
    ) { clients in
      await EtcdctlSession(clients: clients, settings: settings, output: output).run(invocation.command)
    }
  }

  private static func endpoints(
    _ settings: EtcdctlInvocation.Settings,
    _ output: CommandOutput
  ) async throws -> [Endpoint] {
    guard let domain = settings.discoveryDomain else { return try Endpoint.list(settings.endpoints) }
    let urls = try await ServiceRecord.clientURLs(domain: domain).filter { url in
      guard url.hasPrefix("http://"), !settings.trustsInsecureDiscovery else { return true }
      output.errorLine("ignoring discovered insecure endpoint \"\(url)\"")
      return false
    }
    return try Endpoint.list(urls.isEmpty ? settings.endpoints : urls.joined(separator: ","))
  }

  /// A request as a command line that repeats it.
  private static func curlCommand(_ method: String, _ url: String, _ body: String?, _ output: CommandOutput) {
    let data = body.map { " -d " + GoQuoting.quoted($0) } ?? ""
    output.errorLine("cURL Command: curl -X \(method) \(url)\(data)")
  }
}

/// Texts in quotes as Go's `%q` puts them.
enum GoQuoting {
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 32 || scalar.value == 127:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
