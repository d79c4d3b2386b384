// SPDX-License-Identifier: Apache-2.0
import Units

/// Takes user-data apart: unpacks it, decodes the parts of messages, and says what is not read here.
struct UserDataReader {
  /// What there is to carry out, in the order of the user-data.
  private(set) var parts: [UserDataPart] = []
  /// What was found, and where the lines of parts stand.
  private(set) var log = FindingLog()
  /// Bytes that may still be unpacked.
  private var room: Int

  /// Reads user-data as it is stored; so many bytes may come out of what is packed in it.
  init(_ stored: [UInt8], room: Int = UserDataLimits.unpackedBytes) {
    self.room = room
    guard stored.count <= UserDataLimits.packedBytes else {
      log.error(
        at: .start,
        "user-data of \(stored.count) bytes; at most \(UserDataLimits.packedBytes) are read, packed with gzip if need be"
      )
      return
    }
    guard let bytes = unpacked(stored, at: .start) else { return }
    log.origins = LineOrigins(ownLines: LineOrigins.bound(ofLinesIn: bytes))
    read(bytes, at: .verbatim(1), name: "user-data", depth: 0)
  }

  /// A text whose lines stand somewhere in the user-data.
  private mutating func read(_ bytes: [UInt8], at place: LineOrigins.Place, name: String, depth: Int) {
    switch UserDataKind(of: bytes) {
    case .empty:
      log.info(at: mark(place), "\(name) is empty; there is nothing to do")
    case .script: add(.script(name: name), bytes, at: place)
    case .cloudConfig: add(.cloudConfig, bytes, at: place)
    case .multipart: readMessage(bytes, at: place, depth: depth)
    case .refused(let reason): log.error(at: mark(place), reason)
    case .unknown(let problem):
      guard depth > 0 else { return log.error(at: mark(place), problem) }
      log.warning(at: mark(place), "\(name) is neither a cloud-config nor a script and is left out: \(problem)")
    }
  }

  private mutating func add(_ kind: UserDataPart.Kind, _ bytes: [UInt8], at place: LineOrigins.Place) {
    var firstLine = 1
    if place != .verbatim(1) {
      firstLine = log.origins.add(lines: LineOrigins.bound(ofLinesIn: bytes), at: place)
    }
    parts.append(UserDataPart(kind: kind, bytes: bytes, firstLine: firstLine))
  }

  // MARK: Messages

  private mutating func readMessage(_ bytes: [UInt8], at place: LineOrigins.Place, depth: Int) {
    let lines = MessageLines(bytes)
    do {
      let headers = try MessageHeaders(lines, from: lines.startsAsMailbox ? 1 : 0, to: lines.count)
      guard headers.contentType.name.hasPrefix("multipart/") else {
        let mark = mark(place.dropping(headers.line(of: "content-type")))
        return log.error(at: mark, "the message is not multipart/mixed but \(headers.contentType.name)")
      }
      try readParts(headers, lines, from: headers.end, at: place, depth: depth)
    } catch {
      log.error(at: mark(place.dropping(error.line)), error.message)
    }
  }

  private mutating func readParts(
    _ headers: MessageHeaders,
    _ lines: MessageLines,
    from start: Int,
    at place: LineOrigins.Place,
    depth: Int
  ) throws(MultipartMessage.Failure) {
    guard let boundary = headers.contentType.parameters["boundary"], !boundary.isEmpty else {
      throw MultipartMessage.Failure(
        line: headers.line(of: "content-type"),
        message: "the message names no boundary, as in Content-Type: multipart/mixed; boundary=\"x\""
      )
    }
    guard depth < UserDataLimits.depth else {
      throw MultipartMessage.Failure(
        line: start,
        message: "messages stand inside each other more than \(UserDataLimits.depth) deep"
      )
    }
    let message = try MultipartMessage(lines, from: start, boundary: boundary)
    for (index, part) in message.parts.enumerated() {
      readPart(part, named: "part \(index + 1)", of: place, depth: depth + 1)
    }
  }

  private mutating func readPart(
    _ part: MultipartMessage.Part,
    named number: String,
    of message: LineOrigins.Place,
    depth: Int
  ) {
    guard parts.count < UserDataLimits.parts else {
      log.error(at: mark(message), "the message has more than \(UserDataLimits.parts) parts")
      return
    }
    let headers = part.headers
    let name = headers.fileName.map { "\(number) (\($0))" } ?? number
    func header(_ name: String) -> SourceMark { mark(message.dropping(headers.line(of: name))) }
    for merging in ["merge-type", "x-merge-type"] where headers[merging] != nil {
      log.warning(
        at: header(merging),
        "\(merging) has no effect: mappings are merged, lists joined, the last text counts"
      )
    }
    let word = (headers["content-transfer-encoding"] ?? "7bit").lowercased()
    guard let encoding = TransferEncoding(rawValue: word) else {
      log.error(at: header("content-transfer-encoding"), "\(name): the encoding \"\(word)\" is not known")
      return
    }
    let place = message.dropping(part.firstLine)
    guard let decoded = encoding.decode(part.body, at: place) else {
      log.error(at: mark(place), "\(name) cannot be decoded as \(word)")
      return
    }
    let isPacked = Gzip.isPacked(decoded.bytes)
    guard let bytes = unpacked(decoded.bytes, at: mark(place)) else { return }
    let bodyPlace = isPacked ? .packed(line: mark(place).line, inside: 1) : decoded.place
    if headers.contentType.name.hasPrefix("multipart/") {
      readInnerMessage(headers, bytes, at: bodyPlace, in: message, depth: depth)
    } else {
      let type = (name: headers.contentType.name, mark: header("content-type"))
      readContent(bytes, of: type, at: bodyPlace, name: name, depth: depth)
    }
  }

  private mutating func readInnerMessage(
    _ headers: MessageHeaders,
    _ bytes: [UInt8],
    at place: LineOrigins.Place,
    in message: LineOrigins.Place,
    depth: Int
  ) {
    guard headers.contentType.parameters["boundary"]?.isEmpty == false else {
      return log.error(at: mark(message.dropping(headers.line(of: "content-type"))), "the part names no boundary")
    }
    do {
      try readParts(headers, MessageLines(bytes), from: 0, at: place, depth: depth)
    } catch {
      log.error(at: mark(place.dropping(error.line)), error.message)
    }
  }

  private mutating func readContent(
    _ bytes: [UInt8],
    of type: (name: String, mark: SourceMark),
    at place: LineOrigins.Place,
    name: String,
    depth: Int
  ) {
    let isBlank = UserDataKind(of: bytes) == .empty
    if let reason = Self.refusedTypes[type.name] {
      log.error(at: type.mark, "\(name) is \(type.name): \(reason)")
    } else if type.name == "text/cloud-config", !isBlank {
      // The type says what it is, so a part needs no header line.
      add(.cloudConfig, bytes, at: place)
    } else if type.name.hasPrefix("text/x-shellscript"), !isBlank, !bytes.starts(with: "#!".utf8) {
      log.error(at: mark(place), "\(name) is \(type.name), so it must begin with \"#!\"")
    } else {
      read(bytes, at: place, name: name, depth: depth)
    }
  }

  /// Types of parts that only cloud-init understands.
  private static let refusedTypes: [String: String] = [
    "text/x-include-url": "addresses are not fetched; put the parts themselves into the message",
    "text/x-include-once-url": "addresses are not fetched; put the parts themselves into the message",
    "text/cloud-boothook": "make it a script, text/x-shellscript",
    "text/cloud-config-archive": "put its items into the message as parts",
    "text/cloud-config-jsonp": "put its settings into a cloud-config",
    "text/jinja2": "a Jinja template is not filled in here; render it first",
    "text/part-handler": "it belongs to cloud-init and is not run here",
    "text/upstart-job": "it is not run here; write a unit under coreos.units",
    "application/vnd.coreos.ignition+json": "Ignition is not read here; write a cloud-config",
  ]

  // MARK: Packing

  /// The bytes without gzip around them; nil when they cannot be unpacked, which is reported.
  private mutating func unpacked(_ bytes: [UInt8], at mark: SourceMark) -> [UInt8]? {
    var bytes = bytes
    for _ in 0..<UserDataLimits.depth where Gzip.isPacked(bytes) {
      do {
        bytes = try Gzip.unpack(bytes, limit: room)
        room -= bytes.count
      } catch {
        log.error(at: mark, "\(error)")
        return nil
      }
    }
    return bytes
  }

  private func mark(_ place: LineOrigins.Place) -> SourceMark {
    SourceMark(line: place.origin(0).line, column: 1)
  }
}
