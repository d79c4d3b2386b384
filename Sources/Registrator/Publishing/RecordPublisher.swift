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
  private let logger: Logger
  private let refreshes: PatientRefreshes

  /// Values by key that this machine has in the store, as far as it knows; nil before the ledger was read.
  private var published: [String: String]?
  /// The ledger as last written.
  private var ledger: OwnershipLedger?

  init(
    store: any KeysAPI,
    configuration: RegistratorConfiguration,
    logger: Logger,
    needsTurn: @escaping @Sendable (_ isRefreshDue: Bool) -> Void
  ) {
    self.store = store
    refreshes = PatientRefreshes(store: store, needsTurn: needsTurn)
    self.configuration = configuration
    self.logger = logger
  }

  private var ledgerKey: String { OwnershipLedger.key(machineID: configuration.machineID) }
  private var ttl: TTLChange { configuration.ttlSeconds == 0 ? .permanent : .seconds(configuration.ttlSeconds) }
  /// The ledger outlives the records it tells of.
  private var ledgerTTLSeconds: UInt64 { configuration.ttlSeconds * 3 }

  /// Makes the store hold exactly `wanted` of this machine's records.
  ///
  /// - Parameters:
  ///   - wanted: Values by key.
  ///   - isRefreshDue: Whether records that are right already get their time to live anew.
  /// - Throws: ``EtcdError`` when the store cannot be used now; what was done until then stays known.
  func publish(_ wanted: [String: String], isRefreshDue: Bool) async throws(EtcdError) {
    let findings = refreshes.takeFindings()
    for key in findings.lost {
      published?[key] = nil
      if key == ledgerKey { ledger = nil }
    }
    if let failure = findings.failure { throw failure }
    let isFirst = published == nil
    if isFirst { published = try await readLedger().values }
    let before = published ?? [:]
    try await writeLedger(before.merging(wanted) { _, new in new })
    for (key, value) in before.sorted(by: { $0.key < $1.key }) where wanted[key] == nil {
      try await remove(key, value)
    }
    for (key, value) in wanted.sorted(by: { $0.key < $1.key }) where before[key] != value {
      try await write(key, value)
    }
    try await writeLedger(published ?? [:])
    if isFirst || isRefreshDue { keepAlive(wanted.keys.filter { before[$0] == wanted[$0] }) }
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

  /// Removes a record if it is still what this machine wrote, then the directories it leaves empty.
  private func remove(_ key: String, _ value: String) async throws(EtcdError) {
    do {
      try await store.compareAndDelete(key, where: Comparison(previousValue: value))
      logger.info("service record removed", metadata: ["registrator.key": "\(key)"])
      try await removeEmptyDirectories(above: key)
    } catch  where Self.isAboutKey(error) {
      // Expired, removed or taken over by someone else: not ours any more.
    }
    published?[key] = nil
  }

  private func removeEmptyDirectories(above key: String) async throws(EtcdError) {
    var directory = key
    while let slash = directory.lastIndex(of: "/") {
      directory = String(directory[..<slash])
      guard directory.count > configuration.prefix.count else { return }
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
