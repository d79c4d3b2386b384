// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire

/// The commands on members.
///
/// Source: etcd v3.4.23 `etcdctl/ctlv2/command/member_commands.go`, `cluster_health.go`.
extension EtcdctlSession {
  private static let healthCheckInterval = Duration.seconds(10)
  private static let removalGuide =
    "https://github.com/etcd-io/etcd/blob/master/Documentation/runtime-configuration.md#remove-a-member"

  func run(_ action: MemberAction, _ etcd: EtcdClient) async -> Int32 {
    do throws(APIClientError) {
      switch action {
      case .list:
        let members = try await etcd.members()
        let leader = try await etcd.leader()
        for member in members { output.line(ClusterReport.line(for: member, leaderID: leader?.id)) }
      case .add(let name, let peerURL): try await add(name, peerURL, etcd)
      case .remove(let id): return try await remove(id, etcd)
      case .update(let id, let peerURLs):
        try await etcd.updateMember(id: id, peerURLs: try PeerURLs.checked(peerURLs))
        output.line("Updated member with ID \(id) in cluster")
      }
      return KeyValueExit.done
    } catch {
      output.reportBare(error.message)
      return KeyValueExit.badArguments
    }
  }

  private func add(_ name: String, _ peerURL: String, _ etcd: EtcdClient) async throws(APIClientError) {
    let added = try await etcd.addMember(peerURLs: try PeerURLs.checked([peerURL]))
    output.line("Added member named \(name) with ID \(added.hexID) to cluster")
    let cluster = ClusterReport.initialCluster(try await etcd.members(), naming: added.id, name)
    output.line("\nETCD_NAME=\(GoQuoting.quoted(name))\nETCD_INITIAL_CLUSTER=\(GoQuoting.quoted(cluster))")
    output.line("ETCD_INITIAL_CLUSTER_STATE=\"existing\"")
  }

  private func remove(_ id: String, _ etcd: EtcdClient) async throws(APIClientError) -> Int32 {
    let members: [ClusterMember]
    do throws(APIClientError) {
      members = try await etcd.members()
    } catch {
      output.reportBare("Error while verifying ID against known members: \(error.message)")
      return KeyValueExit.badArguments
    }
    for member in members where member.name == id {
      output.errorLine("Found a member named \(id); if this is correct, please use its ID, eg:")
      output.errorLine("\tetcdctl member remove \(member.hexID)")
      output.errorLine("For more details, read the documentation at \(Self.removalGuide)\n")
    }
    guard members.contains(where: { $0.hexID == id }) else {
      output.errorLine("Couldn't find a member in the cluster with an ID of \(id).")
      return KeyValueExit.badArguments
    }
    do throws(APIClientError) {
      try await etcd.removeMember(id: id)
    } catch {
      output.reportBare("Received an error trying to remove member \(id): \(error.message)")
      return KeyValueExit.badArguments
    }
    output.line("Removed member \(id) from cluster")
    return KeyValueExit.done
  }

  // MARK: Health

  func checkHealth(forever: Bool) async -> Int32 {
    let members: [ClusterMember]
    do throws(APIClientError) {
      members = try await clients.etcd.members()
    } catch {
      output.line("cluster may be unhealthy: failed to list members")
      output.reportFailure(error.message)
      return KeyValueExit.serverError
    }
    while true {
      var isHealthy = false
      for member in members {
        let report = await ClusterReport.checkHealth(of: member) { await clients.askHealth(at: $0) }
        for line in report.lines { output.line(line) }
        isHealthy = isHealthy || report.isHealthy
      }
      output.line(isHealthy ? "cluster is healthy" : "cluster is unhealthy")
      guard forever else { return isHealthy ? KeyValueExit.done : KeyValueExit.unhealthyCluster }
      output.write("\nnext check after 10 second...\n\n")
      guard (try? await Task.sleep(for: Self.healthCheckInterval)) != nil else { return KeyValueExit.done }
    }
  }
}

extension CommandClients {
  /// Asks a member for its health at one of its addresses.
  func askHealth(at url: String) async -> Result<Bool, HealthCheckFailure> {
    do throws(APIClientError) {
      return .success(try await etcd.isHealthy(try Endpoint(url)))
    } catch {
      let reason = error.failures.first ?? error.message
      return .failure(HealthCheckFailure(reason: "Get \(GoQuoting.quoted(url + "/health")): \(reason)"))
    }
  }
}

/// Peer URLs as a command line gives them.
///
/// Source: etcd v3.4.23 `pkg/types/urls.go`.
enum PeerURLs {
  /// The URLs, sorted as the original sends them.
  ///
  /// - Throws: `APIClientError` in the words of the original for the first that is none.
  static func checked(_ urls: [String]) throws(APIClientError) -> [String] {
    func refuse(_ message: String) -> APIClientError { APIClientError(.badEndpoint, message) }
    for url in urls {
      let schemes = ["http", "https", "unix", "unixs"]
      guard let scheme = schemes.first(where: { url.hasPrefix($0 + "://") }) else {
        throw refuse("URL scheme must be http, https, unix, or unixs: \(url)")
      }
      let rest = url.dropFirst(scheme.count + 3)
      let authority = rest.prefix { $0 != "/" }
      let port = authority.lastIndex(of: ":").map { authority[authority.index(after: $0)...] }
      guard scheme.hasPrefix("unix") || port.map({ !$0.isEmpty && $0.allSatisfy(\.isNumber) }) ?? false else {
        throw refuse("URL address does not have the form \"host:port\": \(url)")
      }
      guard rest.count == authority.count else { throw refuse("URL must not contain a path: \(url)") }
    }
    return urls.sorted()
  }
}
