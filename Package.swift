// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// Settings of every Swift target: language mode 6 with complete checking, warnings as errors.
let houseSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableUpcomingFeature("ImmutableWeakCaptures"),
  .treatAllWarnings(as: .error),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let swiftASN1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: houseSettings)
}

/// Tests of one module; with `fixtures` its folder has recorded data that the tests read where it lies.
func tests(_ subject: String, _ dependencies: [Target.Dependency] = [], fixtures: Bool = false) -> Target {
  .testTarget(
    name: "\(subject)Tests",
    dependencies: [.byName(name: subject)] + dependencies,
    exclude: fixtures ? ["Fixtures"] : [],
    swiftSettings: houseSettings
  )
}

let package = Package(
  name: "coracle",
  products: [
    .executable(name: "coracle", targets: ["coracle"]),
    .executable(name: "coracle-sim", targets: ["coracle-sim"]),
    .executable(name: "coracle-load", targets: ["coracle-load"]),
    .executable(name: "coracle-faults", targets: ["coracle-faults"]),
    .executable(name: "coracle-differential", targets: ["coracle-differential"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // Row 0: pure cores, and the library that unpacks for one of them.
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    module("Raft", [deque]),
    module("EtcdStore", []),
    module("Meters", []),
    module("Units", [crypto]),
    module("Fleet", ["Units"]),
    module("CloudConfig", ["Units", "TextTemplates", "CZlib"]),
    module("TextTemplates", []),
    // Row 1: what stands on the wire.
    module("EtcdWire", ["EtcdStore", "Meters"]),
    module("FleetWire", ["Units", "Fleet", "EtcdWire"]),
    module("Threads", []),
    module("TransportSecurity", [nioCore, nioPosix, nioSSL, nioTLS, logging]),
    // Row 2: what touches the world.
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "CUnitSpawn"),
    .target(name: "CResolver", linkerSettings: [.linkedLibrary("resolv")]),
    .target(name: "CDiskFaults", dependencies: ["CSQLite"]),
    module("RaftStorage", ["Raft", "Threads", "CSQLite", "CDiskFaults"]),
    module("RaftTransport", ["Raft", "TransportSecurity", nioCore, nioPosix, nioHTTP1, logging]),
    module("EtcdServer", ["Raft", "EtcdStore", "EtcdWire", "Meters", "Threads", crypto, cryptoExtras, logging]),
    module(
      "APIServer",
      [
        "Units", "EtcdWire", "FleetWire", "EtcdStore", "Meters", "TransportSecurity", nioCore, nioPosix, nioHTTP1,
        logging,
      ]
    ),
    module(
      "APIClients",
      [
        "EtcdWire", "FleetWire", "EtcdStore", "Units", "Fleet", "TransportSecurity", "CResolver", asyncHTTPClient,
        nioCore, nioPosix, nioHTTP1, logging,
      ]
    ),
    .systemLibrary(name: "CLibSSH2", providers: [.apt(["libssh2-1-dev"])]),
    module("SSHTunnel", ["Threads", "CLibSSH2", crypto, cryptoExtras]),
    module("DockerEngine", ["TextTemplates", asyncHTTPClient, nioCore, nioPosix, nioHTTP1, logging]),
    module("UnitRunner", ["Units", "DockerEngine", "Threads", "CUnitSpawn", logging]),
    // Row 3: daemons' parts.
    module("FleetDaemon", ["Units", "Fleet", "EtcdStore", "EtcdWire", "FleetWire", logging]),
    module(
      "Registrator",
      ["DockerEngine", "EtcdStore", "EtcdWire", "TextTemplates", "Units", logging, nioCore, nioPosix]
    ),
    module("CloudInit", ["CloudConfig", "EtcdStore", "EtcdWire", "Units", "CUnitSpawn", crypto, logging]),
    // Row 4: wiring.
    module(
      "CoracleDaemon",
      [
        "Raft", "EtcdStore", "Units", "CloudConfig", "EtcdWire", "FleetWire", "RaftStorage", "RaftTransport",
        "EtcdServer", "APIServer", "APIClients", "DockerEngine", "UnitRunner", "FleetDaemon", "Registrator",
        "CloudInit", "TransportSecurity",
        logging, nioCore, nioHTTP1, nioPosix, serviceLifecycle, unixSignals,
      ]
    ),
    // Row 5: the command tree.
    module(
      "CoracleCommands",
      [
        "CoracleDaemon", "APIClients", "EtcdStore", "EtcdWire", "Fleet", "FleetWire", "Units", "CloudConfig",
        "CloudInit", "UnitRunner", "DockerEngine", "SSHTunnel", "TransportSecurity",
        argumentParser, logging, nioCore, nioPosix,
      ]
    ),
    // Row 6: the executable.
    .executableTarget(name: "coracle", dependencies: ["CoracleCommands"], swiftSettings: houseSettings),
    // Tests' and simulation's own parts.
    module("TestKit", [crypto, swiftASN1, x509]),
    module("StoreTestKit", ["EtcdStore", "EtcdWire"]),
    module("Histories", ["EtcdStore"]),
    module(
      "ClusterSim",
      ["Raft", "EtcdStore", "EtcdWire", "EtcdServer", "Histories", "Units", "Fleet", "FleetWire", "FleetDaemon"]
    ),
    module("Differential", ["EtcdStore", "EtcdWire", "TestKit"]),
    .executableTarget(
      name: "coracle-differential",
      dependencies: ["Differential", "TestKit", argumentParser],
      swiftSettings: houseSettings
    ),
    .executableTarget(name: "coracle-sim", dependencies: ["ClusterSim", argumentParser], swiftSettings: houseSettings),
    .systemLibrary(name: "CEpoll"),
    .executableTarget(name: "coracle-load", dependencies: ["CEpoll", argumentParser], swiftSettings: houseSettings),
    .executableTarget(
      name: "coracle-faults",
      dependencies: ["Histories", "EtcdStore", "EtcdWire", "TestKit", argumentParser],
      swiftSettings: houseSettings
    ),
    tests("Raft", ["TestKit"]),
    tests("Meters"),
    tests("EtcdStore", ["TestKit"]),
    tests("Units", ["TestKit"], fixtures: true),
    tests("Fleet", ["Units", "TestKit"], fixtures: true),
    tests("CloudConfig", ["CZlib", "TestKit", "TextTemplates", yams], fixtures: true),
    tests("TextTemplates", fixtures: true),
    tests("EtcdWire", ["Differential", "EtcdStore", "TestKit"], fixtures: true),
    tests("FleetWire", ["EtcdWire", "Fleet", "Units", "TestKit"]),
    tests("TransportSecurity", ["TestKit", logging, nioCore, nioPosix, nioSSL]),
    tests("RaftStorage", ["Raft", "CSQLite", "CDiskFaults", "TestKit"]),
    tests("RaftTransport", ["Raft", "TestKit", "TransportSecurity", nioCore, nioPosix, nioHTTP1, logging]),
    tests(
      "EtcdServer",
      [
        "Raft", "RaftStorage", "RaftTransport", "EtcdStore", "EtcdWire", "CDiskFaults", "TestKit", logging, nioCore,
        nioPosix,
      ]
    ),
    tests(
      "APIServer",
      [
        "EtcdStore", "EtcdWire", "Fleet", "FleetDaemon", "FleetWire", "Meters", "Units", "StoreTestKit", "TestKit",
        "TransportSecurity", logging, nioCore, nioPosix, nioEmbedded,
        nioHTTP1,
      ],
      fixtures: true
    ),
    tests(
      "APIClients",
      [
        "APIServer", "Fleet", "FleetWire", "EtcdStore", "EtcdWire", "StoreTestKit", "TestKit", "TransportSecurity",
        logging, nioCore, nioPosix, nioHTTP1,
      ]
    ),
    tests("DockerEngine", ["TextTemplates", "TestKit", nioCore, nioPosix, nioHTTP1, logging]),
    tests("SSHTunnel", ["TestKit"]),
    tests("UnitRunner", ["Units", "DockerEngine", "CUnitSpawn", "TestKit", logging]),
    tests(
      "FleetDaemon",
      ["APIClients", "Units", "Fleet", "FleetWire", "EtcdStore", "EtcdWire", "TestKit", logging]
    ),
    tests(
      "Registrator",
      ["DockerEngine", "EtcdStore", "EtcdWire", "TestKit", "TextTemplates", "Units", logging, nioCore, nioPosix]
    ),
    tests("CloudInit", ["CloudConfig", "EtcdStore", "EtcdWire", "TestKit"]),
    tests(
      "CoracleCommands",
      [
        "APIClients", "EtcdStore", "EtcdWire", "Fleet", "FleetWire", "SSHTunnel", "TestKit", "TransportSecurity",
        "Units", argumentParser, nioCore, nioPosix, nioHTTP1,
      ],
      fixtures: true
    ),
    tests("Histories", ["EtcdStore"]),
    tests("ClusterSim", ["Raft", "TestKit"]),
    .testTarget(name: "TidyTests", swiftSettings: houseSettings),
    .testTarget(name: "ProcessTests", dependencies: ["TestKit"], swiftSettings: houseSettings),
    .testTarget(
      name: "PeerTests",
      dependencies: ["Differential", "EtcdWire", "TestKit"],
      swiftSettings: houseSettings
    ),
  ]
)

// `make fuzz` alone asks for it: it needs every module compiled for libFuzzer.
if Context.environment["CORACLE_FUZZ"] != nil {
  package.targets.append(.target(name: "FuzzDriver", path: "Tests/Fuzz/Driver", swiftSettings: houseSettings))
  package.products.append(.executable(name: "coracle-fuzz", targets: ["coracle-fuzz"]))
  package.targets.append(
    .executableTarget(
      name: "coracle-fuzz",
      dependencies: [
        "FuzzDriver", "APIServer", "EtcdStore", "EtcdWire", "Raft", "RaftTransport", "StoreTestKit", logging, nioCore,
        nioEmbedded,
      ],
      path: "Tests/Fuzz/Sources",
      swiftSettings: houseSettings,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]
    )
  )
  // User-data needs none of the above, and so is built in a minute.
  package.products.append(.executable(name: "coracle-fuzz-userdata", targets: ["coracle-fuzz-userdata"]))
  package.targets.append(
    .executableTarget(
      name: "coracle-fuzz-userdata",
      dependencies: ["FuzzDriver", "CloudConfig"],
      path: "Tests/Fuzz/UserData",
      swiftSettings: houseSettings,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]
    )
  )
}
