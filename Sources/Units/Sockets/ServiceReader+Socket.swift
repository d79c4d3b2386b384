// SPDX-License-Identifier: Apache-2.0

/// `[Socket]`.
extension ServiceReader {
  /// What cannot be judged before the end of a socket's file.
  struct SocketOptions {
    var service: UnitOption?
    var triggerBurst: Int?
    var descriptorName: String?
    var maxConnectionsPerSource: Int?
  }

  mutating func readSocket(_ option: UnitOption) {
    guard var socket else { return }
    defer { self.socket = socket }
    if readListener(option, &socket) || readStarting(option, &socket) || readFiles(option, &socket) { return }
    if !readSocketOption(option, &socket.settings) { notCarriedOut(option) }
  }

  private mutating func readListener(_ option: UnitOption, _ socket: inout SocketDefinition) -> Bool {
    let kinds: [String: SocketListener.Kind] = [
      "ListenStream": .stream, "ListenDatagram": .datagram, "ListenSequentialPacket": .sequentialPacket,
      "ListenFIFO": .fifo,
    ]
    guard let kind = kinds[option.name] else { return false }
    let text = expanded(option.value)
    if text.isEmpty {
      socket.listeners = []
    } else if socket.listeners.count == SocketDefinition.listenerLimit {
      bad(option, "at most \(SocketDefinition.listenerLimit) of these")
    } else if let listener = SocketListener(text, kind: kind) {
      socket.listeners.append(listener)
    } else {
      switch kind {
      case .fifo: bad(option, "an absolute path")
      case .sequentialPacket: bad(option, "an absolute path of at most 107 bytes or a name after @")
      case .stream, .datagram:
        bad(option, "a port, ADDRESS:PORT, [IPV6]:PORT, an absolute path of at most 107 bytes or a name after @")
      }
    }
    return true
  }

  /// What it starts, and how often.
  private mutating func readStarting(_ option: UnitOption, _ socket: inout SocketDefinition) -> Bool {
    switch option.name {
    case "Accept": socket.accepts = flag(option) ?? socket.accepts
    case "Service":
      socketOptions.service = option
      let name = expanded(option.value)
      if let other = try? UnitName(name), other.suffix == "service", !other.isTemplate {
        socket.service = name
      } else {
        bad(option, "the name of a service that is no template")
      }
    case "MaxConnections": socket.maxConnections = count(option) ?? socket.maxConnections
    case "MaxConnectionsPerSource": socketOptions.maxConnectionsPerSource = count(option)
    case "FlushPending": socket.flushesPending = flag(option) ?? socket.flushesPending
    case "FileDescriptorName":
      let name = expanded(option.value)
      let isName = name.utf8.count <= 255 && name.utf8.allSatisfy { (33...126).contains($0) && $0 != UInt8(ascii: ":") }
      if isName {
        socketOptions.descriptorName = name.isEmpty ? nil : name
      } else {
        bad(option, "a name without blanks and colons")
      }
    case "TriggerLimitIntervalSec": duration(option) { socket.triggerLimit.interval = $0 }
    case "TriggerLimitBurst": socketOptions.triggerBurst = count(option)
    default: return false
    }
    return true
  }

  /// Files that belong to it.
  private mutating func readFiles(_ option: UnitOption, _ socket: inout SocketDefinition) -> Bool {
    switch option.name {
    case "SocketMode": mode(option) { socket.settings.mode = $0 }
    case "DirectoryMode": mode(option) { socket.settings.directoryMode = $0 }
    case "SocketUser": socket.user = option.value.isEmpty ? nil : expanded(option.value)
    case "SocketGroup": socket.group = option.value.isEmpty ? nil : expanded(option.value)
    case "RemoveOnStop": socket.settings.isRemovedOnStop = flag(option) ?? socket.settings.isRemovedOnStop
    case "Symlinks":
      guard !option.value.isEmpty else {
        socket.settings.links = []
        return true
      }
      for word in option.value.split(whereSeparator: \.isWhitespace) {
        let path = expanded(String(word))
        if path.hasPrefix("/") { socket.settings.links.append(path) } else { bad(option, "absolute paths") }
      }
    default: return false
    }
    return true
  }

  private mutating func readSocketOption(_ option: UnitOption, _ settings: inout SocketDefinition.Settings) -> Bool {
    let flags: [String: WritableKeyPath<SocketDefinition.Settings, Bool>] = [
      "NoDelay": \.hasNoDelay, "KeepAlive": \.keepsAlive, "ReusePort": \.reusesPort, "FreeBind": \.bindsFreely,
      "Transparent": \.isTransparent, "Broadcast": \.mayBroadcast, "PassCredentials": \.passesCredentials,
    ]
    let numbers: [String: WritableKeyPath<SocketDefinition.Settings, Int32?>] = [
      "KeepAliveProbes": \.keepAliveProbes, "Priority": \.priority, "IPTTL": \.timeToLive, "Mark": \.mark,
    ]
    let spans: [String: WritableKeyPath<SocketDefinition.Settings, Int32?>] = [
      "KeepAliveTimeSec": \.keepAliveSeconds, "KeepAliveIntervalSec": \.keepAliveIntervalSeconds,
      "DeferAcceptSec": \.deferAcceptSeconds,
    ]
    let sizes: [String: WritableKeyPath<SocketDefinition.Settings, Int32?>] = [
      "ReceiveBuffer": \.receiveBufferBytes, "SendBuffer": \.sendBufferBytes, "PipeSize": \.pipeBytes,
    ]
    if let path = flags[option.name] {
      settings[keyPath: path] = flag(option) ?? settings[keyPath: path]
    } else if let path = numbers[option.name] {
      settings[keyPath: path] = count(option).map { Int32($0) }
    } else if let path = spans[option.name] {
      duration(option) { settings[keyPath: path] = Int32(clamping: $0.components.seconds) }
    } else if let path = sizes[option.name] {
      size(option) { settings[keyPath: path] = $0 }
    } else {
      return readWords(option, &settings)
    }
    return true
  }

  private mutating func readWords(_ option: UnitOption, _ settings: inout SocketDefinition.Settings) -> Bool {
    switch option.name {
    case "Backlog":
      if let number = Int64(option.value), number >= 0 {
        settings.backlog = Int32(clamping: number)
      } else {
        bad(option, "a number")
      }
    case "BindIPv6Only":
      if let binding = SocketDefinition.IPv6Binding(rawValue: option.value) {
        settings.ipv6Binding = binding
      } else {
        bad(option, "default, both or ipv6-only")
      }
    case "TCPCongestion": settings.congestion = option.value.isEmpty ? nil : option.value
    case "BindToDevice":
      if option.value.utf8.count <= 15 {
        settings.device = option.value.isEmpty ? nil : option.value
      } else {
        bad(option, "the name of a network interface")
      }
    default: return false
    }
    return true
  }

  // MARK: The whole

  mutating func checkSocket() {
    guard var socket else { return }
    if socket.listeners.isEmpty, !findings.contains(where: { $0.severity == .error }) {
      findings.append(
        .missingSetting(
          "the socket listens on nothing: it has none of ListenStream=, ListenDatagram=, ListenSequentialPacket=,"
            + " ListenFIFO="
        )
      )
    }
    if socket.accepts { checkAccepting(&socket) }
    if socket.service == SocketDefinition.engineService { findings.append(.socketOfEngine) }
    if socket.settings.links.count > 0, socket.listeners.compactMap(\.path).count != 1 {
      findings.append(.missingSetting("Symlinks= needs exactly one listener that is a file"))
    }
    socket.triggerLimit.burst = socketOptions.triggerBurst ?? (socket.accepts ? 200 : 20)
    socket.maxConnectionsPerSource = socketOptions.maxConnectionsPerSource ?? 0
    socket.descriptorName =
      socketOptions.descriptorName ?? (socket.accepts ? "connection" : socket.descriptorName)
    // The service finds its sockets there when both start.
    if !socket.accepts, !definition.dependencies[.before].contains(socket.service) {
      definition.dependencies[.before].append(socket.service)
    }
    self.socket = socket
  }

  private mutating func checkAccepting(_ socket: inout SocketDefinition) {
    if socket.listeners.contains(where: { $0.kind == .datagram || $0.kind == .fifo }) {
      findings.append(
        .missingSetting("Accept=yes needs connections, which only ListenStream= and ListenSequentialPacket= have")
      )
    }
    if let option = socketOptions.service {
      bad(option, "no Service= with Accept=yes, which has a template's instances")
    }
    socket.service = "\(unit.prefix)@.service"
    if unit.isInstance {
      findings.append(
        .missingSetting("Accept=yes needs a unit that is no instance: its connections get instances of their own")
      )
    }
  }

  // MARK: Kinds of values

  private mutating func count(_ option: UnitOption) -> Int? {
    if let number = Int(option.value), (0...Int(Int32.max)).contains(number) { return number }
    bad(option, "a number")
    return nil
  }

  private mutating func mode(_ option: UnitOption, _ set: (UInt32) -> Void) {
    if let mode = ExecutionReader.mode(option.value) {
      set(mode)
    } else {
      bad(option, "an octal mode such as 0660")
    }
  }

  /// Bytes, with `K`, `M` or `G` of 1024.
  private mutating func size(_ option: UnitOption, _ set: (Int32) -> Void) {
    let scales: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    let scale = option.value.last.flatMap { scales[$0] }
    let digits = scale == nil ? option.value[...] : option.value.dropLast()
    guard let number = Int32(digits), number >= 0 else { return bad(option, "a size such as 64K") }
    set(Int32(clamping: Int(number) * (scale ?? 1)))
  }
}
