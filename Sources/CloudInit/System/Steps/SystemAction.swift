// SPDX-License-Identifier: Apache-2.0

/// What is done for a step; every path is as seen from the root of the tree that is changed.
public enum SystemAction: Sendable, Equatable {
  /// Puts a file in the place of what was there.
  case writeFile(FileWrite)
  /// Makes a directory; one that is there stays as it is.
  case makeDirectory(path: String, mode: UInt32, owner: FileOwner?, base: String?)
  /// Puts a symbolic link in the place of a file or link.
  case makeLink(path: String, target: String, owner: FileOwner?)
  /// Removes a file or link.
  case removeFile(path: String)
  /// Names the running computer.
  case setHostname(String)
  /// Runs `systemctl` with these words and waits for its end.
  case systemctl([String])
  /// Runs a script that has been written, and waits for its end.
  case runScript(path: String, name: String)
}

/// A file that is put in the place of what was there, whole or not at all.
public struct FileWrite: Sendable, Equatable {
  /// Absolute path.
  public var path: String
  /// All of it.
  public var content: [UInt8]
  /// Permission bits.
  public var mode: UInt32
  /// Whose it is; nil leaves it to the system.
  public var owner: FileOwner?
  /// A directory above it below which no symbolic link is followed, since somebody else may put links there; nil when
  /// links are followed everywhere.
  public var base: String?

  /// Makes a file.
  public init(path: String, content: [UInt8], mode: UInt32, owner: FileOwner? = nil, base: String? = nil) {
    self.path = path
    self.content = content
    self.mode = mode
    self.owner = owner
    self.base = base
  }
}

/// Whose a file is, in numbers.
public struct FileOwner: Sendable, Equatable {
  /// The user.
  public var userID: UInt32
  /// The group.
  public var groupID: UInt32

  /// Makes an owner.
  public init(userID: UInt32, groupID: UInt32) {
    self.userID = userID
    self.groupID = groupID
  }

  /// The user root and its group.
  public static let root = FileOwner(userID: 0, groupID: 0)
}
