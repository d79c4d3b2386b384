// SPDX-License-Identifier: Apache-2.0

/// What a path unit looks out for, and which unit it starts then.
///
/// Source: systemd.path(5).
public struct PathDefinition: Sendable, Equatable {
  /// One thing that is looked out for.
  public struct Watch: Sendable, Equatable {
    /// What is to happen.
    public var kind: Kind
    /// Where; a pattern for ``Kind/existsGlob``.
    public var path: String
  }

  /// What is to happen at a path, by its directive.
  public enum Kind: String, Sendable, CaseIterable {
    case exists = "PathExists"
    case existsGlob = "PathExistsGlob"
    /// It changes, is made or removed, or is closed after it was written to.
    case changed = "PathChanged"
    /// As ``changed``, and at each write.
    case modified = "PathModified"
    case directoryNotEmpty = "DirectoryNotEmpty"

    /// Whether it is about something happening, and not about how things are.
    public var isEvent: Bool { self == .changed || self == .modified }
    /// Whether `MakeDirectory=` makes it.
    public var isDirectoryMade: Bool { self != .exists && self != .existsGlob }
  }

  /// What is looked out for, in the order of the file.
  public var watches: [Watch] = []
  /// `Unit=`: what is started.
  public var unit: String
  /// `MakeDirectory=`.
  public var makesDirectories = false
  /// `DirectoryMode=`.
  public var directoryMode: UInt32 = 0o755
  /// `TriggerLimitIntervalSec=` and `TriggerLimitBurst=`.
  public var triggerLimit = ServiceDefinition.StartLimit(interval: .seconds(2), burst: 200)

  /// Makes the definition of a unit that starts the service of its own name.
  init(name: UnitName) {
    unit = "\(name.nameWithoutSuffix).service"
  }
}

/// `[Path]`.
extension ServiceReader {
  mutating func readPath(_ option: UnitOption) {
    if let kind = PathDefinition.Kind(rawValue: option.name) { return readWatch(option, kind) }
    switch option.name {
    case "Unit":
      let name = expanded(option.value)
      if let unit = try? UnitName(name), unit.suffix != "path" {
        path.unit = name
      } else {
        ignored(option, "the name of a unit that is no path unit")
      }
    case "MakeDirectory":
      if let value = BooleanValue.read(option.value) {
        path.makesDirectories = value
      } else {
        ignored(option, "yes or no")
      }
    case "DirectoryMode":
      if let mode = ExecutionReader.mode(option.value) {
        path.directoryMode = mode
      } else {
        ignored(option, "an octal mode such as 0755")
      }
    case "TriggerLimitIntervalSec":
      if let span = TimeSpan(option.value) {
        path.triggerLimit.interval = span.duration ?? .seconds(Int64.max / 4)
      } else {
        ignored(option, "a time span such as 5min 20s")
      }
    case "TriggerLimitBurst":
      if let burst = Int(option.value), burst >= 0 {
        path.triggerLimit.burst = burst
      } else {
        ignored(option, "a number")
      }
    default: notCarriedOut(option)
    }
  }

  private mutating func readWatch(_ option: UnitOption, _ kind: PathDefinition.Kind) {
    guard !option.value.isEmpty else {
      path.watches = []
      return
    }
    let place = expanded(option.value)
    guard place.hasPrefix("/") else { return ignored(option, "an absolute path") }
    path.watches.append(PathDefinition.Watch(kind: kind, path: place))
  }

  /// What cannot be judged before the end of the file, and what follows from it.
  mutating func checkPath() {
    if path.watches.isEmpty {
      findings.append(
        .missingSetting(
          "the path unit looks out for nothing: it has none of "
            + PathDefinition.Kind.allCases.map { "\($0.rawValue)=" }.joined(separator: ", ")
        )
      )
    }
    if !definition.dependencies[.before].contains(path.unit) { definition.dependencies[.before].append(path.unit) }
  }
}
