// SPDX-License-Identifier: Apache-2.0

/// What the planner sees of the computer, or of the tree, that is to be changed.
///
/// Every path is as seen from the root of the tree; links on the way to it are followed inside the tree, one at its end
/// is not.
public protocol ComputerView {
  /// Whether it is the running computer, and not a tree of files.
  var isLive: Bool { get }
  /// Whether systemd is process 1.
  var hasSystemd: Bool { get }
  /// Whether files may be given to others.
  var setsOwners: Bool { get }
  /// What the computer is called now.
  var hostname: String? { get }
  /// Days since the beginning of 1970.
  var today: Int { get }
  /// What stands at a path.
  func entry(at path: String) -> TreeEntry
  /// The names in a directory, in order; empty when there is none.
  func names(in path: String) -> [String]
  /// Whether systemd runs the unit.
  func isActive(unit: String) -> Bool
}

/// What stands at a path of a tree.
public enum TreeEntry: Sendable, Equatable {
  case missing
  case file(TreeFile)
  case directory
  case link(target: String)
  /// Something that is none of them, by name, such as `a socket`.
  case other(String)
  /// It cannot be looked at; the reason.
  case unreadable(String)
}

/// A file of a tree.
public struct TreeFile: Sendable, Equatable {
  /// All of it; nil when it is longer than anything that is written here.
  public var content: [UInt8]?
  /// Permission bits.
  public var mode: UInt32
  /// Whose it is.
  public var owner: FileOwner

  /// Makes a file.
  public init(content: [UInt8]?, mode: UInt32 = 0o644, owner: FileOwner = .root) {
    self.content = content
    self.mode = mode
    self.owner = owner
  }
}
