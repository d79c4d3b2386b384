// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// What timers have to know of the machine, and what is kept for them on disk.
struct TimerFacts {
  private static let zoneDirectory = "/usr/share/zoneinfo"

  private let directory: String
  private let machineID: String
  private let startup: Duration
  private let local: TimeZoneRules

  /// Makes the directory of the stamps, and finds out when the node was first started since the machine's boot.
  init(stateDirectory: String, machineID: String, bootID: String) {
    directory = "\(stateDirectory)/timers"
    self.machineID = machineID
    _ = makeDirectories(directory)
    local = Self.rules("/etc/localtime") ?? .utc
    startup = Self.startup("\(directory)/startup", bootID)
  }

  /// What a timer has to know, and the time zones it names and this machine does not have.
  func surroundings(of timer: TimerDefinition, _ name: UnitName) -> (TimerSurroundings, missingZones: [String]) {
    var zones = TimeZoneTable(local: local)
    for zone in timer.zoneNames { zones.named[zone] = Self.rules("\(Self.zoneDirectory)/\(zone)") }
    let surroundings = TimerSurroundings(
      zones: zones,
      startup: startup,
      stamp: timer.isPersistent ? stamp(of: name) : nil,
      seed: UInt64.random(in: 0...UInt64.max),
      machineID: machineID
    )
    return (surroundings, timer.zoneNames.filter { zones.named[$0] == nil }.sorted())
  }

  // MARK: Stamps

  /// When a timer last elapsed, since the Unix epoch; nil for never.
  func stamp(of name: UnitName) -> Duration? {
    readSmallFile(path(name)).flatMap { Int64($0.prefix { $0 != "\n" }) }.map { .microseconds($0) }
  }

  /// Keeps when a timer last elapsed, so that a loss of power does not lose it; false with errno when it cannot be.
  func keep(_ stamp: Duration, of name: UnitName) -> Bool {
    Self.write("\(stamp.wholeMicroseconds)\n", to: path(name))
  }

  private func path(_ name: UnitName) -> String { "\(directory)/stamp-\(name)" }

  // MARK: Private

  private static func rules(_ path: String) -> TimeZoneRules? {
    readFile(path, limitBytes: TimeZoneRules.fileLimitBytes + 1).flatMap { try? TimeZoneRules(parsing: $0) }
  }

  private static func startup(_ path: String, _ bootID: String) -> Duration {
    let words = (readSmallFile(path) ?? "").split(whereSeparator: \.isWhitespace)
    if words.count == 2, words[0] == bootID, let milliseconds = Int64(words[1]) { return .milliseconds(milliseconds) }
    let now = timeSinceBoot()
    let (seconds, attoseconds) = now.components
    _ = write("\(bootID) \(seconds * 1000 + attoseconds / 1_000_000_000_000_000)\n", to: path)
    return now
  }

  private static func write(_ text: String, to path: String) -> Bool {
    let descriptor = open("\(path).new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    let bytes = Array(text.utf8)
    let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    let isSynced = written == bytes.count && fsync(descriptor) == 0
    close(descriptor)
    return isSynced && rename("\(path).new", path) == 0
  }
}
