// SPDX-License-Identifier: Apache-2.0

/// What user-data is, by its first bytes.
///
/// Source: coreos-cloudinit's order of tests, and Flatcar's, which knows multipart messages; specs/cloud-config.md §1.
enum UserDataKind: Equatable {
  /// Nothing, or nothing but blanks.
  case empty
  case script
  case cloudConfig
  case multipart
  /// Something that is not read here; the message says what it is.
  case refused(String)
  /// None of these; the message says what the first line must be.
  case unknown(String)

  private static let boundedFirstLine = 200

  init(of bytes: [UInt8]) {
    let firstLine = Self.firstLine(of: bytes)
    if bytes.allSatisfy(Self.isBlank) {
      self = .empty
    } else if bytes.starts(with: "#!".utf8) {
      self = .script
    } else if firstLine == "#cloud-config" {
      self = .cloudConfig
    } else if let reason = Self.foreignKind(firstLine, bytes) {
      self = .refused(reason)
    } else if Self.isMessage(firstLine) {
      self = .multipart
    } else {
      self = .unknown(Self.headerProblem(firstLine, bytes))
    }
  }

  /// Whether a byte is a blank or a line break.
  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0d ~= byte }

  /// The first line without blanks at its end.
  private static func firstLine(of bytes: [UInt8]) -> String {
    let line = bytes.prefix(boundedFirstLine).prefix { $0 != 0x0a }
    return String(decoding: line.reversed().drop(while: isBlank).reversed(), as: UTF8.self)
  }

  private static func isMessage(_ line: String) -> Bool {
    if line.hasPrefix("From ") { return true }
    let name = line.prefix { $0 != ":" }
    guard name.count < line.count else { return false }
    return ["content-type", "mime-version", "content-disposition", "content-transfer-encoding", "number-attachments"]
      .contains(name.lowercased())
  }

  // MARK: What is refused

  /// Other formats of user-data by the beginning of their first line.
  private static let foreign: [(beginning: String, message: String)] = [
    ("#include", "#include is a list of addresses for cloud-init; write the cloud-config itself here"),
    ("## template: jinja", "a Jinja template is not filled in here; render it first"),
    ("#cloud-boothook", "a cloud-boothook belongs to cloud-init; make it a script that begins with \"#!\""),
    (
      "#cloud-config-archive",
      "a cloud-config-archive belongs to cloud-init; write one cloud-config, or a multipart message"
    ),
    ("#cloud-config-jsonp", "a patch for cloud-init's configuration is not read here; write a cloud-config"),
    ("#part-handler", "a part-handler belongs to cloud-init and is not run here"),
    ("#upstart-job", "an upstart-job is not run here; write a unit under coreos.units"),
  ]

  private static func foreignKind(_ line: String, _ bytes: [UInt8]) -> String? {
    if let kind = foreign.first(where: { line.lowercased().hasPrefix($0.beginning) }) { return kind.message }
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      return "a byte order mark stands before the header; save the file as UTF-8 without one"
    }
    if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
      return "this is UTF-16; save it as UTF-8"
    }
    if bytes.first(where: { !isBlank($0) }) == UInt8(ascii: "{") { return jsonKind(bytes) }
    return butaneKind(bytes)
  }

  private static func jsonKind(_ bytes: [UInt8]) -> String {
    switch ignitionVersion(bytes) {
    case .some(let version):
      "this is Ignition\(version.isEmpty ? "" : " " + version), which is not read here; write its units under coreos.units "
        + "and its files under write_files of a \"#cloud-config\""
    case nil: "JSON without a header; if it is a cloud-config, put a line \"#cloud-config\" above it"
    }
  }

  /// The version of Ignition that a JSON object names, empty when it names none that is text; nil for other objects.
  private static func ignitionVersion(_ bytes: [UInt8]) -> String? {
    guard let text = try? UserDataText(bytes) else { return nil }
    var parser = YAMLParser(text.scalars)
    guard let root = (try? parser.parseDocument())?.root, case .mapping(let pairs) = root.content else { return nil }
    for pair in pairs where pair.key == "ignitionVersion" || pair.key == "ignition" {
      guard case .mapping(let inner) = pair.value.content else { return pair.value.text ?? "" }
      if let version = inner.first(where: { $0.key == "version" }) { return version.value.text ?? "" }
    }
    return nil
  }

  /// Butane, which is written by hand to make Ignition of.
  private static func butaneKind(_ bytes: [UInt8]) -> String? {
    let lines = String(decoding: bytes.prefix(4_096), as: UTF8.self).split(separator: "\n", maxSplits: 40)
    let isButane = lines.contains { $0.hasPrefix("variant:") } && lines.contains { $0.hasPrefix("version:") }
    return isButane ? "this is a Butane config, from which Ignition is made; it is not read here" : nil
  }

  // MARK: The header

  private static func headerProblem(_ line: String, _ bytes: [UInt8]) -> String {
    let wanted = "the first line must be \"#cloud-config\""
    let bare = line.trimmingBlanks()
    if bare.isEmpty { return "\(wanted); remove the blank lines above it" }
    if bare.dropFirst().trimmingBlanks().lowercased().hasPrefix("cloud-config"), bare.first == "#" {
      return "\(wanted), exactly so, with nothing before or behind it"
    }
    let lines = String(decoding: bytes.prefix(65_536), as: UTF8.self).split { $0 == "\n" || $0 == "\r\n" }
    if lines.contains(where: { $0.trimmingBlanks() == "#cloud-config" }) {
      return "\(wanted); it stands further down, so move it up"
    }
    let keys = CloudConfigSchema.root.keys.map { "\($0.name):" }
    if lines.contains(where: { line in keys.contains { SchemaReader.normalized(String(line)).hasPrefix($0) } }) {
      return "\(wanted); add it above this line"
    }
    return "\(wanted), or begin with \"#!\""
  }
}
