// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Socket units: what they want done, what the unit-host tells of their sockets, and what services get of them.
extension SupervisionLoop {
  /// How many ended instances of one socket keep their journal.
  static let endedInstanceLimit = 32

  /// Steps a socket's machine; nothing happens for a unit of another type.
  func stepSocket(_ name: UnitName, _ input: (inout SocketLifecycle, UnitMoment) -> [PassiveDirective]) {
    stepPassive(name) { passive, moment in
      guard var socket = passive as? SocketLifecycle else { return [] }
      defer { passive = socket }
      return input(&socket, moment)
    }
  }

  func stepSocket(_ text: String, _ input: (inout SocketLifecycle, UnitMoment) -> [PassiveDirective]) {
    if let name = try? UnitName(text) { stepSocket(name, input) }
  }

  // MARK: What a socket wants

  func listen(_ name: UnitName) {
    guard let socket = units[name]?.lifecycle.socket else { return }
    let definition = socket.definition
    var owner = ExecutionSettings()
    owner.user = definition.user
    owner.group = definition.group
    let identity: UserIdentity?
    do {
      identity = try UserAccounts.identity(for: owner, account: definition.user.flatMap { UserAccounts.account($0) })
    } catch {
      return listenFailed(name, error.text)
    }
    enqueue(
      .listen(
        ListenRequest(
          unit: name.rawValue,
          listeners: definition.listeners,
          settings: definition.settings,
          userID: definition.user == nil ? nil : identity?.userID,
          groupID: identity?.groupID,
          accepts: definition.accepts,
          connections: socket.connections.map(\.id)
        )
      )
    )
  }

  func listenFailed(_ name: UnitName, _ problem: String) {
    change(name) { $0.record.problem = problem }
    say("\(name): \(problem)", name)
    stepSocket(name) { $0.refused(at: $1) }
  }

  func closeConnection(_ id: String, _ reason: String?, _ name: UnitName) {
    if let reason { say("\(name): a connection is closed: \(reason)", name) }
    enqueue(.closeConnection(id: id))
  }

  // MARK: Instances for connections

  func connected(_ connection: SocketConnection, to socket: String) {
    guard let name = try? UnitName(socket), units[name] != nil else {
      enqueue(.closeConnection(id: connection.id))
      return
    }
    stepSocket(name) { $0.connected(connection, at: $1) }
  }

  func startInstance(_ text: String, _ template: String, _ connection: SocketConnection, by socket: UnitName) {
    do {
      let name = try instance(text, template, connection, socket)
      inputs.append(.jobs(try jobs.requestStart(name)))
      dirty.insert(name)
    } catch {
      closeConnection(connection.id, "\(error)", socket)
      if let name = try? UnitName(text), units[name] != nil { unloading.insert(name) }
      stepSocket(socket) { $0.disconnected(text, at: $1) }
    }
  }

  /// Makes an instance known; it is forgotten once it is down.
  private func instance(
    _ text: String,
    _ template: String,
    _ connection: SocketConnection,
    _ socket: UnitName
  ) throws -> UnitName {
    let name = try UnitName(text)
    guard let file = templateFile(template) else {
      throw UnitRunnerError(.notLoaded, "there is no \(template) on this machine")
    }
    var record = UnitRecord(name: text, file: file.serialized(), bootID: specifiers.bootID)
    record.connection = UnitConnection(connection: connection, socket: socket.rawValue)
    try records.write(record)
    let unit = makeUnit(UnitToRun(name: name, file: file), record)
    enroll(unit)
    change(name) { _ in }
    guard unit.canRun else { throw UnitRunnerError(.badUnit, unit.record.problem ?? "bad setting") }
    return name
  }

  /// Keeps the file of a template for sockets to make instances of it.
  func keepTemplate(_ template: UnitToRun, with batch: [UnitToRun]) {
    surroundings.writeFragment(template.file.serialized(), of: template.name)
    let isForSockets = batch.contains { $0.name.suffix == "socket" }
    if isForSockets {
      lastingTemplates.remove(template.name)
    } else {
      lastingTemplates.insert(template.name)
    }
  }

  /// A socket is not known any more: the file of its template goes too, unless that was loaded for itself or for others.
  func dropTemplate(of socket: SupervisedUnit) {
    guard let template = Self.template(of: socket), let name = try? UnitName(template),
      !lastingTemplates.contains(name), !units.values.contains(where: { Self.template(of: $0) == template })
    else { return }
    surroundings.removeFragment(of: name)
  }

  private static func template(of unit: SupervisedUnit) -> String? {
    unit.lifecycle.socket.flatMap { $0.definition.accepts ? $0.definition.service : nil }
  }

  /// The file of a template: one that was loaded, or one of the machine's own.
  private func templateFile(_ template: String) -> UnitFile? {
    let directories = [surroundings.fragmentDirectory] + dropIns.directories
    for directory in directories {
      guard let bytes = readFile("\(directory)/\(template)", limitBytes: DropInDirectories.fileLimitBytes) else {
        continue
      }
      return try? UnitFile(parsing: String(decoding: bytes, as: UTF8.self))
    }
    return nil
  }

  /// An instance that was made for a connection is down: it is forgotten.
  func endInstance(_ name: UnitName) {
    guard let unit = units[name], let own = unit.record.connection, unit.isDown,
      unloading.insert(name).inserted
    else { return }
    enqueue(.closeConnection(id: own.connection.id))
    guard let socket = try? UnitName(own.socket) else { return }
    stepSocket(socket) { $0.disconnected(name.rawValue, at: $1) }
    var gone: [String] = []
    change(socket) { unit in
      var ended = (unit.record.endedInstances ?? []) + [name.rawValue]
      while ended.count > Self.endedInstanceLimit { gone.append(ended.removeFirst()) }
      unit.record.endedInstances = ended
    }
    gone.forEach(removeJournal)
  }

  /// Instances that nobody can ask for any more leave nothing behind.
  func removeInstanceJournals(of unit: SupervisedUnit) {
    unit.record.endedInstances?.forEach(removeJournal)
  }

  private func removeJournal(of unit: String) {
    let places = JournalPlaces(stateDirectory: configuration.stateDirectory)
    for segment in places.segments(of: unit) { _ = unlink(places.path(segment, of: unit)) }
    _ = rmdir(places.directory(of: unit))
  }

  // MARK: What services get

  /// The sockets that a command gets, and what they are called, one name each; nil when it gets none.
  func sockets(for unit: SupervisedUnit, _ command: RunningCommand) -> (passing: SocketPassing, names: [String])? {
    guard command.position.stage == .start else { return nil }
    let execution = unit.definition.execution
    let isStream = execution.input == .socket || execution.output == .socket || execution.errorOutput == .socket
    if let own = unit.record.connection {
      return (SocketPassing(connection: own.connection.id, isStream: isStream), ["connection"])
    }
    var passing = SocketPassing(isStream: isStream)
    var names: [String] = []
    for name in triggers(of: unit) {
      guard let socket = units[name]?.lifecycle.socket, socket.hasSockets else { continue }
      passing.units.append(name.rawValue)
      names += socket.definition.listeners.map { _ in socket.definition.descriptorName }
    }
    return names.isEmpty && !isStream ? nil : (passing, names)
  }

  /// Variables that tell a command of its sockets; what has one as standard input needs none.
  func socketVariables(_ unit: SupervisedUnit, _ command: RunningCommand) -> [String: String] {
    var variables: [String: String] = [:]
    if let connection = unit.record.connection?.connection, let address = connection.remoteAddress {
      variables["REMOTE_ADDR"] = address
      variables["REMOTE_PORT"] = connection.remotePort.map { String($0) }
    }
    if let (passing, names) = sockets(for: unit, command), !passing.isStream {
      variables["LISTEN_FDS"] = String(names.count)
      variables["LISTEN_FDNAMES"] = names.joined(separator: ":")
    }
    return variables
  }
}

extension TypedLifecycle {
  /// The socket; nil for another type.
  var socket: SocketLifecycle? { if case .socket(let socket) = self { socket } else { nil } }
}
