// SPDX-License-Identifier: Apache-2.0
import FleetWire
import Synchronization
import Units

/// Follows units over their restarts, over moves to other machines and over restarts of nodes: each machine's journal is
/// read on from a cursor, so that nothing is shown twice or left out.
///
/// Concurrency: one task for each machine reads, one prints; what waits between them is bounded by ``JournalMerge``.
final class JournalFollowing: Sendable {
  /// How often the cluster is looked at for machines that have come into play.
  static let discoveryInterval = Duration.seconds(1)
  /// How long until a journal that broke off is opened again.
  static let retryInterval = Duration.milliseconds(500)
  /// Silence after which a machine counts as gone; it would have said something by then.
  static let silenceLimit = JournalFeed.heartbeat * 4
  /// Up to so many machines all are followed, of larger clusters those that have one of the units.
  static let smallCluster = 64
  /// How far back a machine is read that was not there at the start: its clock may be behind ours.
  static let clockAllowanceMicroseconds: Int64 = 10_000_000
  /// How often is looked whether a line's turn has come, which time alone decides, or whether there is room again.
  private static let lookInterval = Duration.milliseconds(20)

  private struct State {
    var merge = JournalMerge()
    var cursors: [String: JournalPosition]
  }

  private let session: UnitSession
  private let journals: any JournalAPI
  private let selection: JournalSelection
  private let onlyMachine: String?
  private let sinceMicroseconds: Int64?
  private let startMicroseconds: Int64
  private let text: JournalText
  private let state: Mutex<State>
  private let begin = ContinuousClock.now

  /// Makes a following.
  ///
  /// - Parameters:
  ///   - session: The cluster, and where lines and complaints go.
  ///   - journals: The journals.
  ///   - selection: The units.
  ///   - onlyMachine: The only machine that counts; nil for all.
  ///   - sinceMicroseconds: Entries before it do not count.
  ///   - startMicroseconds: When the command was started.
  ///   - cursors: What has been shown, by machine.
  ///   - text: How lines look.
  init(
    session: UnitSession,
    journals: any JournalAPI,
    selection: JournalSelection,
    onlyMachine: String?,
    sinceMicroseconds: Int64?,
    startMicroseconds: Int64,
    cursors: [String: JournalPosition],
    text: JournalText
  ) {
    self.session = session
    self.journals = journals
    self.selection = selection
    self.onlyMachine = onlyMachine
    self.sinceMicroseconds = sinceMicroseconds
    self.startMicroseconds = startMicroseconds
    self.text = text
    state = Mutex(State(cursors: cursors))
  }

  /// Follows until the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.print() }
      var known: Set<String> = []
      while !Task.isCancelled {
        for machine in await machines() where known.insert(machine).inserted {
          group.addTask { await self.follow(machine) }
        }
        try? await session.sleep(Self.discoveryInterval)
      }
    }
  }

  // MARK: Machines

  /// The machines that may have something; none when that cannot be found out now.
  private func machines() async -> [String] {
    if let onlyMachine { return [onlyMachine] }
    var ids = Set((try? await session.fleet.machines())?.map(\.id) ?? [])
    if ids.count > Self.smallCluster { ids = [] }
    if selection.isOneName, let name = selection.plainNames.first {
      if let id = (try? await session.fleet.unit(named: name))?.machineID { ids.insert(id) }
      let states = (try? await session.fleet.states(matching: FleetStateFilter(unitName: name))) ?? []
      ids.formUnion(states.map(\.machineID))
    } else {
      let units = ((try? await session.fleet.units()) ?? []).filter { selection.matches($0.name) }
      ids.formUnion(units.compactMap(\.machineID))
      let states = ((try? await session.fleet.states(matching: FleetStateFilter())) ?? [])
      ids.formUnion(states.filter { selection.matches($0.name) }.map(\.machineID))
    }
    return ids.sorted()
  }

  private func follow(_ machine: String) async {
    var isTold = false
    while !Task.isCancelled {
      do {
        let feed = try await journals.journal(query(machine))
        state.withLock { $0.merge.open(machine) }
        while let batch = try await next(feed) {
          isTold = false
          try await take(batch, from: machine)
        }
      } catch {
        // A machine that comes and goes is told once each time.
        if !isTold, !Task.isCancelled {
          session.output.errorLine(
            "-- machine \(machine.prefix(8)) cannot be read (\(session.text(error))); going on when it can --"
          )
        }
        isTold = true
      }
      state.withLock { $0.merge.close(machine) }
      try? await session.sleep(Self.retryInterval)
    }
  }

  private func query(_ machine: String) -> JournalQuery {
    var query = JournalQuery(units: selection.words, machineID: machine, follows: true)
    query.sinceMicroseconds = sinceMicroseconds
    if let cursor = state.withLock({ $0.cursors[machine] }) {
      query.after = cursor
    } else {
      query.sinceMicroseconds = max(sinceMicroseconds ?? 0, startMicroseconds - Self.clockAllowanceMicroseconds)
    }
    return query
  }

  private func take(_ batch: JournalBatch, from machine: String) async throws {
    while state.withLock({ $0.merge.isFull(machine) }) { try await Task.sleep(for: Self.lookInterval) }
    let now = ContinuousClock.now - begin
    state.withLock { state in
      state.merge.add(batch.records, from: machine, at: now)
      state.cursors[machine] = max(batch.cursor, state.cursors[machine] ?? .start)
    }
  }

  /// The next batch, if it comes before the machine has been silent for too long.
  private func next(_ feed: JournalFeed) async throws -> JournalBatch? {
    try await withThrowingTaskGroup(of: JournalBatch?.self) { group in
      group.addTask { try await feed.next() }
      group.addTask {
        try await Task.sleep(for: Self.silenceLimit)
        throw FleetAPIError.unreachable("nothing was heard of it for \(Self.silenceLimit.components.seconds) s")
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }

  // MARK: Printing

  private func print() async {
    while !Task.isCancelled {
      let now = ContinuousClock.now - begin
      let records = state.withLock { $0.merge.take(at: now) }
      for record in records { session.output.line(text.line(record)) }
      if records.isEmpty { try? await Task.sleep(for: Self.lookInterval) }
    }
  }
}
