// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// The unit-host's one thread: starts processes, reads their output, collects their ends, talks to the node.
///
/// Concurrency: everything happens in ``run()``; the object never leaves its thread.
final class HostLoop {
  /// Settings.
  struct Settings: Sendable {
    /// Where the socket and the journals are.
    var stateDirectory: String
    /// Whether this process may collect children it did not start: orphans of units that became its own.
    var collectsOrphans: Bool
    /// Whether units get control groups.
    var usesControlGroups = true
    /// Below which group of each hierarchy ours are; nil is the one this process is in.
    var controlGroupRoot: String?
    /// Soft limit of open files that units get; 0 leaves it.
    var openFilesLimit: UInt = 0
    /// How long to stay without processes and without a node.
    var idleLimit: Duration = .seconds(10)
  }

  /// Name of the socket in the state directory.
  static let socketName = "unit-host.sock"
  /// How long ends that no node has recorded are kept after the last process.
  static let unrecordedEndsLimit = Duration.seconds(86_400)

  /// How long nobody is accepted after that has failed.
  static let acceptPause = Duration.seconds(1)

  private let settings: Settings
  let poller = Poller()
  private let listener: Int32
  private(set) var connection: FrameConnection?
  var journal: JournalWriter
  var groups: UnitGroups
  /// What has been said of units, each thing once.
  var told: [String: Set<String>] = [:]
  /// What units with a limit of lines have written.
  var lineCounts: [String: LineRateLimit.Count] = [:]
  /// How far the logs of containers are in the journals.
  var containerLogs = ContainerLogs()
  var processes: [String: TrackedProcess] = [:]
  var outputs: [Int32: TrackedOutput] = [:]
  var notifySockets = NotifySockets()
  var sockets = HeldSockets()
  /// Searches for main processes that go on, by unit.
  var searches: [String: MainSearchRequest] = [:]
  /// Units whose end is waited for.
  var emptyWatches: [String: EmptyWatch] = [:]
  /// Those of them where something has just happened; all are looked at from time to time.
  var freshWatches: Set<String> = []
  var lastWatch = Duration.zero
  var lastPatientWatch = Duration.zero
  private var isLeaving = false
  private var idleSince: Duration?

  struct TrackedProcess {
    var report: HostedProcess
    /// -1 once it has ended.
    var pidfd: Int32
    var output: Int32?
    /// Where the unit says which process is its main one, for a main process that was found there.
    var pidFile: String?
  }

  struct TrackedOutput {
    var unit: String
    var source: String
    var processID: Int32
    var invocation: String?
    var rule = OutputLineRule()
    var splitter = LineSplitter()
  }

  /// Listens; nil when the state directory cannot be used or another unit-host does.
  init?(_ settings: Settings) {
    self.settings = settings
    let listener = LocalSocket.listen(directory: settings.stateDirectory, name: Self.socketName)
    guard listener >= 0 else { return nil }
    self.listener = listener
    journal = JournalWriter(places: JournalPlaces(stateDirectory: settings.stateDirectory))
    containerLogs = ContainerLogs.taken(from: settings.stateDirectory)
    groups = UnitGroups(
      name: UnitGroups.name(for: settings.stateDirectory),
      usesControlGroups: settings.usesControlGroups,
      root: settings.controlGroupRoot
    )
    makeNonBlocking(listener)
    poller.add(listener)
    if settings.collectsOrphans { poller.addChildSignals() }
  }

  deinit {
    journal.close()
    close(listener)
  }

  /// Works until there is nothing to own and nobody to ask.
  func run() {
    while !isDone() {
      for descriptor in poller.wait(timeout: waitLimit) {
        handle(descriptor)
      }
      if settings.collectsOrphans { collectOrphans() }
      checkEmptyWatches()
      journal.sweepIfDue(epochMicroseconds() / 1_000_000)
      connection?.flush()
      if let connection {
        if connection.isBroken {
          poller.remove(connection.descriptor)
          self.connection = nil
          unwatchAllSockets()
        } else {
          poller.setWriting(connection.descriptor, connection.hasOutbound)
        }
      }
    }
    containerLogs.leave(in: settings.stateDirectory)
    _ = unlink("\(settings.stateDirectory)/\(Self.socketName)")
    notifySockets.units.forEach { closeNotifySocket(of: $0) }
    sockets.units.forEach { closeSockets($0) }
    groups.forgetAll()
  }

  // MARK: Waiting

  private var waitLimit: Duration? {
    if !searches.isEmpty || emptyWatches.values.contains(where: { !$0.isPatient }) { return Self.watchInterval }
    if connection == nil { return .milliseconds(500) }
    return emptyWatches.isEmpty ? .seconds(JournalWriter.sweepIntervalSeconds) : Self.patientInterval
  }

  private func isDone() -> Bool {
    let isWatching = !emptyWatches.isEmpty || !searches.isEmpty
    let isRunning = isWatching || processes.values.contains { $0.report.end == nil }
    if isRunning || (connection != nil && !isLeaving) || (!sockets.isEmpty && isDirectoryThere) {
      idleSince = nil
      return false
    }
    if processes.isEmpty, isLeaving { return true }
    let now = timeSinceBoot()
    let since = idleSince ?? now
    idleSince = since
    // Ends that no node has recorded yet are kept much longer, unless the state directory itself is gone.
    let keepsEnds = !processes.isEmpty && isDirectoryThere
    return now - since > (keepsEnds ? Self.unrecordedEndsLimit : settings.idleLimit)
  }

  private var isDirectoryThere: Bool { access("\(settings.stateDirectory)/\(Self.socketName)", F_OK) == 0 }

  private func handle(_ descriptor: Int32) {
    if descriptor == listener {
      accept()
    } else if let connection, descriptor == connection.descriptor {
      connection.receive(HostRequest.self).forEach { carryOut($0) }
    } else if outputs[descriptor] != nil {
      readOutput(descriptor)
    } else if let unit = notifySockets.unit(of: descriptor) {
      receiveNotifications(from: unit)
    } else if let unit = sockets.unit(of: descriptor) {
      socketTouched(descriptor, of: unit)
    } else if let id = processes.first(where: { $0.value.pidfd == descriptor })?.key {
      collect(id)
    }
  }

  /// A node that connects takes the place of an earlier one, which must have ended.
  private func accept() {
    let descriptor = Glibc.accept(listener, nil, nil)
    guard descriptor >= 0 else { return acceptFailed(listener) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    if let old = connection { poller.remove(old.descriptor) }
    connection = FrameConnection(descriptor: descriptor)
    isLeaving = false
    unwatchAllSockets()
    poller.add(descriptor)
  }

  /// Nobody could be accepted, as when too many files are open; who waits is looked at again a little later.
  func acceptFailed(_ descriptor: Int32) {
    let passing = [EAGAIN, EINTR, ECONNABORTED]
    if !passing.contains(errno) { poller.pause(descriptor, for: Self.acceptPause) }
  }

  // MARK: Requests

  private func carryOut(_ request: HostRequest) {
    switch request {
    case .hello(_, _, let retention, let machineID):
      journal.retention = retention ?? JournalRetention()
      journal.machineID = machineID ?? ""
      let reports = processes.values.map(\.report).sorted { $0.id < $1.id }
      connection?.send(
        HostEvent.welcome(
          protocolVersion: HostRequest.protocolVersion,
          processes: reports,
          notifications: notifySockets.allPending,
          logCursors: containerLogs.cursors
        )
      )
    case .spawn(let request): spawn(request)
    case .adopt(let request): adopt(request)
    case .signal(let request): signal(request)
    case .acknowledge(let id):
      if processes[id]?.report.end != nil { processes[id] = nil }
    case .acknowledgeNotifications(let unit, let number): notifySockets.acknowledge(unit, upTo: number)
    case .findMain(let request): findMain(request)
    case .watchGroup(let unit, let token): watch(unit, EmptyWatch(token: token, isPatient: true))
    case .release(let id): release(id)
    case .journal(let unit, let lines):
      journal.append(lines.map { JournalDraft($0) }, to: unit)
      for origin in lines.compactMap(\.origin) { containerLogs.note(origin, of: unit) }
    case .forget(let unit):
      groups.forget(unit)
      journal.forget(unit)
      told[unit] = nil
      lineCounts[unit] = nil
      containerLogs.forget(unit)
      emptyWatches[unit] = nil
      searches[unit] = nil
      closeNotifySocket(of: unit)
      closeSockets(unit)
      sockets.closeConnections(of: unit)
    case .listen, .watchSockets, .flushSockets, .closeSockets, .closeConnection: carryOutForSockets(request)
    case .leave: isLeaving = true
    }
  }

  private func spawn(_ request: ProcessRequest) {
    if let known = processes[request.id] {
      tell(known.report)
      return
    }
    if let socket = request.notifySocket { openNotifySocket(socket, of: request.unit) }
    guard let passed = request.sockets.map({ sockets.descriptors($0) }) ?? [] else {
      say("\(request.unit): its sockets are not there any more", request.unit)
      tellNotStarted(request, .exited(202))
      return
    }
    let streams: ProcessStreams
    do {
      streams = try ProcessStreams(request.settings, sockets: request.sockets?.isStream == true ? passed : [])
    } catch {
      say("\(request.unit): \(error.text)", request.unit)
      tellNotStarted(request, .exited(error.exitCode))
      return
    }
    let start = ProcessStart(
      request,
      streams,
      passed: request.sockets?.isStream == true ? [] : passed,
      &groups,
      openFilesLimit: settings.openFilesLimit
    )
    streams.close()
    if let connection = request.sockets?.connection { closeConnection(connection) }
    start.warnings.forEach { sayOnce("\(request.unit): \($0)", request.unit) }
    let result = start.result
    if let failure = start.failure {
      if let journal = streams.journal { close(journal) }
      say("\(request.unit): \(failure.text)", request.unit)
      tellNotStarted(request, failure.end)
      return
    }
    let identity = ProcessTable.identity(result.pid) ?? ProcessIdentity(processID: result.pid, startTicks: 0)
    groups.started(result.pid, of: request.unit)
    track(
      HostedProcess(id: request.id, unit: request.unit, process: identity),
      source: request.source,
      pidfd: result.pidfd,
      output: streams.journal,
      rule: request.settings.lineRule,
      invocation: request.invocation
    )
    connection?.send(HostEvent.spawned(id: request.id, process: identity))
  }

  private func adopt(_ request: AdoptionRequest) {
    guard processes[request.id] == nil else { return }
    let report = HostedProcess(id: request.id, unit: request.unit, process: request.process)
    let pidfd = unit_pidfd_open(request.process.processID)
    guard pidfd >= 0, ProcessTable.isRunning(request.process) else {
      if pidfd >= 0 { close(pidfd) }
      processes[request.id] = TrackedProcess(report: report, pidfd: -1)
      finish(request.id, .lost)
      return
    }
    groups.started(request.process.processID, of: request.unit)
    if let socket = request.notifySocket { openNotifySocket(socket, of: request.unit) }
    let output = OutputPipe.reopen(outputOf: request.process.processID)
    track(
      report,
      source: request.source,
      pidfd: pidfd,
      output: output,
      rule: request.lineRule,
      invocation: request.invocation
    )
    processes[request.id]?.pidFile = request.pidFile
  }

  func track(
    _ report: HostedProcess,
    source: String,
    pidfd: Int32,
    output: Int32?,
    rule: OutputLineRule = OutputLineRule(),
    invocation: String? = nil
  ) {
    processes[report.id] = TrackedProcess(report: report, pidfd: pidfd, output: output)
    if let output {
      outputs[output] = TrackedOutput(
        unit: report.unit,
        source: source,
        processID: report.process.processID,
        invocation: invocation,
        rule: rule
      )
      poller.add(output)
    }
    if pidfd >= 0 { poller.add(pidfd) }
  }

  // MARK: Events of processes

  private func collect(_ id: String) {
    guard let process = processes[id], process.pidfd >= 0 else { return }
    var code: Int32 = 0
    var status: Int32 = 0
    let collected = unit_reap(process.report.process.processID, &code, &status)
    guard collected != 0 else { return }
    finish(id, collected > 0 ? ProcessSpawner.end(code: code, status: status) : .lost)
  }

  private func collectOrphans() {
    var code: Int32 = 0
    var status: Int32 = 0
    // Each turn collects one child of those that have ended, of which there are finitely many.
    while true {
      let collected = unit_reap_any(&code, &status)
      guard collected > 0 else { return }
      let isOurs = { (process: TrackedProcess) in process.pidfd >= 0 && process.report.process.processID == collected }
      if let id = processes.first(where: { isOurs($0.value) })?.key {
        finish(id, ProcessSpawner.end(code: code, status: status))
      } else {
        freshWatches.formUnion(emptyWatches.keys)
      }
    }
  }

  private func finish(_ id: String, _ end: ProcessEnd) {
    guard var process = processes[id] else { return }
    if process.pidfd >= 0 {
      poller.remove(process.pidfd)
      close(process.pidfd)
      process.pidfd = -1
    }
    // What it wrote last is in the journal before its end is told.
    if let output = process.output, outputs[output] != nil { readOutput(output) }
    receiveNotifications(from: process.report.unit)
    freshWatches.insert(process.report.unit)
    processes[id] = process
    if moveMain(process) { return }
    process.report.end = end
    process.report.endEpochMilliseconds = epochMicroseconds() / 1000
    processes[id] = process
    tell(process.report)
  }

  // MARK: Telling

  func tell(_ report: HostedProcess) {
    if let end = report.end {
      connection?.send(
        HostEvent.ended(id: report.id, end: end, epochMilliseconds: report.endEpochMilliseconds ?? 0)
      )
    } else {
      connection?.send(HostEvent.spawned(id: report.id, process: report.process))
    }
  }

  private func tellNotStarted(_ request: ProcessRequest, _ end: ProcessEnd) {
    let none = ProcessIdentity(processID: 0, startTicks: 0)
    processes[request.id] = TrackedProcess(
      report: HostedProcess(id: request.id, unit: request.unit, process: none),
      pidfd: -1
    )
    finish(request.id, end)
  }
}
