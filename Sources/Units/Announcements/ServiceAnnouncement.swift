// SPDX-License-Identifier: Apache-2.0

/// A service that a unit says it offers: `Announce=NAME:PORT[/udp] [KEY=VALUE]…` in `[X-Fleet]` or `[X-Coracle]`.
///
/// The registrator publishes it while the unit is up and its check passes, so that no sidekick unit is needed.
/// Keys: `check` (`tcp`, `http:/path`, `tcp://host:port`, `http://host:port/path`), `interval`, `timeout`, `retries`,
/// `id`, `tags` (separated by commas), `attr.NAME`.
public struct ServiceAnnouncement: Sendable, Hashable {
  /// The service's name.
  public var name: String
  /// The machine's port it is offered on.
  public var port: UInt16
  /// `tcp` or `udp`.
  public var transport: String
  /// The record's id; nil for `<host>:<unit>:<port>`.
  public var id: String?
  /// Words about it.
  public var tags: [String]
  /// Values about it, by lower-case name.
  public var attributes: [String: String]
  /// How to find out whether it can be used; nil when being up is enough.
  public var check: ServiceCheck?

  /// Makes an announcement.
  public init(
    name: String,
    port: UInt16,
    transport: String = "tcp",
    id: String? = nil,
    tags: [String] = [],
    attributes: [String: String] = [:],
    check: ServiceCheck? = nil
  ) {
    self.name = name
    self.port = port
    self.transport = transport
    self.id = id
    self.tags = tags
    self.attributes = attributes
    self.check = check
  }

  /// The option's name.
  public static let optionName = "Announce"
  /// Our own section, for files that stock fleet is to take without a warning.
  public static let ownSection = "X-Coracle"
  /// How many one unit may have.
  public static let limit = 64

  /// Reads one value of the option, specifiers already replaced.
  ///
  /// - Throws: ``ServiceAnnouncementError``, what was expected.
  public init(parsing text: String) throws(ServiceAnnouncementError) {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let place = words.first, let colon = place.lastIndex(of: ":") else { throw .init("NAME:PORT[/udp]") }
    let name = String(place[..<colon])
    let port = place[place.index(after: colon)...].split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, let number = UInt16(port[0]), number > 0 else { throw .init("NAME:PORT[/udp]") }
    let transport = port.count > 1 ? port[1...].joined(separator: "/") : "tcp"
    guard ["tcp", "udp"].contains(transport) else { throw .init("tcp or udp after the port") }
    self.init(name: name, port: number, transport: transport)
    var check = ServiceCheck(kind: .tcp, host: ServiceCheck.loopback, port: number)
    var settings: Set<String> = []
    for word in words.dropFirst() {
      guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
        throw .init("KEY=VALUE after the port")
      }
      let key = String(word[..<equals])
      let value = String(word[word.index(after: equals)...])
      guard settings.insert(key).inserted else { throw .init("\(key)= once") }
      try take(key, value, &check)
    }
    guard settings.contains("check") else {
      if !settings.isDisjoint(with: ["interval", "timeout", "retries"]) { throw .init("check= beside its settings") }
      return
    }
    if transport == "udp", check.port == number, check.kind == .tcp { throw .init("no tcp check of a udp port") }
    self.check = check
  }

  private mutating func take(
    _ key: String,
    _ value: String,
    _ check: inout ServiceCheck
  ) throws(ServiceAnnouncementError) {
    switch key {
    case "check": try check.read(value)
    case "interval": check.interval = try Self.span(key, value)
    case "timeout": check.timeout = try Self.span(key, value)
    case "retries":
      guard let retries = Int(value), (1...100).contains(retries) else { throw .init("retries= from 1 to 100") }
      check.retries = retries
    case "id":
      guard !value.isEmpty else { throw .init("a text after id=") }
      id = value
    case "tags": tags = value.split(separator: ",").map(String.init)
    case _ where key.hasPrefix("attr.") && key.count > 5: attributes[key.dropFirst(5).lowercased()] = value
    default: throw .init("one of check, interval, timeout, retries, id, tags, attr.NAME instead of \(key)")
    }
  }

  private static func span(_ key: String, _ text: String) throws(ServiceAnnouncementError) -> Duration {
    guard let span = TimeSpan(text)?.duration, span >= .milliseconds(100), span <= .seconds(3600) else {
      throw .init("\(key)= from 100ms to 1h")
    }
    return span
  }
}

/// How to find out whether a service can be used.
public struct ServiceCheck: Sendable, Hashable {
  /// What is done.
  public enum Kind: Sendable, Hashable {
    /// A connection is made; that it comes about is enough.
    case tcp
    /// `GET path`; a status from 200 to 399 is good.
    case http(path: String)
  }

  /// Where a check goes that names no host: a service is asked on its own machine.
  public static let loopback = "127.0.0.1"

  /// What is done.
  public var kind: Kind
  /// The host that is asked.
  public var host: String
  /// The port that is asked.
  public var port: UInt16
  /// Time between an answer and the next question.
  public var interval: Duration = .seconds(10)
  /// Time for an answer.
  public var timeout: Duration = .seconds(2)
  /// How many failures in a row take the record away.
  public var retries = 3

  /// Makes a check.
  public init(kind: Kind, host: String, port: UInt16) {
    self.kind = kind
    self.host = host
    self.port = port
  }

  /// Reads `tcp`, `http:/path`, `tcp://host:port` or `http://host:port/path`.
  fileprivate mutating func read(_ text: String) throws(ServiceAnnouncementError) {
    let form = ServiceAnnouncementError("check= with tcp, http:/path, tcp://host:port or http://host:port/path")
    guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f }) else { throw form }
    if text == "tcp" { return }
    if text.hasPrefix("tcp://") { return try readPlace(text.dropFirst(6), form) }
    guard text.hasPrefix("http:/") else { throw form }
    guard text.hasPrefix("http://") else {
      kind = .http(path: String(text.dropFirst(5)))
      return
    }
    let rest = text.dropFirst(7)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    kind = .http(path: slash == rest.endIndex ? "/" : String(rest[slash...]))
    try readPlace(rest[..<slash], form)
  }

  private mutating func readPlace(
    _ text: Substring,
    _ form: ServiceAnnouncementError
  ) throws(ServiceAnnouncementError) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
      throw form
    }
    let host = text[..<colon].filter { $0 != "[" && $0 != "]" }
    guard !host.isEmpty else { throw form }
    self.host = String(host)
    self.port = port
  }
}

/// What was expected where an announcement says something else.
public struct ServiceAnnouncementError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was expected.
  public var expected: String

  init(_ expected: String) {
    self.expected = expected
  }

  /// What was expected.
  public var description: String { "expected \(expected)" }
}
