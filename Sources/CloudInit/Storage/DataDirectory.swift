// SPDX-License-Identifier: Apache-2.0

/// What a node keeps of its boots: who it is, what it has become, and the user-data it last ran with.
///
/// Invariant: every file is replaced whole and is durable before the call returns.
public struct DataDirectory: Sendable {
  /// The directory.
  public let path: String

  private static let limitBytes = 1 << 20

  /// Names a directory; it is made when something is first kept.
  public init(path: String) {
    self.path = path
  }

  // MARK: Membership

  /// What this node has become; nil on its first boot.
  ///
  /// - Throws: ``CloudInitError`` when the file cannot be read or understood.
  public func membership() async throws -> MembershipRecord? {
    guard let text = try await readText("membership") else { return nil }
    guard let record = MembershipRecord(parsing: text) else {
      throw CloudInitError(
        .dataDirectory,
        "\(path)/membership cannot be understood; if this node's data is lost, empty \(path) and join anew"
      )
    }
    return record
  }

  /// Keeps what this node has become.
  ///
  /// - Throws: ``CloudInitError`` when it cannot be written.
  public func keep(_ record: MembershipRecord) async throws {
    try await write("membership", Array(record.text.utf8))
  }

  /// Whether `force-new-cluster` has been carried out since it was set.
  ///
  /// - Throws: ``CloudInitError`` when the mark cannot be read.
  public func hasForcedNewCluster() async throws -> Bool {
    try await readText("forced-new-cluster").map(Self.trimmed) == "yes"
  }

  /// Remembers whether `force-new-cluster` has been carried out.
  ///
  /// - Throws: ``CloudInitError`` when the mark cannot be written.
  public func keepForcedNewCluster(_ isDone: Bool) async throws {
    if try await hasForcedNewCluster() == isDone { return }
    try await write("forced-new-cluster", Array((isDone ? "yes\n" : "no\n").utf8))
  }

  /// The registration that was tried with a discovery token, as `url` and `name=url,…`; nil when none was.
  func registrationIntent() async throws -> String? {
    try await readText("discovery-registration")
  }

  func keepRegistrationIntent(_ text: String) async throws {
    try await write("discovery-registration", Array(text.utf8))
  }

  // MARK: Backup

  /// What a backup says about itself; nil when this is none.
  ///
  /// - Throws: ``CloudInitError`` when the file cannot be read.
  public func backupDescription() async throws -> String? {
    try await readText("backup")
  }

  /// Keeps what a backup says about itself.
  ///
  /// - Throws: ``CloudInitError`` when it cannot be written.
  public func keepBackupDescription(_ text: String) async throws {
    try await write("backup", Array(text.utf8))
  }

  // MARK: Machine id

  /// The id of this machine: the given one, else the one kept here, else the computer's own or a new one.
  ///
  /// `given` is `--machine-id`, if any. With `usesComputerID`, as with the default data directory, the id of
  /// `/etc/machine-id` is taken before a new one is made.
  ///
  /// - Throws: ``CloudInitError`` when an id is not 32 hexadecimal digits or cannot be kept.
  public func machineID(given: String?, usesComputerID: Bool) async throws -> String {
    let kept = try await readText("machine-id").map(Self.trimmed)
    if let given, let kept, given.lowercased() != kept {
      throw CloudInitError(
        .configuration,
        "the data directory \(path) belongs to machine \(kept), not \(given); give each node its own --data-dir"
      )
    }
    var id = given ?? kept
    if id == nil, usesComputerID {
      id = try await readBytes("/etc/machine-id").map { Self.trimmed(String(decoding: $0, as: UTF8.self)) }
    }
    let result = id?.lowercased() ?? Self.randomDigits()
    guard result.utf8.count == 32, result.allSatisfy({ $0.isHexDigit && $0.isASCII }) else {
      throw CloudInitError(.configuration, "the machine id \"\(result)\" is not 32 hexadecimal digits")
    }
    if result != kept { try await write("machine-id", Array("\(result)\n".utf8)) }
    return result
  }

  /// What tells this data directory from any other with the same machine id, such as a copied machine image.
  ///
  /// - Throws: ``CloudInitError`` when it cannot be kept.
  public func instanceToken() async throws -> String {
    if let kept = try await readText("instance").map(Self.trimmed), !kept.isEmpty { return kept }
    let token = Self.randomDigits()
    try await write("instance", Array("\(token)\n".utf8))
    return token
  }

  private static func randomDigits() -> String {
    var random = SystemRandomNumberGenerator()
    return (0..<32).map { _ in String(UInt8.random(in: 0..<16, using: &random), radix: 16) }.joined()
  }

  private static func trimmed(_ text: String) -> String {
    String(text.filter { !$0.isWhitespace })
  }

  // MARK: Files

  func readText(_ name: String) async throws -> String? {
    try await read(name).map { String(decoding: $0, as: UTF8.self) }
  }

  func read(_ name: String) async throws -> [UInt8]? {
    try await readBytes("\(path)/\(name)")
  }

  private func readBytes(_ file: String) async throws -> [UInt8]? {
    do {
      return try await OwnThread.run { try DurableFile.read(file, limitBytes: Self.limitBytes) }
    } catch {
      throw CloudInitError(.dataDirectory, "cannot read \(file)", cause: error)
    }
  }

  func write(_ name: String, _ bytes: [UInt8]) async throws {
    let path = path
    do {
      try await OwnThread.run {
        try DurableFile.makeFolder(path)
        try DurableFile.replace("\(path)/\(name)", with: bytes)
      }
    } catch {
      throw CloudInitError(.dataDirectory, "cannot write \(path)/\(name)", cause: error)
    }
  }
}
