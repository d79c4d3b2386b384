// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Logging
import Units

/// The supervision's one thread: steps the units' machines and carries their directives out.
///
/// Each turn takes everything that has arrived, steps the machines until nothing more follows, writes the records of
/// what changed, and only then sends to the unit-host and tells others. So whatever was started is on record.
///
/// Concurrency: everything happens in ``run()``; messages get the loop as their argument on its own thread.
final class SupervisionLoop {
  /// Something that happens to a unit; handled one after the other.
  enum Input {
    case jobs([UnitJobs.Directive])
    case ended(UnitName, CommandRole, ProcessEnd)
    case started(UnitName, CommandRole)
    case groupEmptied(UnitName)
    case timer(UnitName)
    /// The end of a process of the unit-host, in its place among what else it told.
    case hostedCommandEnded(id: String, ProcessEnd)
    case notified(UnitName, HostedNotification)
    case mainFound(UnitName, id: String, ProcessIdentity)
    case mainMissing(UnitName, id: String, groupIsEmpty: Bool)
    case reload(UnitName)
    /// A unit has changed that this one starts.
    case triggeredChanged(UnitName, UnitActivity)
    /// Something has happened at a path unit's paths.
    case pathEvent(UnitName, isChange: Bool)
  }

  let configuration: UnitSupervisionConfiguration
  let executable: String
  let logger: Logger
  let inbox: SupervisionInbox
  /// Whether docker command lines are carried out by an engine.
  let hasContainers: Bool
  let tell: @Sendable (LoadedUnitChange) -> Void
  let dispatch: @Sendable (ContainerTask) -> Bool
  let records: UnitRecords
  let environment: UnitEnvironment
  let specifiers: SpecifierValues
  let surroundings: UnitSurroundings
  let dropIns: DropInDirectories
  let launcher: HostLauncher
  lazy var conditionFacts = machineConditionFacts(specifiers, environment: environment.own)
  let timers: TimerFacts
  /// Readable once the machine's clock has been set; -1 where that cannot be told.
  let clockWatch = unit_clock_watch()

  var units: [UnitName: SupervisedUnit] = [:]
  /// When units do something by themselves.
  var deadlines: [UnitName: Duration] = [:]
  /// Units by the name of the one that they start.
  var triggers: [String: Set<UnitName>] = [:]
  var commandUnits: [String: UnitName] = [:]
  var jobs: UnitJobs
  var inputs: [Input] = []
  /// How much happens in one turn; the rest comes with the next one, so that requests and the unit-host are heard.
  static let inputLimit = 20_000
  var host: FrameConnection?
  var hasWelcome = false
  /// Whether what an earlier process left has been taken over.
  var isTakenOver = false
  /// Commands of idle services that wait for the others, with the moment that they wait for no longer.
  var idleCommands: [String: Duration] = [:]
  /// The process that the notification being handled names as the main one.
  var notifiedMain: HostedProcess?
  /// Units that are forgotten as soon as they are down.
  var unloading: Set<UnitName> = []
  /// Units whose start was refused for something that is not on this machine; it may come.
  var waitingForOthers: Set<UnitName> = []
  /// Templates that were loaded apart from sockets, as those of the machine's own configuration.
  var lastingTemplates: Set<UnitName> = []
  var dirty: Set<UnitName> = []
  private var acknowledgements: [HostRequest] = []
  private var requests: [HostRequest] = []
  /// Lines for the journals of units, to be sent at the end of the turn.
  var journal: [String: [HostedLine]] = [:]
  /// What units with a limit of lines have written, as far as it passes here.
  var lineCounts: [String: LineRateLimit.Count] = [:]
  var waiters: [(isDone: (SupervisionLoop) -> Bool, resume: @Sendable () -> Void)] = []
  private var shouldEnd = false
  private var failure: UnitRunnerError?
  /// What happens at paths.
  let pathWatches = PathWatches()
  private let poller = Poller()

  init(
    configuration: UnitSupervisionConfiguration,
    hasContainers: Bool,
    logger: Logger,
    inbox: SupervisionInbox,
    dispatch: @escaping @Sendable (ContainerTask) -> Bool,
    tell: @escaping @Sendable (LoadedUnitChange) -> Void
  ) {
    self.configuration = configuration
    self.hasContainers = hasContainers
    self.logger = logger
    self.inbox = inbox
    self.dispatch = dispatch
    self.tell = tell
    executable = resolvedLink(configuration.executable)
    records = UnitRecords(stateDirectory: configuration.stateDirectory)
    environment = UnitEnvironment(
      base: configuration.environment,
      shimDirectory: "\(configuration.stateDirectory)/bin"
    )
    surroundings = UnitSurroundings(stateDirectory: configuration.stateDirectory)
    specifiers = machineSpecifiers(
      configuration,
      environment: environment.own,
      fragmentDirectory: surroundings.fragmentDirectory
    )
    dropIns = DropInDirectories(directories: configuration.dropInDirectories, others: configuration.dropIns)
    launcher = HostLauncher(configuration: configuration, executable: executable)
    timers = TimerFacts(
      stateDirectory: configuration.stateDirectory,
      machineID: configuration.machineID,
      bootID: specifiers.bootID
    )
    jobs = UnitJobs(presentUnits: configuration.presentUnits)
    poller.add(inbox.wakeDescriptor)
    if clockWatch >= 0 { poller.add(clockWatch) }
  }

  deinit {
    if clockWatch >= 0 { close(clockWatch) }
  }

  /// Takes over what an earlier process left, then works until ``end()``.
  ///
  /// - Throws: ``UnitRunnerError`` when the state directory or the unit-host cannot be used.
  func run(onReady: () -> Void) throws(UnitRunnerError) {
    try prepareDirectory()
    readRecords()
    try connectHost()
    var isReady = false
    while !shouldEnd {
      turn(isReady: isReady)
      if !isReady, hasWelcome {
        isReady = true
        onReady()
        continue
      }
      guard !shouldEnd else { break }
      if host?.isBroken != false { try reconnectHost() }
      wait()
    }
    if let failure { throw failure }
    flush()
    send([.leave])
    host?.flush()
  }

  /// Ends the loop after this turn; units go on.
  func end() {
    shouldEnd = true
  }

  /// Ends the loop with an error.
  func fail(_ error: UnitRunnerError) {
    failure = error
    shouldEnd = true
  }

  // MARK: One turn

  private func turn(isReady: Bool) {
    if isReady {
      let arrived = inbox.take()
      // A command's output comes before its end.
      take(arrived.lines, dropped: arrived.droppedLines)
      arrived.messages.forEach { $0(self) }
    }
    if let host {
      for event in host.receive(HostEvent.self) { handle(event) }
    }
    if isReady {
      takePathEvents()
      noticeClock()
      fireTimers()
    }
    settle()
    if launchIdleCommands() { settle() }
    flush()
    resumeWaiters()
  }

  private func wait() {
    let now = timeSinceBoot()
    let own = [jobs.deadline].compactMap { $0 } + idleCommands.values
    let deadline = inputs.isEmpty ? (deadlines.values + own).min() : now
    if let host { poller.setWriting(host.descriptor, host.hasOutbound) }
    _ = poller.wait(timeout: deadline.map { max(.zero, $0 - now) })
  }

  private func fireTimers() {
    let now = timeSinceBoot()
    for name in deadlines.filter({ $0.value <= now }).keys.sorted() { inputs.append(.timer(name)) }
    inputs.append(.jobs(jobs.tick(at: now)))
  }

  /// Handles inputs until none is left, or there were enough for one turn; each may bring about others.
  func settle() {
    var index = 0
    while index < min(inputs.count, Self.inputLimit) {
      let input = inputs[index]
      index += 1
      switch input {
      case .jobs(let directives): directives.forEach { carryOut($0) }
      case .ended(let name, let role, let end): step(name) { $0.ended(role, end, at: $1) }
      case .started(let name, let role): step(name) { $0.started(role, at: $1) }
      case .groupEmptied(let name): step(name) { $0.groupEmptied(at: $1) }
      case .timer(let name): timerFired(name)
      case .pathEvent(let name, let isChange): stepPath(name) { $0.pathEvent(isChange: isChange, at: $1) }
      case .hostedCommandEnded(let id, let end): hostedCommandEnded(id, end)
      case .notified(let name, let notification): handle(notification, of: name)
      case .mainFound(let name, let id, let process): mainFound(id, process, of: name)
      case .mainMissing(let name, let id, let groupIsEmpty): mainMissing(id, groupIsEmpty: groupIsEmpty, of: name)
      case .reload(let name): step(name) { $0.reload(at: $1) }
      case .triggeredChanged(let name, let activity):
        stepPassive(name) {
          $0.triggeredChanged(to: activity, at: $1)
        }
      }
    }
    inputs.removeFirst(index)
  }

  // MARK: Effects that wait for the records

  func change(_ name: UnitName, _ body: (inout SupervisedUnit) -> Void) {
    guard var unit = units[name] else { return }
    body(&unit)
    units[name] = unit
    dirty.insert(name)
  }

  func enqueue(_ request: HostRequest) {
    requests.append(request)
  }

  /// Whether the unit-host has not been told yet to start this command.
  func isQueued(_ id: String) -> Bool {
    requests.contains { if case .spawn(let request) = $0 { request.id == id } else { false } }
  }

  func acknowledge(_ id: String) {
    acknowledgements.append(.acknowledge(id: id))
  }

  func acknowledge(_ notification: HostedNotification) {
    acknowledgements.append(.acknowledgeNotifications(unit: notification.unit, number: notification.number))
  }

  /// Puts a unit's record on disk without waiting for the end of the turn.
  func writeRecordNow(_ name: UnitName) {
    guard let unit = units[name] else { return }
    var record = unit.record
    if let service = unit.service { record.snapshot = service.snapshot }
    record.passive = unit.lifecycle.passive?.kept
    record.isStartWaiting = jobs.isStartWaiting(name)
    record.isWaitingForOthers = waitingForOthers.contains(name) ? true : nil
    do {
      try records.write(record)
    } catch {
      logger.error("unit record not written", metadata: ["unit.name": "\(name)", "error": "\(error)"])
    }
  }

  func flush() {
    for name in dirty.sorted() {
      guard let unit = units[name] else { continue }
      writeRecordNow(name)
      // Instances for connections are nobody's but their socket's.
      if unit.record.connection == nil, unit.loadedUnit != unit.published {
        units[name]?.published = unit.loadedUnit
        tell(LoadedUnitChange(name: name, unit: unit.loadedUnit))
      }
    }
    dirty = []
    for (unit, lines) in journal.sorted(by: { $0.key < $1.key }) {
      send(HostedLine.pieces(lines).map { .journal(unit: unit, lines: Array($0)) })
    }
    send(acknowledgements)
    journal = [:]
    acknowledgements = []
    // Before the unit-host has said what it owns, nothing is started: it might be there already.
    if hasWelcome {
      send(requests)
      requests = []
    }
    host?.flush()
  }

  private func send(_ requests: [HostRequest]) {
    requests.forEach { host?.send($0) }
  }

  /// Looks out for a unit's paths, and wakes up for what happens there.
  func watch(_ unit: UnitName, _ watches: [PathDefinition.Watch]) throws(PathWatches.Problem) {
    let wasOpen = pathWatches.descriptor >= 0
    defer { if !wasOpen, pathWatches.descriptor >= 0 { poller.add(pathWatches.descriptor) } }
    try pathWatches.watch(unit, watches)
  }

  // MARK: The unit-host

  private func connectHost() throws(UnitRunnerError) {
    let connection = try launcher.connect()
    host = connection
    hasWelcome = false
    poller.add(connection.descriptor)
    connection.send(
      HostRequest.hello(
        protocolVersion: HostRequest.protocolVersion,
        journalFileLimitBytes: configuration.journalRetention.unitBytes / 2,
        retention: configuration.journalRetention,
        machineID: configuration.machineID
      )
    )
    connection.flush()
  }

  private func reconnectHost() throws(UnitRunnerError) {
    logger.warning("unit-host lost", metadata: ["unit.stateDirectory": "\(configuration.stateDirectory)"])
    if let host { poller.remove(host.descriptor) }
    host = nil
    try connectHost()
  }
}

extension UInt64 {
  /// 16 hex digits.
  var hexadecimal: String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
