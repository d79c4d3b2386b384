// SPDX-License-Identifier: Apache-2.0

/// A connection that was accepted for an instance of its own.
public struct SocketConnection: Sendable, Hashable, Codable {
  /// Identifies it; unique for ever.
  public var id: String
  /// What names the instance after its number: both ends of the connection, or whose process it is from.
  public var ends: String
  /// The address it is from; nil when it is from this machine by a path.
  public var remoteAddress: String?
  /// The port it is from.
  public var remotePort: UInt16?

  /// Makes a connection.
  public init(id: String, ends: String, remoteAddress: String? = nil, remotePort: UInt16? = nil) {
    self.id = id
    self.ends = ends
    self.remoteAddress = remoteAddress
    self.remotePort = remotePort
  }
}

/// The machine behind a socket: it listens, and starts a service when somebody comes.
///
/// Source: systemd.socket(5); systemd v252 `src/core/socket.c`.
public struct SocketLifecycle: PassiveLifecycle {
  /// Everything about a socket that changes.
  public struct Snapshot: Sendable, Equatable, Codable {
    var sub = UnitActivity.SubState.dead
    var result = ServiceResult.success
    /// How many connections have been accepted.
    var accepted = 0
    /// Connections that are served, by the names of the instances.
    var connections: [String: SocketConnection] = [:]
    var windowBegin: Duration?
    var countInWindow = 0
  }

  /// What the socket is.
  public let definition: SocketDefinition
  private let name: UnitName
  private var snapshot: Snapshot
  private var directives: [PassiveDirective] = []

  /// Makes the machine of a socket, new or as it was left.
  public init(_ definition: SocketDefinition, name: UnitName, resuming snapshot: Snapshot? = nil) {
    self.definition = definition
    self.name = name
    self.snapshot = snapshot ?? Snapshot()
  }

  // MARK: Queries

  /// Listening, running, dead, failed, or start-chown while its sockets are made.
  public var activity: UnitActivity { UnitActivity(sub: snapshot.sub, result: snapshot.result) }
  /// The service that it starts; none of a fixed name with `Accept=yes`.
  public var triggered: String? { definition.accepts ? nil : definition.service }
  /// Everything that changes.
  public var kept: PassiveSnapshot { .socket(snapshot) }
  /// Whether its sockets are there for a service that starts.
  public var hasSockets: Bool { snapshot.sub == .listening || snapshot.sub == .running }
  /// What it serves and how much of it there was; one line.
  public var statusText: String? {
    let places = "Listen: " + definition.listeners.map(\.description).joined(separator: ", ")
    guard definition.accepts else { return places }
    return "\(places); Accepted: \(snapshot.accepted); Connected: \(snapshot.connections.count)"
  }
  /// Connections that are served or about to be.
  public var connections: [SocketConnection] { snapshot.connections.values.sorted { $0.id < $1.id } }

  // MARK: Requests

  /// Its sockets are made.
  public mutating func start(at now: UnitMoment) -> [PassiveDirective] {
    guard snapshot.sub == .dead || snapshot.sub == .failed else { return [] }
    snapshot.result = .success
    snapshot.sub = .startChown
    directives.append(.listen)
    return taken()
  }

  /// Its sockets are closed; the services it started go on.
  public mutating func stop(at now: UnitMoment) -> [PassiveDirective] {
    if snapshot.sub != .dead, snapshot.sub != .failed { directives.append(.closeSockets) }
    snapshot.sub = .dead
    return taken()
  }

  // MARK: Events

  /// Its sockets are there.
  public mutating func opened(at now: UnitMoment) -> [PassiveDirective] {
    switch snapshot.sub {
    case .startChown: listen()
    case .listening: directives.append(.watchSockets(true))
    default: break
    }
    return taken()
  }

  /// Its sockets cannot be made.
  public mutating func refused(at now: UnitMoment) -> [PassiveDirective] {
    if snapshot.sub == .startChown || hasSockets { fail(.resources) }
    return taken()
  }

  /// Somebody has come, or written.
  public mutating func touched(at now: UnitMoment) -> [PassiveDirective] {
    guard snapshot.sub == .listening, !definition.accepts else { return [] }
    guard mayTrigger(at: now) else { return taken() }
    snapshot.sub = .running
    directives.append(.startUnit(definition.service))
    return taken()
  }

  /// A connection has been accepted.
  public mutating func connected(_ connection: SocketConnection, at now: UnitMoment) -> [PassiveDirective] {
    guard snapshot.sub == .listening, definition.accepts, mayTrigger(at: now) else {
      directives.append(.closeConnection(connection.id, reason: nil))
      return taken()
    }
    if let reason = refusal(of: connection) {
      directives.append(.closeConnection(connection.id, reason: reason))
      return taken()
    }
    let instance = "\(name.prefix)@\(snapshot.accepted)-\(connection.ends).service"
    snapshot.accepted += 1
    snapshot.connections[instance] = connection
    directives.append(.startInstance(instance, template: definition.service, connection))
    return taken()
  }

  /// The instance of a connection is down, or could not be made.
  public mutating func disconnected(_ instance: String, at now: UnitMoment) -> [PassiveDirective] {
    snapshot.connections[instance] = nil
    return []
  }

  /// The service has changed: while it is up the sockets are its own, afterwards they are listened to again.
  ///
  /// Whoever held them may have been lost meanwhile, so they are made again unless they are there.
  public mutating func triggeredChanged(to activity: UnitActivity, at now: UnitMoment) -> [PassiveDirective] {
    let isDown = UnitJobs.isDown(activity)
    switch snapshot.sub {
    case .running where activity.result == .startLimitHit: fail(.serviceStartLimitHit)
    case .running where isDown:
      directives.append(.listen)
      if definition.flushesPending { directives.append(.flushSockets) }
      listen()
    case .listening where !isDown:
      snapshot.sub = .running
      directives.append(.watchSockets(false))
    default: break
    }
    return taken()
  }

  /// The service cannot be started, and so the socket fails.
  public mutating func triggeredRefused(at now: UnitMoment) -> [PassiveDirective] {
    if snapshot.sub == .running { fail(.resources) }
    return taken()
  }

  /// Those who hold the sockets are new, or hold them still: they are asked again in either case.
  ///
  /// Not while the service has them: it listens on them itself, and others would take its place or be refused.
  public mutating func resumed(at now: UnitMoment) -> [PassiveDirective] {
    if snapshot.sub == .startChown || snapshot.sub == .listening { directives.append(.listen) }
    return taken()
  }

  // MARK: Steps

  private mutating func listen() {
    snapshot.sub = .listening
    directives.append(.watchSockets(true))
  }

  private mutating func fail(_ result: ServiceResult) {
    snapshot.sub = .failed
    snapshot.result = result
    directives.append(.closeSockets)
  }

  private func refusal(of connection: SocketConnection) -> String? {
    if snapshot.connections.count >= definition.maxConnections {
      return "there are \(snapshot.connections.count) already, which is what MaxConnections= allows"
    }
    guard let source = connection.remoteAddress, definition.maxConnectionsPerSource > 0 else { return nil }
    let count = snapshot.connections.values.count { $0.remoteAddress == source }
    guard count >= definition.maxConnectionsPerSource else { return nil }
    return "there are \(count) from \(source) already, which is what MaxConnectionsPerSource= allows"
  }

  /// Whether it may start something once more; if not, it fails.
  private mutating func mayTrigger(at now: UnitMoment) -> Bool {
    let isAllowed = definition.triggerLimit.allows(
      startAt: now.sinceBoot,
      begin: &snapshot.windowBegin,
      count: &snapshot.countInWindow
    )
    if !isAllowed { fail(.triggerLimitHit) }
    return isAllowed
  }

  private mutating func taken() -> [PassiveDirective] {
    defer { directives = [] }
    return directives
  }
}
