// SPDX-License-Identifier: Apache-2.0

/// A machine as the API shows it.
public struct FleetMachine: Sendable, Equatable {
  /// 32 hex digits.
  public var id: String
  /// The address other machines reach it at; may be empty.
  public var primaryIP: String
  /// Effective metadata: the configured, overridden key by key by the dynamic.
  public var metadata: [String: String]
  /// Ours: where the machine serves its API, so that others can forward to it; nil when it does not say.
  public var clientURL: String?

  /// Makes a machine.
  public init(id: String, primaryIP: String, metadata: [String: String] = [:], clientURL: String? = nil) {
    self.id = id
    self.primaryIP = primaryIP
    self.metadata = metadata
    self.clientURL = clientURL
  }
}

/// One operation of `PATCH /fleet/v1/machines`, as sent; the receiver checks it.
public struct MachineMetadataOperation: Sendable, Equatable {
  /// `add`, `replace` or `remove`.
  public var operation: String
  /// `/<machine id>/metadata/<key>`.
  public var path: String
  /// The new value; empty for `remove`.
  public var value: String

  /// Makes an operation.
  public init(operation: String, path: String, value: String = "") {
    self.operation = operation
    self.path = path
    self.value = value
  }
}
