// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

/// Walkthrough 9, and the scenarios in which fleet and its store are parted, with coracle as the store.
@Suite(.serialized, .dedicatedStore(.coracle)) struct DedicatedStoreTests {
  @Test func `9 workers use a store that others hold, with TLS, certificates and a user`() async throws {
    try await DedicatedStoreScene.use { try await $0.unitsRun() }
  }

  @Test func `9 a member that dies is done without`() async throws {
    try await DedicatedStoreScene.use { try await $0.memberDies() }
  }

  @Test func `9 a worker that slept through more events than the store remembers reads everything anew`() async throws {
    try await DedicatedStoreScene.use { try await $0.historyIsCleared() }
  }

  @Test func `40 45 a store that is gone for longer than the TTL moves and stops nothing`() async throws {
    try await DedicatedStoreScene.use { try await $0.storeIsGone() }
  }

  @Test func `43 a worker that cannot reach its store stops well`() async throws {
    try await DedicatedStoreScene.use { try await $0.stopWithoutStore() }
  }
}

/// The same with a real etcd as the store.
@Suite(.serialized, .dedicatedStore(.etcd)) struct RealEtcdStoreTests {
  /// `make scenarios` takes the time that these wait; with coracle as the store they are part of every run.
  private static let runsAll = ProcessInfo.processInfo.environment["CORACLE_ALL_SCENARIOS"] == "1"

  @Test func `9 workers use an etcd, with TLS, certificates and a user`() async throws {
    try await DedicatedStoreScene.use { try await $0.unitsRun() }
  }

  @Test(.enabled(if: Self.runsAll))
  func `9 a member that dies is done without`() async throws {
    try await DedicatedStoreScene.use { try await $0.memberDies() }
  }

  @Test(.enabled(if: Self.runsAll))
  func `9 a worker that slept through more events than etcd remembers reads everything anew`() async throws {
    try await DedicatedStoreScene.use { try await $0.historyIsCleared() }
  }

  @Test(.enabled(if: Self.runsAll))
  func `40 45 an etcd that is gone for longer than the TTL moves and stops nothing`() async throws {
    try await DedicatedStoreScene.use { try await $0.storeIsGone() }
  }
}
