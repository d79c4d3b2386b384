// SPDX-License-Identifier: Apache-2.0
import APIClients
import FleetWire

/// Asks the machine that has a unit for what only that machine knows, when there is no node in between to ask on.
struct MachineInspection: UnitInspectionAPI {
  let fleet: any FleetAPI
  let clients: CommandClients

  func status(of unitName: String) async throws(FleetAPIError) -> UnitStatusReport {
    try await node(of: unitName).status(of: unitName)
  }

  func explain(_ unitName: String) async throws(FleetAPIError) -> UnitExplanation {
    try await anyNode().explain(unitName)
  }

  func journal(of unitName: String, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
    // The reader asks for each line, so nothing waits here.
    let source = JournalSource { try await node(of: unitName).journal(of: unitName, lines: lines, follow: follow) }
    return AsyncThrowingStream(unfolding: { try await source.next() })
  }

  private func node(of unitName: String) async throws(FleetAPIError) -> NodeClient {
    let unit = try await fleet.unit(named: unitName)
    let states = try await fleet.states(matching: FleetStateFilter(unitName: unitName))
    guard let id = unit.machineID ?? states.first?.machineID else {
      throw .notFound("unit \(unitName) does not appear to be loaded")
    }
    guard let url = try await fleet.machines().first(where: { $0.id == id })?.clientURL else {
      throw .failed("machine \(id.prefix(8)), which has \(unitName), is absent or does not say where it can be asked")
    }
    return try client(url)
  }

  private func anyNode() async throws(FleetAPIError) -> NodeClient {
    guard let url = try await fleet.machines().compactMap(\.clientURL).first else {
      throw .failed("no machine says where it can be asked")
    }
    return try client(url)
  }

  private func client(_ url: String) throws(FleetAPIError) -> NodeClient {
    do {
      return clients.moved(to: [try Endpoint(url)]).node
    } catch {
      throw .failed(error.message)
    }
  }
}

/// A journal that is opened when its first line is asked for.
private actor JournalSource {
  private let open: @Sendable () async throws -> AsyncThrowingStream<JournalLine, any Error>
  private var lines: AsyncThrowingStream<JournalLine, any Error>.Iterator?

  init(_ open: @escaping @Sendable () async throws -> AsyncThrowingStream<JournalLine, any Error>) {
    self.open = open
  }

  func next() async throws -> JournalLine? {
    var iterator: AsyncThrowingStream<JournalLine, any Error>.Iterator
    if let lines { iterator = lines } else { iterator = try await open().makeAsyncIterator() }
    defer { lines = iterator }
    return try await iterator.next(isolation: self)
  }
}
