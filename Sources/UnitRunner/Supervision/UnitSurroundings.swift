// SPDX-License-Identifier: Apache-2.0
import Glibc
import Threads
import Units

/// Makes and removes what units have of their own on the machine's disk: `RuntimeDirectory=` and its like, a private `/tmp`,
/// the unit's file.
struct UnitSurroundings {
  /// Why a directory cannot be there.
  struct Problem: Error {
    /// systemd's exit code for it.
    var exitCode: Int32
    var text: String
  }

  /// Where the files of units are, for `%y`.
  let fragmentDirectory: String
  private let privateDirectory: String

  init(stateDirectory: String) {
    fragmentDirectory = "\(stateDirectory)/files"
    privateDirectory = "\(stateDirectory)/private"
  }

  /// Where a unit's things are.
  func places(of unit: UnitName, _ items: [UnitDirectories.Item]) -> UnitPlaces {
    UnitPlaces(
      directories: items.map(\.path),
      privateTmp: "\(privateDirectory)/\(unit.rawValue)",
      closedFile: "\(privateDirectory)/closed"
    )
  }

  // MARK: Before a command

  /// Makes a unit's directories, owned by whom its commands run as.
  ///
  /// - Throws: ``Problem``.
  func prepare(_ items: [UnitDirectories.Item], owner: UserIdentity?) throws(Problem) {
    for item in items {
      let names = DirectorySteps.names(of: item.path, below: item.root)
      var descriptor = DirectorySteps.open(names, below: item.root, isMaking: false)
      let isThere = descriptor >= 0
      if !isThere { descriptor = DirectorySteps.open(names, below: item.root, isMaking: true) }
      guard descriptor >= 0 else { throw problem(item, "make") }
      defer { close(descriptor) }
      // A configuration that is there is its administrator's.
      if item.belongsToUser || !isThere { try own(descriptor, item, item.belongsToUser ? owner : nil) }
      for link in item.links { try makeLink(link, item) }
    }
  }

  private func own(_ descriptor: Int32, _ item: UnitDirectories.Item, _ owner: UserIdentity?) throws(Problem) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw problem(item, "look at") }
    let (user, group) = (owner?.userID ?? getuid(), owner?.groupID ?? getgid())
    if status.st_uid != user || status.st_gid != group {
      guard changeOwner(descriptor, user, group, depth: 0), fchown(descriptor, user, group) == 0 else {
        throw problem(item, "change the owner of")
      }
    }
    guard fchmod(descriptor, item.mode) == 0 else { throw problem(item, "change the mode of") }
  }

  /// Everything below a directory; links are changed themselves and not followed.
  private func changeOwner(_ directory: Int32, _ user: UInt32, _ group: UInt32, depth: Int) -> Bool {
    guard depth < 128 else {
      errno = ELOOP
      return false
    }
    for name in directoryEntries("/proc/self/fd/\(directory)") {
      guard fchownat(directory, name, user, group, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOENT else { return false }
      let child = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard child >= 0 else { continue }
      defer { close(child) }
      guard changeOwner(child, user, group, depth: depth + 1) else { return false }
    }
    return true
  }

  private func makeLink(_ link: String, _ item: UnitDirectories.Item) throws(Problem) {
    var names = DirectorySteps.names(of: link, below: item.root)
    let name = names.popLast() ?? ""
    let directory = DirectorySteps.open(names, below: item.root, isMaking: true)
    defer { if directory >= 0 { close(directory) } }
    guard directory >= 0,
      symlinkat(item.path, directory, name) == 0
        || errno == EEXIST && resolvedLink("/proc/self/fd/\(directory)/\(name)") == item.path
    else {
      throw Problem(exitCode: item.kind.exitCode, text: "cannot make \(link) a link to it: \(errorText(errno))")
    }
  }

  private func problem(_ item: UnitDirectories.Item, _ what: String) -> Problem {
    Problem(
      exitCode: item.kind.exitCode,
      text: "cannot \(what) \(item.path) (\(item.kind.rawValue)Directory=): \(errorText(errno))"
    )
  }

  // MARK: After a run

  /// The unit is down, or waits to be started again by itself: what lasts only as long as a run goes.
  func leave(_ unit: UnitName, _ directories: UnitDirectories, below values: SpecifierValues, isRestarting: Bool) {
    var gone = [moveAside([unit.rawValue], below: privateDirectory)].compactMap { $0 }
    let isKept =
      switch directories.preservation {
      case .no: false
      case .restart: isRestarting
      case .yes: true
      }
    if !isKept {
      for item in directories.items(below: values) where item.kind == .runtime {
        for link in item.links where resolvedLink(link) == item.path { _ = unlink(link) }
        let names = DirectorySteps.names(of: item.path, below: item.root)
        if let moved = moveAside(names, below: item.root) { gone.append(moved) }
      }
    }
    guard !gone.isEmpty else { return }
    let trees = gone
    do throws(DedicatedThread.Refused) {
      // Much may have been left there, and other units wait for this thread.
      try DedicatedThread.start(name: "remove-trees") { trees.forEach { $0.remove() } }
    } catch {
      trees.forEach { $0.remove() }
    }
  }

  /// What was moved aside, by its name in the directory where it is.
  private struct MovedTree {
    var directory: Int32
    var name: String

    /// Removes it; this can be done once.
    func remove() {
      UnitSurroundings.removeTree(name, of: directory)
      close(directory)
    }
  }

  /// Gives it a name beside its own that nobody uses, so that the next run can have the old one at once.
  private func moveAside(_ names: [String], below root: String) -> MovedTree? {
    guard let name = names.last else { return nil }
    let directory = DirectorySteps.open(names.dropLast(), below: root, isMaking: false)
    guard directory >= 0 else { return nil }
    let target = ".\(name).gone-\(UInt64.random(in: 0...UInt64.max).hexadecimal)"
    guard renameat(directory, name, directory, target) == 0 else {
      close(directory)
      return nil
    }
    return MovedTree(directory: directory, name: target)
  }

  /// Removes a directory with everything in it; links are removed themselves.
  static func removeTree(_ name: String, of parent: Int32 = AT_FDCWD) {
    let directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if directory >= 0 {
      removeEntries(directory, depth: 0)
      close(directory)
    }
    if unlinkat(parent, name, AT_REMOVEDIR) != 0 { _ = unlinkat(parent, name, 0) }
  }

  private static func removeEntries(_ directory: Int32, depth: Int) {
    guard depth < 256 else { return }
    for name in directoryEntries("/proc/self/fd/\(directory)") {
      if unlinkat(directory, name, 0) == 0 { continue }
      let child = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard child >= 0 else { continue }
      removeEntries(child, depth: depth + 1)
      close(child)
      _ = unlinkat(directory, name, AT_REMOVEDIR)
    }
  }

  // MARK: The directories themselves

  /// Makes the directories, and removes what an earlier run had no time to remove.
  ///
  /// - Throws: ``UnitRunnerError/Code/storage``.
  func makeOwnDirectories() throws(UnitRunnerError) {
    for (path, mode) in [(fragmentDirectory, 0o755 as mode_t), (privateDirectory, 0o700)] {
      guard makeDirectories(path, mode: mode) else {
        throw UnitRunnerError(.storage, "cannot make \(path): \(errorText(errno))")
      }
    }
    let closed = open("\(privateDirectory)/closed", O_WRONLY | O_CREAT | O_CLOEXEC, 0)
    if closed >= 0 { close(closed) }
    let left = directoryEntries(privateDirectory).filter { $0.contains(".gone-") }.map { "\(privateDirectory)/\($0)" }
    // Without a thread they are tried again at the next start.
    if !left.isEmpty { try? DedicatedThread.start(name: "remove-trees") { left.forEach { Self.removeTree($0) } } }
  }

  /// Keeps a unit's file where `%y` says.
  func writeFragment(_ text: String, of unit: UnitName) {
    let descriptor = open(
      "\(fragmentDirectory)/\(unit.rawValue)",
      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
      0o644
    )
    guard descriptor >= 0 else { return }
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
  }

  /// Forgets a unit's file.
  func removeFragment(of unit: UnitName) {
    _ = unlink("\(fragmentDirectory)/\(unit.rawValue)")
  }
}
