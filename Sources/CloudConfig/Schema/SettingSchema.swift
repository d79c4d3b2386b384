// SPDX-License-Identifier: Apache-2.0

/// What kind of value a key takes.
indirect enum SettingType: Sendable {
  case string
  case integer
  case boolean
  case float
  case stringList
  case section(SectionSchema)
  case sections(SectionSchema)

  /// The words of messages.
  var name: String {
    switch self {
    case .string: "text"
    case .integer: "a whole number"
    case .boolean: "true or false"
    case .float: "a number"
    case .stringList: "a list of texts"
    case .section: "a mapping"
    case .sections: "a list of mappings"
    }
  }
}

/// What becomes of a key's value.
enum SettingEffect: Sendable {
  /// It is carried out.
  case acted
  /// It is taken and does nothing; one warning says so.
  case noEffect(String)
  /// Going on without it would be something else than what was asked for; an error says so.
  case unsupported(String)
}

/// One key of a section.
struct KeySchema: Sendable {
  /// The name with underscores; hyphens mean the same.
  var name: String
  var type: SettingType
  var effect: SettingEffect
  /// The only texts that are allowed; nil means any.
  var allowed: [String]?

  init(_ name: String, _ type: SettingType = .string, _ effect: SettingEffect = .acted, allowed: [String]? = nil) {
    self.name = name
    self.type = type
    self.effect = effect
    self.allowed = allowed
  }
}

/// The keys of a mapping.
struct SectionSchema: Sendable {
  /// The name in messages, such as `coreos.etcd2`; empty for the root.
  var path: String
  var keys: [KeySchema]

  init(_ path: String, _ keys: [KeySchema]) {
    self.path = path
    self.keys = keys
  }

  /// The schema of a key in the spelling of the tables.
  subscript(name: String) -> KeySchema? {
    keys.first { $0.name == name }
  }
}

/// A mapping that has been read: its known keys with values of the wanted types.
struct Section: Sendable {
  var mark: SourceMark
  /// By name with underscores; looked up only, never walked.
  var settings: [String: Setting]
  /// Local lookups of a missing section give nothing.
  static let absent = Section(mark: .start, settings: [:])

  subscript(name: String) -> Setting? { settings[name] }
}

/// A value that has been read, with its places.
struct Setting: Sendable {
  /// A value of one of the wanted types.
  enum Value: Sendable {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case float(Double)
    case strings([TextItem])
    case section(Section)
    case sections([Section])
  }

  /// One text of a list.
  struct TextItem: Sendable {
    var text: String
    var mark: SourceMark
  }

  var keyMark: SourceMark
  var mark: SourceMark
  var value: Value
  /// Where the lines of a literal or folded text stand; nil for other texts.
  var block: YAMLScalar.Block?
  /// Whether the text came by the tag `!!binary`, still in base64.
  var isBinary = false

  /// Where a line of the text stands, counted from 0, and so many columns into it; other texts have one mark.
  func mark(ofLine index: Int, column: Int = 0) -> SourceMark {
    block?.mark(ofLine: index, column: column) ?? mark
  }

  var string: String? { if case .string(let value) = value { value } else { nil } }
  var integer: Int? { if case .integer(let value) = value { value } else { nil } }
  var boolean: Bool? { if case .boolean(let value) = value { value } else { nil } }
  var strings: [TextItem] { if case .strings(let value) = value { value } else { [] } }
  var section: Section? { if case .section(let value) = value { value } else { nil } }
  var sections: [Section] { if case .sections(let value) = value { value } else { [] } }
  var number: Double? {
    switch value {
    case .float(let value): value
    case .integer(let value): Double(value)
    case .string, .boolean, .strings, .section, .sections: nil
    }
  }
}
