// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// Finding main processes among those that a unit has put into the background.
///
/// Source: systemd.service(5) `PIDFile=`, `GuessMainPID=`.
extension HostLoop {
  /// The longest PID file that is looked at, in bytes.
  static let pidFileLimitBytes = 64

  func findMain(_ request: MainSearchRequest) {
    if let known = processes[request.id] {
      connection?.send(HostEvent.mainFound(id: request.id, process: known.report.process))
      if known.report.end != nil { tell(known.report) }
    } else if !tryToFind(request) {
      searches[request.unit] = request
    }
  }

  /// Goes on with searches that wait for a PID file.
  func continueSearches() {
    for request in searches.values where tryToFind(request) { searches[request.unit] = nil }
  }

  /// Whether the search is over.
  private func tryToFind(_ request: MainSearchRequest) -> Bool {
    let named = request.search == .guess ? onlyRoot(of: request.unit) : Self.processID(in: request.pidFile)
    if let named, let found = ownFound(named, of: request.unit, as: request.id) {
      processes[found.id]?.pidFile = request.pidFile
      connection?.send(HostEvent.mainFound(id: found.id, process: found.process))
      return true
    }
    // The unit may have named its main process itself meanwhile.
    let isOwned = processes.values.contains { $0.pidfd >= 0 && $0.report.process.processID == named }
    let groupIsEmpty = groups.members(of: request.unit).isEmpty
    guard request.search != .wait || groupIsEmpty || isOwned else { return false }
    connection?.send(HostEvent.mainMissing(id: request.id, groupIsEmpty: groupIsEmpty))
    return true
  }

  /// Owns a process that belongs to a unit, nil when it does not or has ended.
  ///
  /// With nil for an id, which makes one, a process that is owned already is taken as it is.
  func ownFound(_ processID: Int32, of unit: String, as id: String?) -> HostedProcess? {
    if let known = processes.values.first(where: { $0.pidfd >= 0 && $0.report.process.processID == processID }) {
      return known.report.unit == unit && id == nil ? known.report : nil
    }
    guard processID != getpid(), let entry = ProcessTable.entry(processID), isMember(entry, of: unit) else {
      return nil
    }
    let identity = ProcessIdentity(processID: processID, startTicks: entry.startTicks)
    let pidfd = unit_pidfd_open(processID)
    guard pidfd >= 0 else { return nil }
    guard ProcessTable.isRunning(identity) else {
      close(pidfd)
      return nil
    }
    groups.started(entry.session, of: unit)
    let report = HostedProcess(
      id: id ?? "\(unit)/found/\(processID)-\(identity.startTicks)",
      unit: unit,
      process: identity,
      isFound: true
    )
    track(report, source: "", pidfd: pidfd, output: nil)
    return report
  }

  /// Whether a process is one of a unit's.
  ///
  /// An orphan that came to this process is one of some unit at least, and may have written its title over the
  /// environment that it would be known by.
  private func isMember(_ entry: ProcessTable.Entry, of unit: String) -> Bool {
    entry.parent == getpid() || groups.members(of: unit).contains(entry.processID)
  }

  /// A main process has ended: whether its PID file names another one of the unit, which then takes its place.
  func moveMain(_ ended: TrackedProcess) -> Bool {
    guard let pidFile = ended.pidFile, let next = Self.processID(in: pidFile),
      var report = ownFound(next, of: ended.report.unit, as: nil), report.isFound
    else { return false }
    report.replaces = ended.report.id
    processes[report.id]?.report = report
    processes[report.id]?.pidFile = pidFile
    processes[ended.report.id] = nil
    connection?.send(HostEvent.mainMoved(from: ended.report.id, to: report))
    return true
  }

  /// The one process of a unit that descends from no other of them; nil when there is none or more than one.
  private func onlyRoot(of unit: String) -> Int32? {
    let members = Set(groups.members(of: unit))
    let roots = members.filter { member in ProcessTable.entry(member).map { !members.contains($0.parent) } ?? false }
    return roots.count == 1 ? roots.first : nil
  }

  private static func processID(in pidFile: String?) -> Int32? {
    guard let pidFile, let bytes = readFile(pidFile, limitBytes: pidFileLimitBytes) else { return nil }
    let line = String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }
    let words = line.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let processID = words.first.flatMap({ Int32($0) }), processID > 1 else { return nil }
    return processID
  }
}
