// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdStore
import EtcdWire

/// The program as `etcdctl` of etcd v2.
///
/// Source: specs §20. Differs: a wrong flag or output format ends with 1 before anything is done, where the original
/// prints its help, or does the work first, and ends with 0.
public enum EtcdctlPersonality {
  /// How long an answer may take unless `--timeout` says otherwise: the original's limit for a whole command.
  private static let defaultTimeout = CommandDuration(.seconds(5))
  private static let healthCheckInterval = Duration.seconds(10)

  /// Runs a command line.
  ///
  /// - Parameters:
  ///   - arguments: The words after `etcdctl`.
  ///   - environment: The variables of the process.
  /// - Returns: The exit code: 0 done, 1 bad arguments, 2 no connection, 4 refused by the server, 5 unhealthy cluster.
  public static func run(arguments: [String], environment: [String: String]) async -> Int32 {
    let output = CommandOutput.standard
    do {
      let invocation = try EtcdctlInvocation(
        arguments,
        environment: environment,
        readValue: StandardInput.readAll
      )
      return try await run(invocation, output)
    } catch let error as EtcdctlUsageError {
      let isUnknownCommand = error.message.hasPrefix("No help topic")
      output.errorLine(isUnknownCommand ? error.message : "Error:  \(error.message)")
      return isUnknownCommand ? 3 : KeyValueExit.badArguments
    } catch {
      output.reportFailure("\(error)")
      return KeyValueExit.badArguments
    }
  }

  private static func run(_ invocation: EtcdctlInvocation, _ output: CommandOutput) async throws -> Int32 {
    switch invocation.command {
    case .help:
      output.write(EtcdctlHelp.text)
      return KeyValueExit.done
    case .version:
      output.line("etcdctl version 2.3.8 (coracle \(CoracleProgram.version))")
      return KeyValueExit.done
    case .keys, .memberList, .clusterHealth:
      let settings = invocation.settings
      return try await CommandClients.with(
        endpoints: try Endpoint.list(settings.endpoints),
        credentials: settings.username.map { Credentials(flag: $0) },
        security: settings.security,
        timeout: (settings.timeout ?? defaultTimeout).duration
      ) { clients in
        await run(invocation.command, settings, clients, output)
      }
    }
  }

  private static func run(
    _ command: EtcdctlInvocation.Command,
    _ settings: EtcdctlInvocation.Settings,
    _ clients: CommandClients,
    _ output: CommandOutput
  ) async -> Int32 {
    do throws(APIClientError) {
      switch command {
      case .help, .version:
        return KeyValueExit.done
      case .clusterHealth(let forever):
        return await checkHealth(clients, forever: forever, output)
      case .memberList:
        let clients = settings.noSync ? clients : try await synchronized(clients, settings, output)
        return await listMembers(clients, output)
      case .keys(let action):
        if case .watch = action { endQuietlyWhenInterrupted() }
        let clients = settings.noSync ? clients : try await synchronized(clients, settings, output)
        if settings.debug { output.errorLine("Cluster-Endpoints: \(list(clients.endpoints))") }
        return await KeyValueSession(keys: clients.etcd, format: settings.format, output: output).run(action)
      }
    } catch {
      output.reportFailure(error.message)
      return KeyValueExit.badConnection
    }
  }

  /// Adds the members' own addresses to those given.
  ///
  /// Differs: the original forgets the given ones, so that advertised addresses had to be reachable.
  private static func synchronized(
    _ clients: CommandClients,
    _ settings: EtcdctlInvocation.Settings,
    _ output: CommandOutput
  ) async throws(APIClientError) -> CommandClients {
    if settings.debug { output.errorLine("start to sync cluster using endpoints(\(list(clients.endpoints)))") }
    var endpoints = clients.endpoints
    for url in try await clients.etcd.members().flatMap(\.clientURLs) {
      if let endpoint = try? Endpoint(url), !endpoints.contains(endpoint) { endpoints.append(endpoint) }
    }
    if settings.debug { output.errorLine("got endpoints(\(list(endpoints))) after sync") }
    return clients.moved(to: endpoints)
  }

  private static func list(_ endpoints: [Endpoint]) -> String {
    endpoints.map(\.url).joined(separator: ",")
  }

  private static func listMembers(_ clients: CommandClients, _ output: CommandOutput) async -> Int32 {
    do throws(APIClientError) {
      let members = try await clients.etcd.members()
      let leader = try await clients.etcd.leader()
      for member in members { output.line(ClusterReport.line(for: member, leaderID: leader?.id)) }
      return KeyValueExit.done
    } catch {
      output.reportFailure(error.message)
      return KeyValueExit.badArguments
    }
  }

  private static func checkHealth(
    _ clients: CommandClients,
    forever: Bool,
    _ output: CommandOutput
  ) async -> Int32 {
    while true {
      let members: [ClusterMember]
      do throws(APIClientError) {
        members = try await clients.etcd.members()
      } catch {
        output.line("cluster may be unhealthy: failed to list members")
        output.reportFailure(error.message)
        return KeyValueExit.serverError
      }
      var isHealthy = false
      for member in members {
        let report = await ClusterReport.checkHealth(of: member) { await askHealth(at: $0, clients) }
        for line in report.lines { output.line(line) }
        isHealthy = isHealthy || report.isHealthy
      }
      output.line(isHealthy ? "cluster is healthy" : "cluster is unhealthy")
      guard forever else { return isHealthy ? KeyValueExit.done : KeyValueExit.unhealthyCluster }
      output.write("\nnext check after 10 second...\n\n")
      guard (try? await Task.sleep(for: healthCheckInterval)) != nil else { return KeyValueExit.done }
    }
  }

  private static func askHealth(at url: String, _ clients: CommandClients) async -> Result<Bool, HealthCheckFailure> {
    do throws(APIClientError) {
      return .success(try await clients.etcd.isHealthy(try Endpoint(url)))
    } catch {
      return .failure(HealthCheckFailure(reason: error.message))
    }
  }
}
