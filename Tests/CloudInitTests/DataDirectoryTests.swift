// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Foundation
import Testing

@testable import CloudInit

@Suite struct DataDirectoryTests {
  private let temporary: TemporaryDirectory
  private let directory: DataDirectory

  init() throws {
    temporary = try TemporaryDirectory()
    directory = DataDirectory(path: "\(temporary.path)/a/b")
  }

  @Test func `a membership is read back as it was kept`() async throws {
    #expect(try await directory.membership() == nil)
    let cluster = try InitialCluster(parsing: "x=http://127.0.0.1:1,x=http://h:2,y=http://[::1]:3")
    for record in [
      MembershipRecord.member(ClusterMembership(cluster: cluster, clusterToken: "t", name: "y")),
      .worker(WorkerMembership(peerURLs: cluster.entries.flatMap(\.peerURLs))),
    ] {
      try await directory.keep(record)
      #expect(try await directory.membership() == record)
    }
  }

  @Test(arguments: [
    "", "coracle membership 2\nworker http://h:1\n", "coracle membership 1\n", "coracle membership 1\nworker \n",
    "coracle membership 1\nmember 1\ncluster 2\npeer 3 http://h:1 a\n", "coracle membership 1\nmember x\ncluster 2\n",
  ])
  func `a membership that cannot be understood is refused, never guessed`(_ text: String) async throws {
    try await directory.keepLastGoodUserData(FoundUserData(source: .vmware, userData: UserData(name: "x", bytes: [])))
    try temporary.write("a/b/membership", text)
    await #expect(throws: CloudInitError.self) { try await directory.membership() }
  }

  @Test func `user-data of a version that kept no record is taken for a file's`() async throws {
    #expect(try await directory.lastGoodUserData() == nil)
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try temporary.write("a/b/user-data", "#cloud-config\n")
    let kept = try #require(try await directory.lastGoodUserData())
    #expect(kept.userData?.bytes == Array("#cloud-config\n".utf8) && kept.source == .usualFiles)
  }

  @Test func `a machine id is made once and kept`() async throws {
    let id = try await directory.machineID(given: nil, usesComputerID: false)
    #expect(id.count == 32)
    #expect(try await directory.machineID(given: nil, usesComputerID: true) == id)
    #expect(try await directory.machineID(given: id.uppercased(), usesComputerID: false) == id)
    await #expect(throws: CloudInitError.self) {
      try await directory.machineID(given: "0123456789abcdef0123456789abcdef", usesComputerID: false)
    }
    #expect(try await directory.instanceToken() == directory.instanceToken())
    let other = DataDirectory(path: "\(temporary.path)/c")
    let given = "0123456789ABCDEF0123456789abcdef"
    #expect(try await other.machineID(given: given, usesComputerID: false) == given.lowercased())
    await #expect(throws: CloudInitError.self) {
      try await DataDirectory(path: "\(temporary.path)/d").machineID(given: "short", usesComputerID: false)
    }
  }

  @Test func `no half-written file is left behind`() async throws {
    try await directory.keep(.worker(WorkerMembership(peerURLs: [EndpointURL(scheme: .http, host: "h", port: 1)])))
    let names = try temporary.names(below: "a/b")
    #expect(names == ["membership"])
  }
}
