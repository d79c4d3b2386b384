// SPDX-License-Identifier: Apache-2.0

/// What the log is a log of.
///
/// Invariant: deterministic. Equal entries in equal order give equal machines and outcomes on every member; time comes
/// from ``Entry/timestampNanoseconds`` alone.
public protocol StateMachine {
  /// What applying an entry gives back to whoever proposed it.
  associatedtype Outcome

  /// Applies the next committed entry; called once for each index, in order, the `.empty` and `.configuration` entries
  /// included.
  mutating func apply(_ entry: Entry) -> Outcome

  /// Writes the whole state, as of the last entry applied, as a series of pieces of any size.
  ///
  /// Invariant: the bytes are the same on every member that has applied the same entries.
  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws

  /// The state as of the last entry applied, for a snapshot that is written while the machine goes on.
  func frozen() -> any FrozenState

  /// Replaces the whole state by that of a snapshot.
  ///
  /// - Parameters:
  ///   - metadata: What the snapshot stands for.
  ///   - read: Returns the next piece, nil after the last. The pieces are not those that were written.
  /// - Throws: What `read` throws, or the reason why the bytes are not a snapshot of this machine; the state
  ///   must then be what it was.
  mutating func restore(_ metadata: SnapshotMetadata, read: () throws -> [UInt8]?) throws
}

/// The state of a machine at one moment, which another thread may write out.
///
/// It is let go of as soon as it is written.
public protocol FrozenState: Sendable {
  /// Writes the whole state as a series of pieces of any size.
  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws
}

extension StateMachine where Self: Sendable {
  /// A copy of the machine; for machines that are values.
  public func frozen() -> any FrozenState { FrozenCopy(machine: self) }
}

/// A copy of a machine that is a value.
private struct FrozenCopy<Machine: StateMachine & Sendable>: FrozenState {
  let machine: Machine

  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
    try machine.writeSnapshot(write)
  }
}
