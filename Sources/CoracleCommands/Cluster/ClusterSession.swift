// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire
import FleetWire

/// Carries cluster commands out and prints what they find.
struct ClusterSession {
  let clients: CommandClients
  let output: CommandOutput

  /// Asks every member whether it is healthy, as `etcdctl cluster-health` does.
  ///
  /// - Returns: 0 when all are, 4 when the members cannot be listed, 5 when one is not.
  func health() async -> Int32 {
    let members: [ClusterMember]
    do throws(APIClientError) {
      members = try await clients.etcd.members()
    } catch {
      output.line("cluster may be unhealthy: failed to list members")
      output.errorLine("Error:  \(error.message)")
      return KeyValueExit.serverError
    }
    var healthyCount = 0
    for member in members {
      let report = await ClusterReport.checkHealth(of: member) { await ask($0) }
      for line in report.lines { output.line(line) }
      if report.isHealthy { healthyCount += 1 }
    }
    let isHealthy = healthyCount * 2 > members.count
    let isDegraded = isHealthy && healthyCount < members.count
    output.line(isHealthy ? (isDegraded ? "cluster is degraded" : "cluster is healthy") : "cluster is unhealthy")
    return isHealthy && !isDegraded ? KeyValueExit.done : KeyValueExit.unhealthyCluster
  }

  private func ask(_ url: String) async -> Result<Bool, HealthCheckFailure> {
    do throws(APIClientError) {
      return .success(try await clients.etcd.isHealthy(try Endpoint(url)))
    } catch {
      return .failure(HealthCheckFailure(reason: error.message))
    }
  }

  /// Shows where the node stands, and all members if it can list them.
  func status(withDigest: Bool, _ format: OutputFormat) async -> Int32 {
    do {
      let status = try await clients.node.nodeStatus(withDigest: withDigest)
      let members = (try? await clients.etcd.members()) ?? []
      output.write(ClusterStatusText.text(status, members, format))
      return KeyValueExit.done
    } catch {
      output.errorLine("Error:  \(error.message)")
      return 1
    }
  }

  /// Makes a discovery token and prints its URL.
  func newToken(size: Int) async -> Int32 {
    let client = DiscoveryClient(endpoints: clients.endpoints, transport: clients.transport)
    do {
      output.line(try await client.newToken(size: size))
      return KeyValueExit.done
    } catch {
      output.errorLine("Error:  \(error.message)")
      return 1
    }
  }
}
