// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Logging

/// Brings the records of this machine in the store to what they should be, writing only what differs.
///
/// Concurrency: called by one turn of the registrator at a time.
/// Invariant: a record is in the ledger before it is in the store, so that none is ever without owner.
actor RecordPublisher {
  private let store: any KeysAPI
  private let configuration: RegistratorConfiguration
  private let layout: RecordLayout
  private let logger: Logger
  private let refreshes: PatientRefreshes

  /// Values by key that this machine has in the store, as far as it knows; nil before the ledger was read.
  private var published: [String: String]?
  /// The ledger as last written.
  private var ledger: OwnershipLedger?
  /// Keys that were not kept alive last time; they may have gone.
  private var lingering: Set<String> = []
  /// Keys that a refresh did not find; it may have been asked for before they were last written.
  private var doubtful: Set<String> = []

  init(
    store: any KeysAPI,
    configuration: RegistratorConfiguration,
    logger: Logger,
    needsTurn: @escaping @Sendable (_ isRefreshDue: Bool) -> Void
  ) {
    self.store = store
    refreshes = PatientRefreshes(store: store, needsTurn: needsTurn)
    self.configuration = configuration
    layout = RecordLayout(configuration: configuration)
    self.logger = logger
  }

  private var ledgerKey: String { OwnershipLedger.key(machineID: configuration.machineID) }
  private var ttl: TTLChange { configuration.ttlSeconds == 0 ? .permanent : .seconds(configuration.ttlSeconds) }
  /// The ledger outlives the records it tells of.
  private var ledgerTTLSeconds: UInt64 { configuration.ttlSeconds * 3 }

  /// Makes the store hold exactly what is wanted of this machine's records.
  ///
  /// - Parameters:
  ///   - wanted: What the store should hold.
  ///   - isRefreshDue: Whether records that are right already get their time to live anew.
  ///   - isCheckDue: Whether records that should be right already are looked at.
  /// - Throws: ``EtcdError`` when the store cannot be used now; what was done until then stays known.
  func publish(_ wanted: WantedRecords, isRefreshDue: Bool, isCheckDue: Bool = false) async throws(EtcdError) {
    let findings = refreshes.takeFindings()
    doubtful.formUnion(findings.lost)
    if doubtful.remove(ledgerKey) != nil { ledger = nil }
    if let failure = findings.failure { throw failure }
    let isFirst = published == nil
    if isFirst { published = try await readLedger().values }
    let before = published ?? [:]
    try await writeLedger(before.merging(wanted.values) { _, new in new })
    for (key, value) in before.sorted(by: { $0.key < $1.key }) where wanted.values[key] == nil {
      if !wanted.leaves(key) { try await remove(key, value) }
    }
    var kept: [String] = []
    for (key, value) in wanted.values.sorted(by: { $0.key < $1.key }) {
      if before[key] != value {
        try await write(key, value)
        continue
      }
      let isDoubtful = doubtful.contains(key)
      if isFirst || isCheckDue || isDoubtful || lingering.contains(key) {
        try await putRight(key, value, isFresh: isDoubtful)
        doubtful.remove(key)
      }
      guard isFirst || isRefreshDue || lingering.contains(key) else { continue }
      try await provideSharedRecord(beside: key)
      kept.append(key)
    }
    doubtful = []
    lingering = Set(published?.keys.filter { wanted.values[$0] == nil } ?? [])
    try await writeLedger(published ?? [:])
    if isFirst || isRefreshDue || !kept.isEmpty { keepAlive(kept) }
  }

  /// Removes what carries this machine's host name, is not wanted and belongs to no machine.
  func cleanUp(besides wanted: WantedRecords) async throws(EtcdError) {
    var owned = Set(wanted.values.keys).union(published?.keys.map { $0 } ?? [])
    for (_, text) in try await files(below: OwnershipLedger.directory) {
      owned.formUnion(OwnershipLedger(parsing: text).values.keys)
    }
    var stored: [String: String] = [:]
    for root in layout.roots { stored.merge(try await files(below: root)) { first, _ in first } }
    for key in Leftovers(hostName: configuration.hostName, owned: owned).keys(among: stored.keys) {
      try await remove(key, stored[key] ?? "")
    }
  }

  private func files(below directory: String) async throws(EtcdError) -> [String: String] {
    let root: NodeView
    do {
      root = try await store.get(directory, recursive: true).event.node
    } catch  where error.code == .keyNotFound {
      return [:]
    }
    var files: [String: String] = [:]
    var directories = [root]
    while let directory = directories.popLast() {
      for node in directory.nodes ?? [] {
        if let value = node.value { files[node.key] = value } else { directories.append(node) }
      }
    }
    return files
  }

  /// Writes a record anew that someone else has changed or removed; `isFresh` asks the whole store, where a member may
  /// not know yet.
  private func putRight(_ key: String, _ value: String, isFresh: Bool) async throws(EtcdError) {
    do {
      let stored = try await store.get(key, quorum: isFresh).event.node.value
      guard stored != value else { return }
      logger.warning(
        "service record was changed by someone else",
        metadata: ["registrator.key": "\(key)", "registrator.value": "\(stored ?? "a directory")"]
      )
    } catch  where Self.isAboutKey(error) {
      // Gone: written anew.
    }
    try await write(key, value)
  }

  private func readLedger() async throws(EtcdError) -> OwnershipLedger {
    do {
      return OwnershipLedger(parsing: try await store.get(ledgerKey, quorum: true).event.node.value ?? "")
    } catch  where error.code == .keyNotFound {
      return OwnershipLedger([:])
    }
  }

  private func writeLedger(_ values: [String: String]) async throws(EtcdError) {
    let wanted = OwnershipLedger(values)
    if ledger == wanted || (ledger == nil && values.isEmpty) { return }
    let ttl: TTLChange = configuration.ttlSeconds == 0 ? .permanent : .seconds(ledgerTTLSeconds)
    try await store.set(ledgerKey, wanted.text, ttl: ttl)
    ledger = wanted
  }

  private func write(_ key: String, _ value: String) async throws(EtcdError) {
    do {
      try await provideSharedRecord(beside: key)
      try await store.set(key, value, ttl: ttl)
      published?[key] = value
      logger.info("service record written", metadata: ["registrator.key": "\(key)", "registrator.value": "\(value)"])
    } catch  where Self.isAboutKey(error) {
      // A directory or a file of someone else's stands in the way; the other records must not suffer.
      logger.warning("service record refused", metadata: ["registrator.key": "\(key)", "error": "\(error)"])
    }
  }

  /// Gives records, and the ledger that tells of them, their time to live anew; those that are gone come back next turn.
  private func keepAlive(_ keys: [String]) {
    guard configuration.ttlSeconds > 0 else { return }
    var seconds = Dictionary(uniqueKeysWithValues: keys.map { ($0, configuration.ttlSeconds) })
    if ledger?.values.isEmpty == false { seconds[ledgerKey] = ledgerTTLSeconds }
    refreshes.refresh(seconds)
  }

  /// Makes what machines share, if nobody has; what someone has set up stays as it is.
  private func provideSharedRecord(beside key: String) async throws(EtcdError) {
    guard let shared = layout.sharedRecord(beside: key) else { return }
    do {
      if try await exists(shared.key) { return }
      try await store.create(shared.key, shared.value)
    } catch  where Self.isAboutKey(error) {
      // Someone was faster.
    }
  }

  private func exists(_ key: String) async throws(EtcdError) -> Bool {
    do {
      _ = try await store.get(key)
      return true
    } catch  where error.code == .keyNotFound {
      return false
    }
  }

  /// Removes what machines share, once the last one's record is gone and only if it is what we make.
  private func removeSharedRecord(beside key: String) async throws(EtcdError) {
    guard let shared = layout.sharedRecord(beside: key), let slash = key.lastIndex(of: "/") else { return }
    guard try await !exists(String(key[..<slash])) else { return }
    try await store.compareAndDelete(shared.key, where: Comparison(previousValue: shared.value))
    try await removeEmptyDirectories(above: shared.key)
  }

  /// Removes a record if it is still what this machine wrote, then the directories it leaves empty.
  private func remove(_ key: String, _ value: String) async throws(EtcdError) {
    do {
      try await store.compareAndDelete(key, where: Comparison(previousValue: value))
      logger.info("service record removed", metadata: ["registrator.key": "\(key)"])
      try await removeEmptyDirectories(above: key)
      try await removeSharedRecord(beside: key)
    } catch  where Self.isAboutKey(error) {
      // Expired, removed or taken over by someone else: not ours any more.
    }
    published?[key] = nil
  }

  private func removeEmptyDirectories(above key: String) async throws(EtcdError) {
    var directory = key
    while let slash = directory.lastIndex(of: "/") {
      directory = String(directory[..<slash])
      guard layout.roots.contains(where: { directory.hasPrefix($0 + "/") }) else { return }
      do {
        _ = try await store.perform(.write(key: directory, .delete(isDirectory: true, recursive: false)))
      } catch  where Self.isAboutKey(error) {
        return
      }
    }
  }

  /// Whether an error is about the key and would come again, as opposed to a store that cannot be used now.
  static func isAboutKey(_ error: EtcdError) -> Bool {
    switch error.code {
    case .raftInternal, .leaderElection, .unauthorized: false
    default: true
    }
  }
}
