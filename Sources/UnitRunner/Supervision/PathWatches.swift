// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Looks out for what happens at the paths of path units, with one inotify(7) instance for all.
///
/// Of each path the deepest directory that is there is watched for what is missing below it, so that a path may be made
/// bit by bit.
/// Source: systemd v252 `src/core/path.c` `path_spec_watch`.
final class PathWatches {
  /// Something that has happened to a unit's paths.
  struct Event: Equatable {
    var unit: UnitName
    /// Whether it is what a `PathChanged=` or `PathModified=` looks out for.
    var isChange: Bool
  }

  /// The kernel does not watch any more paths.
  struct Problem: Error {
    var text: String
  }

  private struct Entry {
    var unit: UnitName
    var mask: UInt32
    var isChange: Bool
  }

  /// Readable when something has happened; -1 as long as the kernel has no such thing to give.
  private(set) var descriptor: Int32 = -1
  private let open: () -> Int32
  private var entries: [Int32: [Entry]] = [:]

  private static let above = mask(IN_MOVE_SELF, IN_DELETE_SELF, IN_CREATE, IN_MOVED_TO)
  private static let isFollowing = [UInt32(IN_DONT_FOLLOW), 0]

  init(open: @escaping () -> Int32 = { inotify_init1(Int32(O_NONBLOCK | O_CLOEXEC)) }) {
    self.open = open
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Looks out for a unit's paths, and not for those that it had before.
  ///
  /// - Throws: ``Problem``.
  func watch(_ unit: UnitName, _ watches: [PathDefinition.Watch]) throws(Problem) {
    leave(unit)
    // What the kernel had not to give once it may have by now.
    if descriptor < 0 { descriptor = open() }
    guard descriptor >= 0 else { throw Problem(text: "cannot watch paths: \(errorText(errno))") }
    for watch in watches { try add(unit, watch) }
  }

  /// Looks out for none of a unit's paths any more.
  func leave(_ unit: UnitName) {
    for (watch, all) in entries {
      let left = all.filter { $0.unit != unit }
      guard left.count < all.count else { continue }
      entries[watch] = left.isEmpty ? nil : left
      if left.isEmpty { inotify_rm_watch(descriptor, watch) }
    }
  }

  /// What has happened so far, once for each unit.
  func take() -> [Event] {
    guard descriptor >= 0 else { return [] }
    var changed: [UnitName: Bool] = [:]
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      buffer.withUnsafeBytes { bytes in
        var offset = 0
        while offset + MemoryLayout<inotify_event>.size <= count {
          let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
          offset += MemoryLayout<inotify_event>.size + Int(event.len)
          note(event, &changed)
        }
      }
    }
    return changed.map { Event(unit: $0.key, isChange: $0.value) }.sorted { $0.unit < $1.unit }
  }

  private func note(_ event: inotify_event, _ changed: inout [UnitName: Bool]) {
    // When events were lost, everybody looks for himself.
    if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
      for entry in entries.values.joined() { changed[entry.unit] = changed[entry.unit] ?? false }
    }
    for entry in entries[event.wd] ?? [] where entry.mask & event.mask != 0 {
      changed[entry.unit] = (changed[entry.unit] ?? false) || entry.isChange
    }
    if event.mask & UInt32(IN_IGNORED) != 0 { entries[event.wd] = nil }
  }

  private func add(_ unit: UnitName, _ watch: PathDefinition.Watch) throws(Problem) {
    let places = Self.prefixes(of: watch.path)
    for (index, place) in places.enumerated() {
      let isLast = index == places.count - 1
      let mask = isLast ? Self.mask(of: watch.kind) : Self.above
      guard try add(unit, place, mask, isChange: isLast && watch.kind.isEvent) else { return }
      // What is below is there, so that only its going away matters here.
      if index > 0 { loosen(unit, places[index - 1]) }
    }
  }

  /// Watches a place, the link itself and what it leads to; false when it is not there.
  private func add(_ unit: UnitName, _ place: String, _ mask: UInt32, isChange: Bool) throws(Problem) -> Bool {
    for follow in Self.isFollowing {
      let watch = inotify_add_watch(descriptor, place, mask | follow | UInt32(IN_MASK_ADD))
      guard watch >= 0 else {
        if errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == ELOOP { return false }
        throw Problem(text: "cannot watch \(place): \(errorText(errno))")
      }
      entries[watch, default: []].append(Entry(unit: unit, mask: mask, isChange: isChange))
    }
    return true
  }

  private func loosen(_ unit: UnitName, _ place: String) {
    for follow in Self.isFollowing {
      let only = UInt32(IN_MOVE_SELF)
      let watch = inotify_add_watch(descriptor, place, only | follow | UInt32(IN_MASK_ADD))
      guard watch >= 0, var all = entries[watch] else { continue }
      for index in all.indices where all[index].unit == unit && all[index].mask == Self.above { all[index].mask = only }
      entries[watch] = all
    }
  }

  private static func mask(of kind: PathDefinition.Kind) -> UInt32 {
    let own = mask(IN_DELETE_SELF, IN_MOVE_SELF, IN_ATTRIB)
    let changes = mask(IN_CLOSE_WRITE, IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO)
    return switch kind {
    case .exists, .existsGlob: own
    case .changed: own | changes
    case .modified: own | changes | UInt32(IN_MODIFY)
    case .directoryNotEmpty: own | mask(IN_CREATE, IN_MOVED_TO)
    }
  }

  private static func mask(_ flags: Int32...) -> UInt32 {
    flags.reduce(0) { $0 | UInt32(bitPattern: $1) }
  }

  /// `/`, `/a`, `/a/b` of `/a/b`.
  private static func prefixes(of path: String) -> [String] {
    var result = ["/"]
    var text = ""
    for part in path.split(separator: "/") {
      text += "/\(part)"
      result.append(text)
    }
    return result
  }
}
