// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import EtcdStore
import Testing

@testable import CloudInit

/// The machine alone: answers in, directives out.
@Suite struct DiscoveryBootstrapTests {
  static let url = "http://h:2379/discovery/0f"

  private func machine(_ name: String = "a", port: Int = 1, mayBeRegistered: Bool = false) -> DiscoveryBootstrap {
    DiscoveryBootstrap(
      url: Self.url,
      role: .register(name: name, peerURLs: [Self.peer(port)], mayBeRegistered: mayBeRegistered)
    )
  }

  static func peer(_ port: Int) -> EndpointURL {
    EndpointURL(scheme: .http, host: "127.0.0.1", port: port)
  }

  static func id(_ port: Int) -> String {
    MemberID(peerURLs: [peer(port)], clusterToken: url).description
  }

  private func size(_ text: String) -> DiscoveryAnswer {
    .event(
      Event(action: .get, node: NodeView(key: "/0f/_config/size", value: text), etcdIndex: EtcdIndex(9)),
      etcdIndex: EtcdIndex(9)
    )
  }

  /// A directory with members by name and port, created at 10, 11 and so on.
  private func directory(_ members: [(String, Int)], at index: UInt64 = 20, reversed: Bool = false) -> DiscoveryAnswer {
    var nodes = members.enumerated().map { offset, member in
      NodeView(
        key: "/_etcd/registry/0f/\(Self.id(member.1))",
        value: "\(member.0)=\(Self.peer(member.1))",
        modifiedIndex: EtcdIndex(UInt64(10 + offset)),
        createdIndex: EtcdIndex(UInt64(10 + offset))
      )
    }
    if reversed { nodes.reverse() }
    nodes.append(NodeView(key: "/_etcd/registry/0f/_config", isDirectory: true))
    let node = NodeView(key: "/_etcd/registry/0f", isDirectory: true, nodes: nodes)
    return .event(Event(action: .get, node: node, etcdIndex: EtcdIndex(index)), etcdIndex: EtcdIndex(index))
  }

  private func created(at index: UInt64) -> DiscoveryAnswer {
    let node = NodeView(key: "/x", modifiedIndex: EtcdIndex(index), createdIndex: EtcdIndex(index))
    return .event(Event(action: .create, node: node, etcdIndex: EtcdIndex(index)), etcdIndex: EtcdIndex(index))
  }

  private func refused(_ code: EtcdErrorCode) -> DiscoveryAnswer {
    .refused(EtcdError(code, cause: "/x", index: EtcdIndex(9)))
  }

  @Test func `the first of three registers and waits for the others`() throws {
    var machine = machine()
    #expect(machine.start() == .send(.readSize))
    #expect(machine.receive(size("3")) == .send(.readMembers))
    #expect(machine.receive(directory([])) == .send(.register(id: Self.id(1), value: "a=http://127.0.0.1:1")))
    #expect(machine.receive(created(at: 10)) == .send(.readMembers))
    #expect(machine.receive(directory([("a", 1)], at: 10)) == .send(.awaitChange(index: EtcdIndex(11))))
    #expect(machine.receive(created(at: 11)) == .send(.readMembers))
    #expect(machine.receive(directory([("a", 1), ("b", 2)], at: 11)) == .send(.awaitChange(index: EtcdIndex(12))))
    #expect(machine.registeredCount == 2)
    #expect(machine.receive(created(at: 12)) == .send(.readMembers))
    let cluster = try InitialCluster(parsing: "a=http://127.0.0.1:1,b=http://127.0.0.1:2,c=http://127.0.0.1:3")
    #expect(
      machine.receive(directory([("a", 1), ("b", 2), ("c", 3)], reversed: true)) == .finish(.member(cluster))
    )
  }

  @Test func `a machine beyond the size becomes a worker and leaves no key behind`() throws {
    var machine = machine("d", port: 4)
    _ = machine.receive(size("2"))
    let cluster = try InitialCluster(parsing: "a=http://127.0.0.1:1,b=http://127.0.0.1:2")
    #expect(machine.receive(directory([("a", 1), ("b", 2), ("c", 3)])) == .finish(.worker(cluster)))
  }

  @Test func `a machine that loses the race for the last place becomes a worker`() throws {
    var machine = machine("c", port: 3)
    _ = machine.receive(size("2"))
    #expect(machine.receive(directory([("a", 1)])) == .send(.register(id: Self.id(3), value: "c=http://127.0.0.1:3")))
    _ = machine.receive(created(at: 12))
    let cluster = try InitialCluster(parsing: "a=http://127.0.0.1:1,b=http://127.0.0.1:2")
    #expect(machine.receive(directory([("a", 1), ("b", 2), ("c", 3)])) == .finish(.worker(cluster)))
  }

  @Test func `a node that registered without knowing of it has lost its data`() {
    var machine = machine()
    _ = machine.receive(size("3"))
    #expect(
      machine.receive(directory([("a", 1)]))
        == .fail(.alreadyRegistered(url: Self.url, value: "a=http://127.0.0.1:1"))
    )
  }

  @Test func `a registration tried before is found again`() {
    var machine = machine(mayBeRegistered: true)
    _ = machine.receive(size("2"))
    #expect(machine.receive(directory([("a", 1)], at: 30)) == .send(.awaitChange(index: EtcdIndex(31))))
  }

  @Test func `a registration that timed out is looked for, not repeated blindly`() {
    var machine = machine()
    _ = machine.receive(size("2"))
    _ = machine.receive(directory([]))
    #expect(
      machine.receive(.unreachable("timed out"))
        == .retry(.readMembers, after: .seconds(2), reason: "timed out")
    )
    #expect(machine.receive(directory([("a", 1)], at: 10)) == .send(.awaitChange(index: EtcdIndex(11))))
  }

  @Test func `a registration that timed out before it was stored is sent again`() {
    var machine = machine()
    _ = machine.receive(size("2"))
    let register = machine.receive(directory([]))
    _ = machine.receive(.unreachable("timed out"))
    #expect(machine.receive(directory([])) == register)
    #expect(machine.receive(refused(.nodeExists)) == .send(.readMembers))
    #expect(machine.receive(directory([("a", 1)], at: 10)) == .send(.awaitChange(index: EtcdIndex(11))))
  }

  @Test func `another machine with the same peer URLs is not taken for this one`() {
    var machine = machine(mayBeRegistered: true)
    _ = machine.receive(size("2"))
    #expect(
      machine.receive(directory([("other", 1)]))
        == .fail(.alreadyRegistered(url: Self.url, value: "other=http://127.0.0.1:1"))
    )
  }

  @Test func `waits double up to thirty seconds and start over after an answer`() {
    var machine = machine()
    var waits: [Duration] = []
    for _ in 0..<6 {
      guard case .retry(.readSize, let after, "no route") = machine.receive(.unreachable("no route")) else {
        Issue.record("no retry")
        return
      }
      waits.append(after)
    }
    #expect(waits == [2, 4, 8, 16, 30, 30].map { .seconds($0) })
    _ = machine.receive(size("2"))
    #expect(
      machine.receive(.unreachable("x")) == .retry(.readMembers, after: .seconds(2), reason: "x")
    )
  }

  @Test func `a long poll that is cut, or whose history is gone, leads to another look`() {
    var machine = machine()
    _ = machine.receive(size("2"))
    _ = machine.receive(directory([]))
    _ = machine.receive(created(at: 10))
    _ = machine.receive(directory([("a", 1)], at: 10))
    var cut = machine
    #expect(cut.receive(.unreachable("cut")) == .retry(.readMembers, after: .seconds(2), reason: "cut"))
    #expect(machine.receive(refused(.eventIndexCleared)) == .send(.readMembers))
  }

  @Test func `an answer older than the registration is asked for again, a newer one without it is the end`() {
    var machine = machine()
    _ = machine.receive(size("2"))
    _ = machine.receive(directory([]))
    _ = machine.receive(created(at: 10))
    guard case .retry(.readMembers, _, _) = machine.receive(directory([], at: 9)) else {
      Issue.record("no retry")
      return
    }
    #expect(machine.receive(directory([], at: 10)) == .fail(.registrationGone(url: Self.url)))
  }

  @Test func `an unusable token is refused with what is wrong`() {
    var first = machine()
    #expect(first.receive(refused(.keyNotFound)) == .fail(.noSuchToken(url: Self.url)))
    var second = machine()
    #expect(second.receive(size("three")) == .fail(.badSize(url: Self.url, text: "three")))
    var third = machine()
    #expect(third.receive(.malformed("<html>")) == .fail(.badEndpoint(url: Self.url, reason: "<html>")))
    var fourth = machine()
    _ = fourth.receive(size("0"))
    var fifth = machine(mayBeRegistered: true)
    _ = fifth.receive(size("2"))
    #expect(
      fifth.receive(directory([("a", 1), ("a", 2)]))
        == .fail(.duplicateName(url: Self.url, cluster: "a=http://127.0.0.1:1,a=http://127.0.0.1:2"))
    )
  }

  @Test func `a proxy waits for the members without registering`() throws {
    var machine = DiscoveryBootstrap(url: Self.url, role: .observe)
    _ = machine.receive(size("2"))
    #expect(machine.receive(directory([("a", 1)], at: 10)) == .send(.awaitChange(index: EtcdIndex(11))))
    _ = machine.receive(created(at: 11))
    let cluster = try InitialCluster(parsing: "a=http://127.0.0.1:1,b=http://127.0.0.1:2")
    #expect(machine.receive(directory([("a", 1), ("b", 2)])) == .finish(.worker(cluster)))
  }
}
