// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Logging
import NIOPosix
import RaftTransport
import TransportSecurity

/// The TLS of this node's listeners and connections, made of files that have been read and checked.
struct NodeSecurity: Sendable {
  /// The TLS of https client URLs; nil when there are none.
  let listeners: ServerSecurity?
  /// The TLS of the streams between members.
  let peers: PeerSecurity
  /// Shown to and trusted of other members' client URLs.
  let members: ClientSecurity
  /// Shown to and trusted of members' peer URLs.
  let peerClient: ClientSecurity
  /// Shown to and trusted of a discovery service: a public one, or one of this cluster's own kind.
  let discovery: ClientSecurity
  /// Shown to and trusted of a remote store.
  let store: ClientSecurity

  /// Reads the files that a plan names.
  ///
  /// - Throws: ``NodeError`` in one line that names the key and the file.
  static func read(_ plan: BootPlan, logger: Logger) async throws -> NodeSecurity {
    do {
      return try await NIOThreadPool.singleton.runIfActive { try NodeSecurity(plan, logger) }
    } catch let error as SecurityError {
      throw NodeError("", cause: error)
    }
  }

  /// Blocks while it reads.
  private init(_ plan: BootPlan, _ logger: Logger) throws(SecurityError) {
    let client = plan.etcd?.clientSecurity.files(.etcd) ?? SecurityFiles(names: .etcd)
    let peer = plan.etcd?.peerSecurity.files(.etcdPeer) ?? SecurityFiles(names: .etcdPeer)
    let remote = plan.fleet?.storeSecurity.files(.fleetStore) ?? SecurityFiles(names: .fleetStore)
    let listensSecurely = plan.listensSecurely
    listeners = listensSecurely ? try ServerSecurity(files: client, logger: logger) : nil
    let peerServer = plan.etcd?.listensToPeersSecurely == true ? try ServerSecurity(files: peer, logger: logger) : nil

    // Files that nothing can need have been warned of, and keep no node from starting.
    let usesClient = listensSecurely || plan.etcd?.mayForward == true
    let usesPeer = plan.etcd?.namesSecurePeers == true || plan.etcd?.mayForward == true
    let peerFiles = usesPeer ? peer : SecurityFiles(names: .etcdPeer)
    // Source: etcd v3.4.23 `etcdmain/etcd.go`: a proxy shows the peers' certificate when there is none for clients.
    var memberFiles = usesClient && !client.isEmpty ? client : peerFiles
    if plan.etcd == nil { memberFiles = remote }
    members = try ClientSecurity(files: memberFiles, logger: logger)
    peerClient = try ClientSecurity(files: peerFiles, logger: logger)
    var discoveryFiles = memberFiles
    discoveryFiles.trustsSystemToo = true
    discovery = try ClientSecurity(files: discoveryFiles, logger: logger)
    store = try ClientSecurity(files: remote, logger: logger)
    peers = PeerSecurity(server: peerServer, client: peerClient)
  }
}

extension SecurityFiles.SettingNames {
  /// The keys for client URLs.
  static let etcd = SecurityFiles.SettingNames(
    certificate: "coreos.etcd2.cert-file",
    key: "coreos.etcd2.key-file",
    trustedAuthorities: "coreos.etcd2.trusted-ca-file"
  )
  /// The keys for peer URLs.
  static let etcdPeer = SecurityFiles.SettingNames(
    certificate: "coreos.etcd2.peer-cert-file",
    key: "coreos.etcd2.peer-key-file",
    trustedAuthorities: "coreos.etcd2.peer-trusted-ca-file"
  )
  /// The keys for a remote store.
  static let fleetStore = SecurityFiles.SettingNames(
    certificate: "coreos.fleet.etcd-certfile",
    key: "coreos.fleet.etcd-keyfile",
    trustedAuthorities: "coreos.fleet.etcd-cafile"
  )
}

extension SecurityPlan {
  /// The files under the names of their keys.
  fileprivate func files(_ names: SecurityFiles.SettingNames) -> SecurityFiles {
    SecurityFiles(
      certificate: certificateFile,
      key: keyFile,
      trustedAuthorities: trustedAuthoritiesFile,
      requiresClientCertificate: requiresClientCertificate,
      names: names
    )
  }
}

extension BootPlan {
  /// Whether clients are served with TLS anywhere.
  fileprivate var listensSecurely: Bool {
    ((etcd?.listenClientURLs ?? []) + (fleet?.listenURLs ?? [])).contains { $0.scheme == .https }
  }
}

extension EtcdPlan {
  /// Whether a member that follows this plan listens to its peers with TLS; a proxy does once it has been promoted.
  fileprivate var listensToPeersSecurely: Bool {
    (proxy == .off || peerSecurity.certificateFile != nil) && listenPeerURLs.contains { $0.scheme == .https }
  }

  /// Whether this node may become a worker, which asks members wherever they are.
  fileprivate var mayForward: Bool {
    if proxy != .off { return true }
    switch bootstrap {
    case .discovery, .discoverySRV: return true
    case .alone, .initialCluster: return false
    }
  }

  /// Whether a peer URL of the document asks for TLS.
  fileprivate var namesSecurePeers: Bool {
    var urls = listenPeerURLs + initialAdvertisePeerURLs
    if case .initialCluster(let cluster) = bootstrap { urls += cluster.entries.flatMap(\.peerURLs) }
    return urls.contains { $0.scheme == .https }
  }
}
