// SPDX-License-Identifier: Apache-2.0

/// A unit of the document that the node itself runs (`coreos.units[]`), apart from fleet.
public struct LocalUnitPlan: Sendable, Equatable {
  /// What is done with the unit at boot.
  public enum Command: String, Sendable, CaseIterable {
    case start
    case stop
    case restart
    case reload
    case tryRestart = "try-restart"
    case reloadOrRestart = "reload-or-restart"
    case reloadOrTryRestart = "reload-or-try-restart"
  }

  /// Who runs units of the document.
  public enum Carrier: String, Sendable, CaseIterable {
    /// The node's own unit-host.
    case node
    /// The systemd that is process 1 of the computer: files are written to its directories, commands queued with it.
    case systemd
  }

  /// A file that adds to the unit's own.
  public struct DropIn: Sendable, Equatable {
    /// File name, such as `10-limits.conf`.
    public var name: String
    /// The file's text.
    public var content: String

    /// Makes a drop-in.
    public init(name: String, content: String) {
      self.name = name
      self.content = content
    }
  }

  /// Unit name with suffix.
  public var name: String
  /// The unit file's text; nil when the document only masks a unit, or only adds drop-ins to one that fleet brings.
  public var content: String?
  /// What is done at boot; nil means nothing.
  public var command: Command?
  /// Whether the unit is to be started with every boot.
  public var isEnabled: Bool
  /// Whether the unit must not run at all.
  public var isMasked: Bool
  /// Whether the unit is gone with the next boot.
  public var isRuntime: Bool
  /// Drop-ins, in the order of the document.
  public var dropIns: [DropIn]

  /// Makes a unit.
  public init(
    name: String,
    content: String? = nil,
    command: Command? = nil,
    isEnabled: Bool = false,
    isMasked: Bool = false,
    isRuntime: Bool = false,
    dropIns: [DropIn] = []
  ) {
    self.name = name
    self.content = content
    self.command = command
    self.isEnabled = isEnabled
    self.isMasked = isMasked
    self.isRuntime = isRuntime
    self.dropIns = dropIns
  }
}
