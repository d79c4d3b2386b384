// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Logging
import Raft
import TestKit
import Testing

@testable import EtcdServer

extension EtcdMember {
  /// Changes users or roles and waits.
  @discardableResult
  func change(_ request: AuthRequest) async throws(AuthFailure) -> AuthOutcome {
    let result: Result<AuthOutcome, AuthFailure> = await withCheckedContinuation { continuation in
      changeAuth(request) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Finds out who a client is.
  func verdict(_ username: String, _ password: String) async -> AuthVerdict {
    await withCheckedContinuation { continuation in
      verify(AuthCredentials(username: username, password: password)) { continuation.resume(returning: $0) }
    }
  }
}

@Suite struct AuthTests {
  /// Hashes that cost nothing, where their cost is not what is tested.
  private static let cheapHashes: @Sendable (inout EtcdMemberConfiguration) -> Void = { $0.passwordRoundsLog2 = 4 }

  @Test func `users and roles are the same on all members, and take no index`() async throws {
    try await LoopbackCluster.with(size: 3, Self.cheapHashes) { cluster in
      let (leader, follower) = (try await cluster.leader(), try await cluster.follower())
      try await leader.set("/a", "1")
      try await follower.change(.putUser(AuthUserRequest(name: "root", password: "pw")))
      try await leader.change(.putRole(AuthRole(name: "r", permissions: AuthPermissions(read: ["/a"]))))
      try await leader.change(.putUser(AuthUserRequest(name: "u", password: "p", roles: ["r"])))
      try await follower.change(.enable)
      #expect(follower.isAuthEnabled)
      try await eventually("all members count users") { cluster.members.allSatisfy(\.isAuthEnabled) }
      #expect(try await cluster.haveEqualTrees())
      for member in cluster.members {
        #expect(member.authState == leader.authState)
        #expect(member.authState.allRoles.map(\.name) == ["guest", "r", "root"])
        guard case .user(let user) = await member.verdict("u", "p") else { return #expect(Bool(false), "not known") }
        #expect(member.authState.allows(user, AuthAccess(key: "/a", isWrite: false, isRecursive: false)))
        #expect(await member.verdict("u", "q") == .unknown)
        #expect(await member.verdict("nobody", "p") == .unknown)
      }
      #expect(try await leader.set("/a", "2").event.etcdIndex == EtcdIndex(2))
    }
  }

  @Test func `refusals come back in etcd's words`() async throws {
    try await LoopbackCluster.with(size: 1, Self.cheapHashes) { cluster in
      let member = cluster.members[0]
      func message(_ request: AuthRequest) async -> String {
        do throws(AuthFailure) {
          return "\(try await member.change(request))"
        } catch {
          if case .refused(let error) = error { return error.message }
          return "\(error)"
        }
      }
      #expect(await message(.enable) == "auth: No root user available, please create one")
      #expect(
        await message(.putUser(AuthUserRequest(name: "u"))) == "auth: Cannot create user u with an empty password"
      )
      #expect(await message(.deleteRole("r")) == "auth: Role r doesn't exist.")
    }
  }

  @Test func `a password is replicated as a hash with a salt of its own`() async throws {
    try await LoopbackCluster.with(size: 1, Self.cheapHashes) { cluster in
      let member = cluster.members[0]
      for name in ["a", "b"] { try await member.change(.putUser(AuthUserRequest(name: name, password: "secret"))) }
      let hashes = member.authState.allUsers.map(\.passwordHash)
      #expect(Set(hashes).count == 2)
      for hash in hashes {
        #expect(!hash.indices.contains { hash[$0...].starts(with: Array("secret".utf8)) })
        #expect(PasswordHash.verify("secret", hash) && !PasswordHash.verify("Secret", hash))
      }
    }
  }

  @Test(arguments: [UInt64(20), 100_000])
  func `users outlive a restart, from a snapshot and from the log`(snapshotCount: UInt64) async throws {
    let adjust: @Sendable (inout EtcdMemberConfiguration) -> Void = {
      $0.snapshotCount = snapshotCount
      $0.trailingEntries = 5
      $0.passwordRoundsLog2 = 4
    }
    try await LoopbackCluster.with(size: 1, adjust) { cluster in
      let first = cluster.members[0]
      try await first.change(.putUser(AuthUserRequest(name: "root", password: "pw")))
      try await first.change(.putRole(AuthRole(name: "r", permissions: AuthPermissions(read: ["/a"]))))
      try await first.change(.enable)
      for number in 0..<60 { try await first.set("/k", "\(number)") }
      let (before, digest) = (first.authState, first.storeDigest())
      await cluster.stop(MemberID(cluster.initialMembers[0].id))
      // What a member knows before its thread runs is from the snapshot alone.
      let unstarted = try cluster.make(cluster.initialMembers[0])
      #expect(unstarted.isAuthEnabled == (snapshotCount == 20))
      await unstarted.stop()
      let again = try cluster.start(cluster.initialMembers[0])
      _ = try await again.get("/k", quorum: true)
      #expect(again.authState == before)
      #expect(again.isAuthEnabled)
      #expect(again.storeDigest().hash == digest.hash)
      #expect(await again.verdict("root", "pw") == .user(try before.existingUser("root")))
    }
  }

  @Test func `a digest tells different users apart`() async throws {
    try await LoopbackCluster.with(size: 1, Self.cheapHashes) { cluster in
      let member = cluster.members[0]
      let before = member.storeDigest()
      try await member.change(.putRole(AuthRole(name: "r")))
      #expect(member.storeDigest().hash != before.hash)
      #expect(member.storeDigest().etcdIndex == before.etcdIndex)
    }
  }

  @Test func `a password that was right is known until it changes`() async throws {
    try await LoopbackCluster.with(size: 1, Self.cheapHashes) { cluster in
      let member = cluster.members[0]
      try await member.change(.putUser(AuthUserRequest(name: "u", password: "one")))
      let first = try member.authState.existingUser("u")
      #expect(member.passwords.known.verdict(first, "one") == nil)
      #expect(await member.verdict("u", "one") == .user(first))
      #expect(member.passwords.known.verdict(first, "one") == true)
      #expect(member.passwords.known.verdict(first, "two") == nil)
      try await member.change(.putUser(AuthUserRequest(name: "u", password: "two")))
      #expect(await member.verdict("u", "one") == .unknown)
      #expect(member.passwords.known.count == 0)
      #expect(await member.verdict("u", "two") == .user(try member.authState.existingUser("u")))
      try await member.change(.deleteUser("u"))
      #expect(await member.verdict("u", "two") == .unknown)
    }
  }

  @Test func `what is known of passwords is bounded, the oldest goes first`() {
    let known = VerifiedCredentials()
    func user(_ number: Int) -> AuthUser { AuthUser(name: "user\(number)", passwordHash: [UInt8(number & 0xFF)]) }
    for number in 0...VerifiedCredentials.maximumUsers { known.note(user(number), "p", isRight: true) }
    #expect(known.count == VerifiedCredentials.maximumUsers)
    #expect(known.verdict(user(0), "p") == nil && known.verdict(user(1), "p") == true)
    for number in 0...VerifiedCredentials.maximumRefusals { known.note(user(1), "wrong\(number)", isRight: false) }
    #expect(known.verdict(user(1), "wrong0") == nil && known.verdict(user(1), "wrong1") == false)
    #expect(known.verdict(user(1), "p") == true, "wrong passwords do not push right ones out")
  }

  @Test func `more passwords than can wait are told so`() async throws {
    let desk = PasswordDesk(logger: Logger(label: "test"))
    let user = AuthUser(name: "u", passwordHash: try PasswordHash.make("p"))
    let verdicts = Shared<[AuthVerdict]>([])
    let count = PasswordDesk.maximumWaiting + 20
    // All ask the same, so that one slow hash answers all that had room.
    for _ in 0..<count { desk.verify(user, "p") { verdict in verdicts.update { $0.append(verdict) } } }
    try await eventually("all are answered") { verdicts.value.count == count }
    #expect(verdicts.value.filter { $0 == .user(user) }.count >= PasswordDesk.maximumWaiting)
    #expect(verdicts.value.allSatisfy { $0 == .user(user) || $0 == .busy })
    #expect(verdicts.value.contains(.busy))
  }

  @Test(arguments: [[], [1], [1, 14, 8, 1], [2, 14, 8, 1] + Array(repeating: 0, count: 48)] as [[UInt8]])
  func `bytes that are no hash fit no password`(hash: [UInt8]) {
    #expect(!PasswordHash.verify("", hash))
  }
}
