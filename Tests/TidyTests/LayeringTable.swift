// SPDX-License-Identifier: Apache-2.0

/// What each target may import: the table of the design, which SwiftPM does not hold by itself.
///
/// A target imports only targets of the rows above its own. A new target or a new arrow is a change of the design: it is made
/// in docs/ARCHITECTURE.md first, then here.
enum LayeringTable {
  /// What one target may import.
  struct Row {
    /// Targets of this package.
    var own: Set<String>
    /// Modules of other packages and of the system.
    var others: Set<String>
  }

  private static let collections: Set = ["Collections", "DequeModule", "HeapModule", "OrderedCollections"]
  private static let nio: Set = ["NIOCore", "NIOPosix", "NIOHTTP1", "NIOConcurrencyHelpers", "NIOFoundationCompat"]
  private static let system: Set = ["Glibc", "Synchronization", "FoundationEssentials", "Logging"]
  private static let wire: Set = ["EtcdStore", "Units", "Fleet", "EtcdWire", "FleetWire"]
  private static let daemonParts: Set = [
    "RaftStorage", "RaftTransport", "EtcdServer", "APIServer", "APIClients", "DockerEngine", "UnitRunner",
    "FleetDaemon", "Registrator", "CloudInit", "TransportSecurity",
  ]
  private static let cores: Set = ["Raft", "EtcdStore", "Units", "Fleet", "CloudConfig", "TextTemplates"]

  static let rows: [String: Row] = [
    // Row 0: no clock, disk, network, lock, log.
    "Raft": Row(own: [], others: collections),
    "EtcdStore": Row(own: [], others: collections),
    // Counts without locks; no core.
    "Meters": Row(own: [], others: ["Synchronization"]),
    "Units": Row(own: [], others: ["Crypto"]),
    "Fleet": Row(own: ["Units"], others: []),
    "CloudConfig": Row(own: ["Units", "TextTemplates", "CZlib"], others: []),
    "TextTemplates": Row(own: [], others: []),
    // Row 1
    "EtcdWire": Row(own: ["EtcdStore", "Meters"], others: []),
    "FleetWire": Row(own: ["Units", "Fleet", "EtcdStore", "EtcdWire"], others: ["Crypto"]),
    "Threads": Row(own: [], others: ["Glibc"]),
    "TransportSecurity": Row(own: [], others: nio.union(system).union(["NIOSSL", "NIOTLS"])),
    // Row 2
    "RaftStorage": Row(own: ["Raft", "Threads", "CSQLite", "CDiskFaults"], others: system),
    "RaftTransport": Row(own: ["Raft", "TransportSecurity"], others: nio.union(system)),
    "EtcdServer": Row(
      own: ["Raft", "EtcdStore", "EtcdWire", "Meters", "Threads"],
      others: system.union(["Crypto", "CryptoExtras"])
    ),
    "APIServer": Row(own: wire.union(["Meters", "TransportSecurity"]), others: nio.union(system)),
    "APIClients": Row(
      own: wire.union(["TransportSecurity", "CResolver"]),
      others: nio.union(system).union(["AsyncHTTPClient"])
    ),
    "DockerEngine": Row(own: ["TextTemplates"], others: nio.union(system).union(["AsyncHTTPClient"])),
    "SSHTunnel": Row(own: ["Threads", "CLibSSH2"], others: system.union(["Crypto", "CryptoExtras"])),
    "UnitRunner": Row(own: ["Units", "DockerEngine", "Threads", "CUnitSpawn", "CSQLite"], others: nio.union(system)),
    // Row 3
    "FleetDaemon": Row(own: wire, others: system),
    "Registrator": Row(
      own: ["Units", "TextTemplates", "DockerEngine", "EtcdStore", "EtcdWire"],
      others: nio.union(system)
    ),
    "CloudInit": Row(
      own: ["Units", "CloudConfig", "EtcdStore", "EtcdWire", "CUnitSpawn"],
      others: system.union(["Crypto"])
    ),
    // Row 4
    "CoracleDaemon": Row(
      own: cores.union(wire).union(daemonParts),
      others: nio.union(system).union(["ServiceLifecycle", "UnixSignals"])
    ),
    // Row 5
    "CoracleCommands": Row(
      own: cores.union(wire).union([
        "CoracleDaemon", "APIClients", "UnitRunner", "DockerEngine", "SSHTunnel", "TransportSecurity", "CloudInit",
      ]),
      others: nio.union(system).union(["ArgumentParser"])
    ),
    // Row 6
    "coracle": Row(own: ["CoracleCommands"], others: []),
    // Tests' and simulation's own parts.
    "TestKit": Row(own: [], others: system.union(["Foundation", "Testing", "Crypto", "X509", "SwiftASN1"])),
    "StoreTestKit": Row(own: ["EtcdStore", "EtcdWire"], others: ["Synchronization"]),
    "Histories": Row(own: ["EtcdStore"], others: []),
    "ClusterSim": Row(
      own: [
        "Raft", "EtcdStore", "EtcdWire", "EtcdServer", "Histories", "Units", "Fleet", "FleetWire", "FleetDaemon",
      ],
      others: collections.union(["Synchronization"])
    ),
    "coracle-faults": Row(
      own: ["Histories", "EtcdStore", "EtcdWire", "TestKit"],
      others: system.union(["Foundation", "ArgumentParser"])
    ),
    "Differential": Row(own: ["EtcdStore", "EtcdWire", "TestKit"], others: ["Foundation", "Glibc"]),
    "coracle-differential": Row(own: ["Differential", "TestKit"], others: ["ArgumentParser"]),
    "coracle-sim": Row(own: ["ClusterSim"], others: ["ArgumentParser", "Glibc"]),
    "coracle-load": Row(own: ["CEpoll"], others: ["ArgumentParser", "Glibc"]),
  ]

  /// The pure cores, which see no clock, disk, network, lock or log.
  static func isCore(_ target: String) -> Bool { cores.contains(target) }
}
