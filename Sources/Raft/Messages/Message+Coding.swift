// SPDX-License-Identifier: Apache-2.0

extension Message {
  /// Version of the binary form; another one is refused by name.
  public static let formatVersion: UInt8 = 1

  /// The binary form: version, kind, from, to, term, then what the kind needs.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: 64 + body.payloadBytes)
    writer.write(Self.formatVersion)
    writer.write(body.kind.rawValue)
    writer.write(from)
    writer.write(to)
    writer.write(term)
    body.write(to: &writer)
    return writer.bytes
  }

  /// Reads the binary form.
  ///
  /// - Parameter bytes: What ``encoded()`` made.
  /// - Throws: ``RaftError/malformed(_:)``, also when there are more than ``sizeLimitBytes``.
  public init(decoding bytes: [UInt8]) throws(RaftError) {
    guard bytes.count <= Self.sizeLimitBytes else { throw .malformed("message: \(bytes.count) bytes are too many") }
    var reader = ByteReader(bytes, of: "message")
    let version = try reader.readUInt8()
    guard version == Self.formatVersion else { throw reader.failure("version \(version) is not known") }
    guard let kind = Kind(rawValue: try reader.readUInt8()) else { throw reader.failure("unknown kind") }
    let from = try reader.readMember()
    let to = try reader.readMember()
    let term = try reader.readTerm()
    let body = try Body(kind, from: &reader)
    try reader.expectEnd()
    self.init(from: from, to: to, term: term, body: body)
  }

  enum Kind: UInt8, CaseIterable {
    case preVoteRequest = 1
    case preVoteResponse
    case voteRequest
    case voteResponse
    case append
    case appendAccepted
    case appendRejected
    case heartbeat
    case heartbeatResponse
    case snapshotChunk
    case snapshotResponse
    case propose
    case readIndex
    case readIndexResponse
    case timeoutNow
    case changeRefused
  }
}

extension Message.Body {
  var kind: Message.Kind {
    switch self {
    case .preVoteRequest: .preVoteRequest
    case .preVoteResponse: .preVoteResponse
    case .voteRequest: .voteRequest
    case .voteResponse: .voteResponse
    case .append: .append
    case .appendResponse(.accepted): .appendAccepted
    case .appendResponse(.rejected): .appendRejected
    case .heartbeat: .heartbeat
    case .heartbeatResponse: .heartbeatResponse
    case .snapshotChunk: .snapshotChunk
    case .snapshotResponse: .snapshotResponse
    case .propose: .propose
    case .readIndex: .readIndex
    case .readIndexResponse: .readIndexResponse
    case .timeoutNow: .timeoutNow
    case .changeRefused: .changeRefused
    }
  }

  /// Bytes of the parts that can be large; for reserving room.
  fileprivate var payloadBytes: Int {
    switch self {
    case .append(let request): request.entries.reduce(0) { $0 + $1.sizeBytes }
    case .snapshotChunk(let request): request.chunk.bytes.count
    default: 0
    }
  }

  fileprivate func write(to writer: inout ByteWriter) {
    switch self {
    case .preVoteRequest(let request), .voteRequest(let request):
      writer.write(request.lastIndex)
      writer.write(request.lastTerm)
      writer.write(request.isTransfer)
    case .preVoteResponse(let granted), .voteResponse(let granted):
      writer.write(granted)
    case .append(let request):
      request.write(to: &writer)
    case .appendResponse(.accepted(let match)):
      writer.write(match)
    case .appendResponse(.rejected(let previousIndex, let hintIndex, let hintTerm)):
      writer.write(previousIndex)
      writer.write(hintIndex)
      writer.write(hintTerm)
    case .heartbeat(let commitIndex, let readRound):
      writer.write(commitIndex)
      writer.write(readRound)
    case .heartbeatResponse(let readRound):
      writer.write(readRound)
    case .snapshotChunk(let request):
      request.metadata.write(to: &writer)
      writer.write(request.offset)
      writer.write(request.chunk.isLast)
      writer.write(request.chunk.bytes)
    case .snapshotResponse(let index, let stagedBytes):
      writer.write(index)
      writer.write(stagedBytes)
    case .propose(let proposals):
      writer.write(UInt32(proposals.count))
      for proposal in proposals { proposal.write(to: &writer) }
    case .readIndex(let batch):
      writer.write(batch)
    case .readIndexResponse(let batch, let index):
      writer.write(batch)
      writer.write(index)
    case .timeoutNow:
      break
    case .changeRefused(let change, let reason):
      change.write(to: &writer)
      writer.write(Array(reason.utf8))
    }
  }

  fileprivate init(_ kind: Message.Kind, from reader: inout ByteReader) throws(RaftError) {
    switch kind {
    case .preVoteRequest: self = .preVoteRequest(try VoteRequest(from: &reader))
    case .preVoteResponse: self = .preVoteResponse(granted: try reader.readBool())
    case .voteRequest: self = .voteRequest(try VoteRequest(from: &reader))
    case .voteResponse: self = .voteResponse(granted: try reader.readBool())
    case .append: self = .append(try AppendRequest(from: &reader))
    case .appendAccepted: self = .appendResponse(.accepted(match: try reader.readIndex()))
    case .appendRejected:
      let previousIndex = try reader.readIndex()
      let hintIndex = try reader.readIndex()
      let hintTerm = try reader.readTerm()
      self = .appendResponse(.rejected(previousIndex: previousIndex, hintIndex: hintIndex, hintTerm: hintTerm))
    case .heartbeat:
      let commitIndex = try reader.readIndex()
      self = .heartbeat(commitIndex: commitIndex, readRound: try reader.readUInt64())
    case .heartbeatResponse: self = .heartbeatResponse(readRound: try reader.readUInt64())
    case .snapshotChunk: self = .snapshotChunk(try SnapshotChunkRequest(from: &reader))
    case .snapshotResponse:
      let index = try reader.readIndex()
      self = .snapshotResponse(index: index, stagedBytes: try reader.readUInt64())
    case .propose:
      let count = try reader.readCount(elementBytes: 5)
      var proposals: [ForwardedProposal] = []
      proposals.reserveCapacity(count)
      for _ in 0..<count { proposals.append(try ForwardedProposal(from: &reader)) }
      self = .propose(proposals)
    case .readIndex: self = .readIndex(batch: try reader.readUInt64())
    case .readIndexResponse:
      let batch = try reader.readUInt64()
      self = .readIndexResponse(batch: batch, index: try reader.readIndex())
    case .timeoutNow: self = .timeoutNow
    case .changeRefused:
      let change = try ConfigurationChange(from: &reader)
      guard let reason = String(validating: try reader.readBytes(), as: UTF8.self) else {
        throw reader.failure("a reason that is no text")
      }
      self = .changeRefused(change, reason: reason)
    }
  }
}

extension VoteRequest {
  fileprivate init(from reader: inout ByteReader) throws(RaftError) {
    let lastIndex = try reader.readIndex()
    let lastTerm = try reader.readTerm()
    self.init(lastIndex: lastIndex, lastTerm: lastTerm, isTransfer: try reader.readBool())
  }
}

extension AppendRequest {
  fileprivate func write(to writer: inout ByteWriter) {
    writer.write(previousIndex)
    writer.write(previousTerm)
    writer.write(commitIndex)
    writer.write(UInt32(entries.count))
    for entry in entries { entry.write(to: &writer) }
  }

  fileprivate init(from reader: inout ByteReader) throws(RaftError) {
    let previousIndex = try reader.readIndex()
    let previousTerm = try reader.readTerm()
    let commitIndex = try reader.readIndex()
    let count = try reader.readCount(elementBytes: Entry.overheadBytes)
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for offset in 0..<count {
      let entry = try Entry(from: &reader)
      guard entry.index.rawValue == previousIndex.rawValue &+ UInt64(offset) &+ 1, entry.index > previousIndex else {
        throw reader.failure("entries are not contiguous")
      }
      entries.append(entry)
    }
    self.init(previousIndex: previousIndex, previousTerm: previousTerm, entries: entries, commitIndex: commitIndex)
  }
}

extension SnapshotChunkRequest {
  fileprivate init(from reader: inout ByteReader) throws(RaftError) {
    let metadata = try SnapshotMetadata(from: &reader)
    let offset = try reader.readUInt64()
    let isLast = try reader.readBool()
    let bytes = try reader.readBytes()
    self.init(metadata: metadata, offset: offset, chunk: SnapshotChunk(bytes: bytes, isLast: isLast))
  }
}

extension ForwardedProposal {
  fileprivate func write(to writer: inout ByteWriter) {
    switch self {
    case .command(let data):
      writer.write(UInt8(0))
      writer.write(data)
    case .configurationChange(let change):
      writer.write(UInt8(1))
      change.write(to: &writer)
    }
  }

  fileprivate init(from reader: inout ByteReader) throws(RaftError) {
    switch try reader.readUInt8() {
    case 0: self = .command(try reader.readBytes())
    case 1: self = .configurationChange(try ConfigurationChange(from: &reader))
    default: throw reader.failure("unknown kind of proposal")
    }
  }
}
