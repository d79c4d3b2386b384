// SPDX-License-Identifier: Apache-2.0

/// The binary form of commands in the log: a format byte, a kind byte, flags, then only the fields that are set.
extension StoreCommand {
  private static let format: UInt8 = 1

  private enum Kind: UInt8 {
    case set = 1
    case create, createInOrder, update, compareAndSwap, delete, compareAndDelete, expire, refresh
  }

  private struct Flags: OptionSet {
    var rawValue: UInt8
    static let directory = Flags(rawValue: 1 << 0)
    static let recursive = Flags(rawValue: 1 << 1)
    static let refresh = Flags(rawValue: 1 << 2)
    static let ttl = Flags(rawValue: 1 << 3)
    static let value = Flags(rawValue: 1 << 4)
    static let previousValue = Flags(rawValue: 1 << 5)
    static let previousIndex = Flags(rawValue: 1 << 6)
    static let all = Flags(rawValue: 0x7F)
  }

  /// Every field any command has; each kind uses some.
  private struct Fields {
    var isDirectory = false
    var recursive = false
    var refresh = false
    var ttl = TTLChange.permanent
    var value: String?
    var comparison = Comparison()
  }

  /// The command as bytes, for the log.
  ///
  /// - Parameter header: What goes before it in the same array, which is made only once so.
  /// - Returns: The header and the command.
  public func encoded(after header: consuming [UInt8] = []) -> [UInt8] {
    header.reserveCapacity(header.count + sizeHintBytes)
    var writer = ByteWriter(after: header)
    writer.write(Self.format)
    switch self {
    case .write(let key, let write):
      let (kind, fields) = Self.fields(of: write)
      writer.write(kind.rawValue)
      writer.write(key)
      Self.write(fields, to: &writer)
    case .expire(let moment):
      writer.write(Kind.expire.rawValue)
      writer.write(moment)
    case .refresh(let refreshes):
      writer.write(Kind.refresh.rawValue)
      writer.write(variable: UInt64(refreshes.count))
      for refresh in refreshes {
        writer.write(refresh.key)
        writer.write(variable: refresh.ttlSeconds)
      }
    }
    return writer.bytes
  }

  /// Reads a command back.
  ///
  /// - Parameter bytes: What ``encoded()`` gave; anything else is refused without harm.
  /// - Throws: ``StoreDecodingError``.
  public init(decoding bytes: some Sequence<UInt8>) throws(StoreDecodingError) {
    var reader = ByteReader(ArraySlice(bytes))
    let format = try reader.readByte()
    guard format == Self.format else { throw .unsupportedFormat(format) }
    guard let kind = Kind(rawValue: try reader.readByte()) else {
      throw .malformed(field: "command kind", atByte: reader.offset - 1)
    }
    switch kind {
    case .expire:
      self = .expire(through: try reader.readMoment())
    case .refresh:
      self = .refresh(try Self.readRefreshes(from: &reader))
    default:
      let key = try reader.readText("key", limitBytes: NodeKey.maximumBytes)
      let fields = try Self.readFields(from: &reader)
      guard let write = Self.makeWrite(kind, fields) else {
        throw .malformed(field: "command", atByte: reader.offset)
      }
      self = .write(key: key, write)
    }
    try reader.expectEnd()
  }

  /// About how many bytes the command takes.
  private var sizeHintBytes: Int {
    guard case .write(let key, let write) = self else {
      if case .refresh(let refreshes) = self { return refreshes.reduce(16) { $0 + $1.key.utf8.count + 8 } }
      return 16
    }
    let fields = Self.fields(of: write).1
    let texts = [key, fields.value, fields.comparison.previousValue]
    return texts.reduce(48) { $0 + ($1?.utf8.count ?? 0) }
  }

  private static func fields(of write: KeysWrite) -> (Kind, Fields) {
    switch write {
    case .set(let value, let isDirectory, let ttl, let refresh):
      (.set, Fields(isDirectory: isDirectory, refresh: refresh, ttl: ttl, value: value))
    case .create(let value, let isDirectory, let ttl):
      (.create, Fields(isDirectory: isDirectory, ttl: ttl, value: value))
    case .createInOrder(let value, let isDirectory, let ttl):
      (.createInOrder, Fields(isDirectory: isDirectory, ttl: ttl, value: value))
    case .update(let value, let ttl, let refresh):
      (.update, Fields(refresh: refresh, ttl: ttl, value: value))
    case .compareAndSwap(let value, let comparison, let ttl, let refresh):
      (.compareAndSwap, Fields(refresh: refresh, ttl: ttl, value: value, comparison: comparison))
    case .delete(let isDirectory, let recursive):
      (.delete, Fields(isDirectory: isDirectory, recursive: recursive))
    case .compareAndDelete(let comparison):
      (.compareAndDelete, Fields(comparison: comparison))
    }
  }

  private static func makeWrite(_ kind: Kind, _ fields: Fields) -> KeysWrite? {
    switch (kind, fields.value) {
    case (.set, let value?):
      .set(value: value, isDirectory: fields.isDirectory, ttl: fields.ttl, refresh: fields.refresh)
    case (.create, let value?):
      .create(value: value, isDirectory: fields.isDirectory, ttl: fields.ttl)
    case (.createInOrder, let value?):
      .createInOrder(value: value, isDirectory: fields.isDirectory, ttl: fields.ttl)
    case (.update, let value):
      .update(value: value, ttl: fields.ttl, refresh: fields.refresh)
    case (.compareAndSwap, let value?):
      .compareAndSwap(value: value, comparison: fields.comparison, ttl: fields.ttl, refresh: fields.refresh)
    case (.delete, nil):
      .delete(isDirectory: fields.isDirectory, recursive: fields.recursive)
    case (.compareAndDelete, nil):
      .compareAndDelete(comparison: fields.comparison)
    case (.set, nil), (.create, nil), (.createInOrder, nil), (.compareAndSwap, nil), (.delete, _?),
      (.compareAndDelete, _?), (.expire, _), (.refresh, _):
      nil
    }
  }

  private static func readRefreshes(from reader: inout ByteReader) throws(StoreDecodingError) -> [KeyRefresh] {
    let start = reader.offset
    let count = try reader.readVariable("refresh count")
    guard (1...UInt64(KeyRefresh.maximumBatch)).contains(count) else {
      throw .malformed(field: "refresh count", atByte: start)
    }
    var refreshes: [KeyRefresh] = []
    for _ in 0..<count {
      let key = try reader.readText("key", limitBytes: NodeKey.maximumBytes)
      refreshes.append(KeyRefresh(key: key, ttlSeconds: try reader.readVariable("ttl")))
    }
    return refreshes
  }

  private static func write(_ fields: Fields, to writer: inout ByteWriter) {
    var flags: Flags = []
    if fields.isDirectory { flags.insert(.directory) }
    if fields.recursive { flags.insert(.recursive) }
    if fields.refresh { flags.insert(.refresh) }
    if fields.ttl != .permanent { flags.insert(.ttl) }
    if fields.value != nil { flags.insert(.value) }
    if fields.comparison.previousValue != nil { flags.insert(.previousValue) }
    if fields.comparison.previousIndex != nil { flags.insert(.previousIndex) }
    writer.write(flags.rawValue)
    if case .seconds(let seconds) = fields.ttl { writer.write(variable: seconds) }
    if let value = fields.value { writer.write(value) }
    if let value = fields.comparison.previousValue { writer.write(value) }
    if let index = fields.comparison.previousIndex { writer.write(variable: index.rawValue) }
  }

  private static func readFields(from reader: inout ByteReader) throws(StoreDecodingError) -> Fields {
    let flags = Flags(rawValue: try reader.readByte())
    guard Flags.all.isSuperset(of: flags) else { throw .malformed(field: "flags", atByte: reader.offset - 1) }
    var fields = Fields()
    fields.isDirectory = flags.contains(.directory)
    fields.recursive = flags.contains(.recursive)
    fields.refresh = flags.contains(.refresh)
    if flags.contains(.ttl) { fields.ttl = .seconds(try reader.readVariable("ttl")) }
    if flags.contains(.value) {
      fields.value = try reader.readText("value", limitBytes: StoreLimits.valueBytes)
    }
    if flags.contains(.previousValue) {
      fields.comparison.previousValue = try reader.readText("previous value", limitBytes: StoreLimits.valueBytes)
    }
    if flags.contains(.previousIndex) {
      fields.comparison.previousIndex = EtcdIndex(try reader.readVariable("previous index"))
    }
    return fields
  }
}
