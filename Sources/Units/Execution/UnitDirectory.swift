// SPDX-License-Identifier: Apache-2.0

/// The directories that are made for a unit before its commands run (`StateDirectory=` and its like).
///
/// Source: systemd.exec(5) `RuntimeDirectory=`.
public struct UnitDirectories: Sendable, Equatable {
  /// What a directory is for; decides where it is.
  public enum Kind: String, Sendable, CaseIterable, Hashable {
    case runtime = "Runtime"
    case state = "State"
    case cache = "Cache"
    case logs = "Logs"
    case configuration = "Configuration"

    /// The variable that tells commands where it is.
    public var variable: String { "\(rawValue.uppercased())_DIRECTORY" }

    /// systemd's exit code when it cannot be made.
    public var exitCode: Int32 {
      switch self {
      case .runtime: 233
      case .state: 238
      case .cache: 239
      case .logs: 240
      case .configuration: 241
      }
    }
  }

  /// When the runtime directories stay (`RuntimeDirectoryPreserve=`).
  public enum Preservation: String, Sendable, Equatable {
    /// They go whenever the service is down.
    case no
    /// They stay when it is started again by itself.
    case restart
    /// They stay.
    case yes
  }

  /// One directory below its kind's place.
  public struct Entry: Sendable, Equatable {
    /// A relative path.
    public var path: String
    /// Relative paths that lead to it as symbolic links.
    public var links: [String]

    /// Makes an entry.
    public init(path: String, links: [String] = []) {
      self.path = path
      self.links = links
    }
  }

  /// A directory to be made.
  public struct Item: Sendable, Equatable {
    /// What it is for.
    public var kind: Kind
    /// The directory of its kind, which is the machine's, absolute.
    public var root: String
    /// Where it is, absolute, below ``root``.
    public var path: String
    /// Symbolic links to it, absolute.
    public var links: [String]
    /// Its permissions.
    public var mode: UInt32
    /// Whether the unit's user owns it.
    public var belongsToUser: Bool
  }

  /// The directories by kind.
  public var entries: [Kind: [Entry]] = [:]
  /// Permissions by kind, 0755 where none are given.
  public var modes: [Kind: UInt32] = [:]
  /// `RuntimeDirectoryPreserve=`.
  public var preservation = Preservation.no

  /// Makes none.
  public init() {}

  /// Every directory, with its place on a machine.
  public func items(below values: SpecifierValues) -> [Item] {
    Kind.allCases.flatMap { kind in
      let root = values.directory(of: kind)
      return (entries[kind] ?? []).map { entry in
        Item(
          kind: kind,
          root: root,
          path: "\(root)/\(entry.path)",
          links: entry.links.map { "\(root)/\($0)" },
          mode: modes[kind] ?? 0o755,
          belongsToUser: kind != .configuration
        )
      }
    }
  }

  /// The variables that tell commands where their directories are.
  public func variables(below values: SpecifierValues) -> [String: String] {
    Dictionary(grouping: items(below: values), by: \.kind.variable)
      .mapValues { $0.map(\.path).joined(separator: ":") }
  }

  /// Adds the words of a value, with their specifiers expanded; returns the first that is no relative path.
  mutating func add(_ words: [String], to kind: Kind) -> String? {
    for word in words {
      let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.allSatisfy(Self.isRelative), parts.count == 1 || kind != .configuration else { return word }
      var list = entries[kind] ?? []
      let index = list.firstIndex { $0.path == parts[0] } ?? list.endIndex
      if index == list.endIndex { list.append(Entry(path: parts[0])) }
      if parts.count == 2, !list[index].links.contains(parts[1]) { list[index].links.append(parts[1]) }
      entries[kind] = list
    }
    return nil
  }

  private static func isRelative(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return !path.isEmpty && !path.hasPrefix("/") && parts.allSatisfy { $0 != ".." && $0 != "." && !$0.isEmpty }
      && parts.first != "private"
  }
}

extension SpecifierValues {
  /// Where directories of a kind are.
  public func directory(of kind: UnitDirectories.Kind) -> String {
    switch kind {
    case .runtime: runtimeDirectory
    case .state: stateDirectory
    case .cache: cacheDirectory
    case .logs: logsDirectory
    case .configuration: configurationDirectory
    }
  }
}
