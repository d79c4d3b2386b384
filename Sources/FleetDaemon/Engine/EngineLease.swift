// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import FleetWire
import Logging
import Synchronization

/// Holds, or waits for, the right to place units.
///
/// The lease only keeps machines from working twice: every write of the engine is conditional, so two leaders for a
/// moment do no harm. It is therefore short, and a dead leader is replaced before its presence has expired.
/// Source: specs/fleet.md §5.1.
final class EngineLease: Sendable {
  private let configuration: FleetConfiguration
  private let store: StoreCaller
  private let view: RegistryView
  private let presence: Presence
  private let meter: EngineMeter
  private let logger: Logger
  private let heldSince = Mutex<Duration?>(nil)

  init(
    configuration: FleetConfiguration,
    store: StoreCaller,
    view: RegistryView,
    presence: Presence,
    meter: EngineMeter,
    logger: Logger
  ) {
    self.configuration = configuration
    self.store = store
    self.view = view
    self.presence = presence
    self.meter = meter
    self.logger = logger
  }

  /// Whether this machine leads: the lease was taken or refreshed within its life.
  var isHeld: Bool {
    let now = store.clock.now()
    return heldSince.withLock { since in
      since.map { now - $0 <= .seconds(Int64(configuration.leaseSeconds)) } ?? false
    }
  }

  /// Takes and keeps the lease until cancelled, then gives it back.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [self] in
        while !Task.isCancelled {
          try? await store.clock.sleep(for: configuration.leaseInterval)
          view.leaseSignal.wake()
        }
      }
      for await _ in view.leaseSignal.wakes { await turn() }
      await group.waitForAll()
    }
    release()
  }

  private var key: String { configuration.layout.key(.engineLease) }
  private var value: String { EngineLeaseRecord(machineID: configuration.machineID).value }

  private func turn() async {
    guard view.isLive, presence.isRegistered, await isVersionAccepted() else { return note(isHeld: false) }
    let holder = view.read { $0.lease?.value.machineID }
    guard let step = configuration.leaseStep(holder: holder) else { return note(isHeld: false) }
    if holder == nil, !isHeld {
      // Machines take turns by id, so that not all of them write at once.
      let place = view.read { image in image.machines.keys.count { $0 < configuration.machineID } }
      if place > 0 {
        try? await store.clock.sleep(for: min(.milliseconds(15) * place, .milliseconds(300)))
        guard view.read({ $0.lease == nil }) else { return }
      }
    }
    await write(step)
  }

  private func write(_ write: KeysWrite) async {
    let sentAt = store.clock.now()
    do {
      _ = try await store.write(key, write, within: configuration.presenceTimeout)
      presence.storeAnswered()
      note(isHeld: true)
    } catch  where error.isFromStore {
      note(isHeld: false)
    } catch {
      // Unknown whether it happened: the lease counts until its life is over.
      presence.storeFailed(sentAt: sentAt)
    }
  }

  private func note(isHeld: Bool) {
    let now = store.clock.now()
    let wasHeld = heldSince.withLock { since in
      defer { since = isHeld ? now : nil }
      return since != nil
    }
    guard wasHeld != isHeld else { return }
    meter.leads(isHeld)
    logger.notice(
      isHeld ? "Engine leadership acquired" : "Engine leadership lost",
      metadata: ["machine.id": "\(configuration.machineID)"]
    )
    if isHeld {
      KillPoint.pass("engine-lease-taken")
      view.engineSignal.wake()
    }
  }

  /// Makes sure that no engine newer than this one has been here.
  private func isVersionAccepted() async -> Bool {
    let current = EngineLeaseRecord.currentVersion
    guard let version = view.read({ $0.engineVersion }) else {
      let key = configuration.layout.key(.engineVersion)
      let create = KeysWrite.create(value: String(current), isDirectory: false, ttl: .permanent)
      guard let index = try? await store.write(key, create) else { return false }
      await view.waitUntil(index, within: configuration.requestTimeout, clock: store.clock)
      return true
    }
    return version <= current
  }

  /// Lets another machine lead at once; the answer does not matter, and the TTL covers a lost request.
  private func release() {
    guard heldSince.withLock({ $0 }) != nil else { return }
    let delete = KeysWrite.compareAndDelete(comparison: Comparison(previousValue: value))
    store.keys.perform(.write(key: key, delete)) { _ in }
    meter.leads(false)
    heldSince.withLock { $0 = nil }
  }
}

extension FleetConfiguration {
  /// What a machine writes to take the lease, or to keep it; nil while another one has it.
  func leaseStep(holder: String?) -> KeysWrite? {
    let value = EngineLeaseRecord(machineID: machineID).value
    switch holder {
    case nil: return .create(value: value, isDirectory: false, ttl: .seconds(leaseSeconds))
    case machineID:
      let comparison = Comparison(previousValue: value)
      return .compareAndSwap(value: "", comparison: comparison, ttl: .seconds(leaseSeconds), refresh: true)
    default: return nil
    }
  }
}
