// SPDX-License-Identifier: Apache-2.0

/// The life of a loaded unit, of whatever type.
///
/// A unit of a type that is not run is held as a service without commands and never started.
public enum TypedLifecycle: Sendable, Equatable {
  case service(UnitLifecycle)
  case target(TargetLifecycle)
  case path(PathLifecycle)
  case timer(TimerLifecycle)
  case socket(SocketLifecycle)

  /// Makes the life of what was read, new or as it was left.
  ///
  /// - Parameters:
  ///   - reading: The unit's file.
  ///   - service: Where a service was left.
  ///   - passive: Where a unit of another type was left; one of another type than the file's counts for nothing.
  ///   - timers: What a timer has to know of the machine.
  public init(
    _ reading: ServiceReading,
    resuming service: UnitLifecycle.Snapshot,
    _ passive: PassiveSnapshot?,
    timers: TimerSurroundings = TimerSurroundings()
  ) {
    switch reading.kind {
    case .timer(let timer):
      self = .timer(
        TimerLifecycle(
          timer,
          name: reading.definition.name,
          surroundings: timers,
          resuming: passive.flatMap { if case .timer(let kept) = $0 { kept } else { nil } }
        )
      )
    case .service, .notRun: self = .service(UnitLifecycle(reading.definition, resuming: service))
    case .socket(let socket):
      self = .socket(
        SocketLifecycle(
          socket,
          name: reading.definition.name,
          resuming: passive.flatMap { if case .socket(let kept) = $0 { kept } else { nil } }
        )
      )
    case .target:
      self = .target(
        TargetLifecycle(resuming: passive.flatMap { if case .target(let kept) = $0 { kept } else { nil } })
      )
    case .path(let definition):
      self = .path(
        PathLifecycle(definition, resuming: passive.flatMap { if case .path(let kept) = $0 { kept } else { nil } })
      )
    }
  }

  /// The state in systemd's words.
  public var activity: UnitActivity {
    switch self {
    case .service(let service): service.activity
    case .target(let target): target.activity
    case .path(let path): path.activity
    case .timer(let timer): timer.activity
    case .socket(let socket): socket.activity
    }
  }

  /// When something happens by itself; nil for never.
  public var deadline: Duration? {
    switch self {
    case .service(let service): service.deadline
    case .target(let target): target.deadline
    case .path(let path): path.deadline
    case .timer(let timer): timer.deadline
    case .socket(let socket): socket.deadline
    }
  }

  /// The service; nil for another type.
  ///
  /// What is set has to be of the same type.
  public var service: UnitLifecycle? {
    get { if case .service(let service) = self { service } else { nil } }
    set { if let newValue { self = .service(newValue) } }
  }

  /// What is no service; nil for a service.
  ///
  /// What is set has to be of the same type.
  public var passive: (any PassiveLifecycle)? {
    get {
      switch self {
      case .service: nil
      case .target(let target): target
      case .path(let path): path
      case .timer(let timer): timer
      case .socket(let socket): socket
      }
    }
    set {
      switch newValue {
      case let target as TargetLifecycle: self = .target(target)
      case let path as PathLifecycle: self = .path(path)
      case let timer as TimerLifecycle: self = .timer(timer)
      case let socket as SocketLifecycle: self = .socket(socket)
      default: break
      }
    }
  }
}

/// A moment, by the two clocks that units go by.
public struct UnitMoment: Sendable, Hashable {
  /// Since the machine's boot.
  public var sinceBoot: Duration
  /// Since the Unix epoch, as the machine's clock has it.
  public var sinceEpoch: Duration

  /// Makes a moment.
  public init(sinceBoot: Duration, sinceEpoch: Duration = .zero) {
    self.sinceBoot = sinceBoot
    self.sinceEpoch = sinceEpoch
  }
}

/// The machine behind a unit that is no service: it stands for others, or starts one when something happens.
///
/// As ``UnitLifecycle`` it has no clock and does nothing itself; inputs return what to do, in order.
public protocol PassiveLifecycle: Sendable, Equatable {
  /// The state in systemd's words.
  var activity: UnitActivity { get }
  /// When ``timerFired(at:)`` is to be told, since the machine's boot; nil for never.
  var deadline: Duration? { get }
  /// The name of the unit that it starts, whose changes are told with ``triggeredChanged(to:at:)``; nil for none.
  var triggered: String? { get }
  /// What is kept over restarts of the node.
  var kept: PassiveSnapshot { get }
  /// What it waits for, in one line; nil for nothing to say.
  var statusText: String? { get }

  /// A start by request.
  mutating func start(at now: UnitMoment) -> [PassiveDirective]
  /// A stop by request.
  mutating func stop(at now: UnitMoment) -> [PassiveDirective]
  /// The moment of ``deadline`` has come.
  mutating func timerFired(at now: UnitMoment) -> [PassiveDirective]
  /// The unit that it starts has changed.
  mutating func triggeredChanged(to activity: UnitActivity, at now: UnitMoment) -> [PassiveDirective]
  /// The unit that it starts cannot be started.
  mutating func triggeredRefused(at now: UnitMoment) -> [PassiveDirective]
  /// Those who carried directives out are new, and what they held is gone.
  mutating func resumed(at now: UnitMoment) -> [PassiveDirective]
  /// The machine's clock has been set.
  mutating func clockChanged(at now: UnitMoment) -> [PassiveDirective]
}

extension PassiveLifecycle {
  /// Never.
  public var deadline: Duration? { nil }
  /// None.
  public var triggered: String? { nil }
  /// Nothing.
  public var statusText: String? { nil }
  /// Nothing happens.
  public mutating func timerFired(at now: UnitMoment) -> [PassiveDirective] { [] }
  /// Nothing happens.
  public mutating func triggeredChanged(to activity: UnitActivity, at now: UnitMoment) -> [PassiveDirective] { [] }
  /// Nothing happens.
  public mutating func triggeredRefused(at now: UnitMoment) -> [PassiveDirective] { [] }
  /// Nothing happens.
  public mutating func resumed(at now: UnitMoment) -> [PassiveDirective] { [] }
  /// Nothing happens.
  public mutating func clockChanged(at now: UnitMoment) -> [PassiveDirective] { [] }
}

/// What a ``PassiveLifecycle`` wants done, in order.
public enum PassiveDirective: Sendable, Equatable {
  /// Start the unit with that name and what it needs, as by request.
  case startUnit(String)
  /// Look out for what happens at the paths, then look at them; answered with ``PathLifecycle/pathsSeen(_:at:)`` or
  /// ``PathLifecycle/watchFailed(at:)``.
  case watchPaths(PathDefinition)
  /// Look out for nothing any more.
  case leavePaths
  /// Make the directories at the paths.
  case makeDirectories(PathDefinition)
  /// Keep on disk when the timer last elapsed, since the Unix epoch; it is wanted after a restart of the machine too.
  case keepStamp(Duration)
  /// Make the sockets, unless they are there already.
  case listen
  /// Tell who comes, or do so no longer.
  case watchSockets(Bool)
  /// Drop what waits in the sockets.
  case flushSockets
  /// Close the sockets.
  case closeSockets
  /// Close a connection that nobody is started for; why, where that is worth a line.
  case closeConnection(String, reason: String?)
  /// Start the instance of a template for a connection.
  case startInstance(String, template: String, SocketConnection)
}

/// What outlives the node's process of a unit that is no service.
public enum PassiveSnapshot: Sendable, Equatable, Codable {
  case target(TargetLifecycle.Snapshot)
  case path(PathLifecycle.Snapshot)
  case timer(TimerLifecycle.Snapshot)
  case socket(SocketLifecycle.Snapshot)
}
