// SPDX-License-Identifier: Apache-2.0

extension Configuration {
  /// The binary form: voters, learners.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Reads the binary form.
  ///
  /// - Parameter bytes: What ``encoded()`` made.
  /// - Throws: ``RaftError/malformed(_:)``.
  public init(decoding bytes: [UInt8]) throws(RaftError) {
    var reader = ByteReader(bytes, of: "configuration")
    try self.init(from: &reader)
    try reader.expectEnd()
  }

  func write(to writer: inout ByteWriter) {
    writer.write(voters)
    writer.write(learners)
  }

  init(from reader: inout ByteReader) throws(RaftError) {
    let voters = try reader.readMembers()
    let learners = try reader.readMembers()
    self.init(voters: voters, learners: learners)
    guard self.voters == voters, self.learners == learners else { throw reader.failure("members are not in order") }
  }
}

extension ConfigurationChange {
  func write(to writer: inout ByteWriter) {
    writer.write(action.rawValue)
    writer.write(member)
    writer.write(context)
  }

  init(from reader: inout ByteReader) throws(RaftError) {
    guard let action = Action(rawValue: try reader.readUInt8()) else { throw reader.failure("unknown change") }
    let member = try reader.readMember()
    self.init(action, member, context: try reader.readBytes())
  }
}

extension ConfigurationRecord {
  /// The binary form: change, then configuration.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    change.write(to: &writer)
    configuration.write(to: &writer)
    return writer.bytes
  }

  /// Reads the binary form.
  ///
  /// - Parameter bytes: What ``encoded()`` made: the `data` of a `.configuration` entry.
  /// - Throws: ``RaftError/malformed(_:)``.
  public init(decoding bytes: [UInt8]) throws(RaftError) {
    var reader = ByteReader(bytes, of: "configuration record")
    let change = try ConfigurationChange(from: &reader)
    let configuration = try Configuration(from: &reader)
    try reader.expectEnd()
    self.init(change: change, configuration: configuration)
  }
}

extension SnapshotMetadata {
  /// The binary form: index, term, stamp, configuration.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Reads the binary form.
  ///
  /// - Parameter bytes: What ``encoded()`` made.
  /// - Throws: ``RaftError/malformed(_:)``.
  public init(decoding bytes: [UInt8]) throws(RaftError) {
    var reader = ByteReader(bytes, of: "snapshot metadata")
    try self.init(from: &reader)
    try reader.expectEnd()
  }

  func write(to writer: inout ByteWriter) {
    writer.write(index)
    writer.write(term)
    writer.write(timestampNanoseconds)
    configuration.write(to: &writer)
  }

  init(from reader: inout ByteReader) throws(RaftError) {
    let index = try reader.readIndex()
    let term = try reader.readTerm()
    let timestamp = try reader.readInt64()
    let configuration = try Configuration(from: &reader)
    self.init(index: index, term: term, timestampNanoseconds: timestamp, configuration: configuration)
  }
}
