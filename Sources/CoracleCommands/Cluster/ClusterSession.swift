// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire
import FleetWire
import NIOCore

/// Carries cluster commands out and prints what they find.
struct ClusterSession {
  let clients: CommandClients
  let output: CommandOutput

  /// How long a member may take to tell where it stands.
  private static let figuresTimeout = Duration.seconds(2)

  /// Asks every member whether it is healthy, as `etcdctl cluster-health` does.
  ///
  /// - Returns: 0 when all are, 4 when the members cannot be listed, 5 when one is not.
  func health(_ format: OutputFormat = .table) async -> Int32 {
    let members: [ClusterMember]
    do throws(APIClientError) {
      members = try await clients.etcd.members()
    } catch {
      if format == .table { output.line("cluster may be unhealthy: failed to list members") }
      output.reportFailure(error.message)
      return KeyValueExit.serverError
    }
    var reports: [(lines: [String], isHealthy: Bool)] = []
    for member in members {
      reports.append(await ClusterReport.checkHealth(of: member) { await clients.askHealth(at: $0) })
    }
    let healthyCount = reports.count(where: \.isHealthy)
    let verdict =
      healthyCount == members.count ? "healthy" : healthyCount * 2 > members.count ? "degraded" : "unhealthy"
    switch format {
    case .table:
      for line in reports.flatMap(\.lines) { output.line(line) }
      output.line("cluster is \(verdict)")
    case .json:
      let list = zip(members, reports).map { member, report -> JSONValue in
        [
          "id": .string(member.hexID), "name": .string(member.name), "isHealthy": .bool(report.isHealthy),
          "reason": .string(report.lines.last ?? ""),
        ]
      }
      output.line(JSONValue.fields(["cluster": .string(verdict), "members": .array(list)]).text)
    }
    return verdict == "healthy" ? KeyValueExit.done : KeyValueExit.unhealthyCluster
  }

  /// Shows where the node stands, and where all members do if it can list them.
  func status(withDigest: Bool, _ format: OutputFormat) async -> Int32 {
    do {
      let status = try await clients.node.nodeStatus(withDigest: withDigest)
      let members = (try? await clients.etcd.members()) ?? []
      let figures = await figures(of: members, withDigest: withDigest)
      output.write(ClusterStatusText.text(status, members, format, figures: figures))
      return KeyValueExit.done
    } catch {
      output.errorLine("Error:  \(error.message)")
      return 1
    }
  }

  /// Asks all members at once where they stand; those that do not answer are left out.
  private func figures(of members: [ClusterMember], withDigest: Bool) async -> [UInt64: NodeStatus.Member] {
    await withTaskGroup(of: (UInt64, NodeStatus.Member)?.self) { group in
      for member in members {
        let endpoints = member.clientURLs.compactMap { try? Endpoint($0) }
        guard !endpoints.isEmpty else { continue }
        let node = NodeClient(
          endpoints: endpoints,
          transport: clients.transport,
          requestTimeout: TimeAmount(withDigest ? Self.figuresTimeout * 5 : Self.figuresTimeout)
        )
        group.addTask {
          guard case .member(let figures)? = try? await node.nodeStatus(withDigest: withDigest) else { return nil }
          return (member.id, figures)
        }
      }
      var found: [UInt64: NodeStatus.Member] = [:]
      for await answer in group { if let answer { found[answer.0] = answer.1 } }
      return found
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
