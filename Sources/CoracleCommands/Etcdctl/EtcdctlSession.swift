// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdStore
import EtcdWire
import Glibc

/// Carries commands of etcdctl out that ask a server.
struct EtcdctlSession: Sendable {
  let clients: CommandClients
  let settings: EtcdctlInvocation.Settings
  let output: CommandOutput

  /// Carries a command out.
  ///
  /// - Returns: The exit code.
  func run(_ command: EtcdctlInvocation.Command) async -> Int32 {
    switch command {
    case .help, .version, .backup: return KeyValueExit.done
    case .clusterHealth(let forever):
      if forever { endQuietlyWhenInterrupted() }
      tellEndpoints(clients)
      return await checkHealth(forever: forever)
    case .keys(let action): return await synchronized { clients in await run(action, clients) }
    case .members(let action):
      return await synchronized { clients in await limited { await run(action, clients.etcd) } }
    case .users(let action): return await authenticating { await run(action, $0) }
    case .roles(let action): return await authenticating { await run(action, $0) }
    case .authentication(let enabled): return await authenticating { await setAuthentication(enabled, $0) }
    case .importSnapshot(let snapshot):
      return await synchronized { clients in await snapshot.run(clients.etcd, output) }
    }
  }

  private func run(_ action: KeyValueAction, _ clients: CommandClients) async -> Int32 {
    let session = KeyValueSession(keys: clients.etcd, format: settings.format, output: output)
    switch action {
    case .watch, .execWatch:
      endQuietlyWhenInterrupted()
      return await session.run(action)
    case .get, .list, .write, .writeDirectory, .remove:
      return await limited(KeyValueExit.serverError, "Error:  ") { await session.run(action) }
    }
  }

  private func authenticating(_ body: @Sendable (EtcdClient) async -> Int32) async -> Int32 {
    await synchronized { clients in
      // The original tells them twice here.
      tellEndpoints(clients)
      return await limited { await body(clients.etcd) }
    }
  }

  // MARK: Members' addresses

  /// Adds the members' own addresses to those given, and goes on with all of them.
  ///
  /// Differs: the original forgets the given ones, so that advertised addresses had to be reachable.
  private func synchronized(_ body: @Sendable (CommandClients) async -> Int32) async -> Int32 {
    guard !settings.noSync else {
      tellEndpoints(clients)
      return await body(clients)
    }
    debug("start to sync cluster using endpoints(\(list(clients.endpoints)))")
    var endpoints = clients.endpoints
    let members: [ClusterMember]
    do throws(APIClientError) {
      members = try await limitedMembers()
    } catch {
      // Other failures are told by what is asked next.
      guard !error.isOfConnections else {
        output.reportFailure(error.message)
        return KeyValueExit.badConnection
      }
      members = []
    }
    for url in members.flatMap(\.clientURLs) {
      if let endpoint = try? Endpoint(url), !endpoints.contains(endpoint) { endpoints.append(endpoint) }
    }
    debug("got endpoints(\(list(endpoints))) after sync")
    let moved = clients.moved(to: endpoints)
    tellEndpoints(moved)
    return await body(moved)
  }

  private func limitedMembers() async throws(APIClientError) -> [ClusterMember] {
    let etcd = clients.etcd
    let result: Result<[ClusterMember], APIClientError> = await limited(KeyValueExit.badConnection, "Error:  ") {
      do throws(APIClientError) {
        return .success(try await etcd.members())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func tellEndpoints(_ clients: CommandClients) {
    debug("Cluster-Endpoints: \(clients.endpoints.map(\.url).joined(separator: ", "))")
  }

  private func debug(_ line: String) {
    if settings.debug { output.errorLine(line) }
  }

  private func list(_ endpoints: [Endpoint]) -> String {
    endpoints.map(\.url).joined(separator: ",")
  }

  // MARK: Time

  /// Ends the process when the body takes longer than `--total-timeout`.
  ///
  /// As in the original, nothing waits for a request that is under way then.
  private func limited<Value: Sendable>(
    _ code: Int32 = KeyValueExit.badArguments,
    _ prefix: String = "",
    _ body: @Sendable () async -> Value
  ) async -> Value {
    let (limit, output) = (settings.totalTimeout, output)
    async let _: Void = {
      guard (try? await Task.sleep(for: limit)) != nil else { return }
      output.errorLine("\(prefix)context deadline exceeded")
      exit(code)
    }()
    // Leaving the scope cancels the guard.
    let value = await body()
    return value
  }
}
