// SPDX-License-Identifier: Apache-2.0

/// Reads nodes as the schema wants them and says what does not fit.
///
/// Scalars are resolved by the wanted type: `off` is text for a text and false for a truth value. Unset values are as if
/// the key were not there. Of a key that comes more than once, mappings are merged, lists joined, and the last text wins.
///
/// Source: specs/cloud-config.md §4 and §5.
struct SchemaReader {
  var log: FindingLog

  mutating func read(_ node: YAMLNode, as schema: SectionSchema) -> Section? {
    guard case .mapping(let pairs) = node.content else { return nil }
    var section = Section(mark: node.mark, settings: [:])
    for pair in pairs {
      let name = Self.normalized(pair.key)
      guard let key = schema[name] else {
        reportUnknown(pair, in: schema)
        continue
      }
      guard !pair.value.isNull else { continue }
      let path = Self.path(of: key, in: schema)
      let earlier = section.settings[name]
      if let earlier { reportDuplicate(path, at: pair.keyMark, earlier: earlier) }
      guard let setting = readSetting(pair, key, path: path) else { continue }
      section.settings[name] = earlier.map { merging($0, with: setting) } ?? setting
      if earlier == nil { reportEffect(of: key, path: path, at: pair.keyMark, setting) }
    }
    return section
  }

  /// The spelling of the tables: hyphens and underscores mean the same.
  static func normalized(_ key: String) -> String {
    String(key.map { $0 == "-" ? "_" : $0 })
  }

  /// The spelling of messages.
  static func path(of key: KeySchema, in schema: SectionSchema) -> String {
    let name = String(key.name.map { $0 == "_" ? "-" : $0 })
    return schema.path.isEmpty ? key.name : "\(schema.path).\(name)"
  }

  // MARK: Values

  private mutating func readSetting(_ pair: YAMLPair, _ key: KeySchema, path: String) -> Setting? {
    var setting = Setting(keyMark: pair.keyMark, mark: pair.value.mark, value: .string(""))
    switch key.type {
    case .section(let schema):
      guard let section = read(pair.value, as: schema) else { break }
      setting.value = .section(section)
      return setting
    case .sections(let schema):
      guard case .sequence(let items) = pair.value.content else { break }
      setting.value = .sections(items.enumerated().compactMap { readItem($1, as: schema, path: "\(path)[\($0)]") })
      return setting
    case .stringList:
      guard case .sequence(let items) = pair.value.content else { break }
      setting.value = .strings(items.enumerated().compactMap { readText($1, path: "\(path)[\($0)]") })
      return setting
    case .string, .integer, .boolean, .float:
      guard case .scalar(let scalar) = pair.value.content else { break }
      guard let value = resolve(scalar, as: key.type, at: pair.value.mark, path: path) else { break }
      setting.value = value
      setting.isBlockText = scalar.style == .literal || scalar.style == .folded
      setting.isBinary = scalar.tag == "!!binary"
      if let allowed = key.allowed, !allowed.contains(scalar.text) {
        log.error(at: pair.value.mark, "\(path) cannot be \"\(scalar.text)\"; it must be \(Self.choice(allowed))")
        return nil
      }
      return setting
    }
    reportWrongType(key, path: path, pair.value)
    return nil
  }

  private mutating func readItem(_ node: YAMLNode, as schema: SectionSchema, path: String) -> Section? {
    guard let section = read(node, as: schema) else {
      if !node.isNull { log.error(at: node.mark, "\(path) must be a mapping") }
      return nil
    }
    return section
  }

  private mutating func readText(_ node: YAMLNode, path: String) -> Setting.TextItem? {
    guard case .scalar(let scalar) = node.content, !node.isNull else {
      if !node.isNull { log.error(at: node.mark, "\(path) must be text") }
      return nil
    }
    return Setting.TextItem(text: scalar.text, mark: node.mark)
  }

  private mutating func resolve(
    _ scalar: YAMLScalar,
    as type: SettingType,
    at mark: SourceMark,
    path: String
  ) -> Setting.Value? {
    let value: Setting.Value?
    switch type {
    case .string: return .string(scalar.text)
    case .integer: value = ScalarResolution.number(scalar.text).flatMap(Self.wholeNumber)
    case .float: value = ScalarResolution.number(scalar.text).map { .float($0) }
    case .boolean: value = ScalarResolution.boolean(scalar.text).map { .boolean($0) }
    case .stringList, .section, .sections: value = nil
    }
    if value != nil, scalar.style != .plain {
      log.warning(at: mark, "\(path) takes \(type.name); the quotes are not needed")
    }
    if case .integer(let whole) = value, let number = ScalarResolution.number(scalar.text), Double(whole) != number {
      log.warning(at: mark, "\(path) takes a whole number; \(scalar.text) is read as \(whole)")
    }
    return value
  }

  private static func wholeNumber(_ number: Double) -> Setting.Value? {
    Int(exactly: number.rounded(.towardZero)).map { .integer($0) }
  }

  static func choice(_ values: [String]) -> String {
    guard values.count > 1, let last = values.last else { return values.map { "\"\($0)\"" }.joined() }
    return values.dropLast().map { "\"\($0)\"" }.joined(separator: ", ") + " or \"\(last)\""
  }

  // MARK: Findings

  /// Suggestions take a while to find, so a document of nothing but unknown keys gets only so many.
  private static let suggestionLimit = 200

  private mutating func reportUnknown(_ pair: YAMLPair, in schema: SectionSchema) {
    let message =
      log.count < Self.suggestionLimit
      ? KeySuggestion.message(unknown: pair.key, in: schema) : "unknown key \"\(pair.key)\"; it is ignored"
    log.warning(at: pair.keyMark, message)
  }

  private mutating func reportWrongType(_ key: KeySchema, path: String, _ node: YAMLNode) {
    var message = "\(path) must be \(key.type.name)"
    switch (key.type, node.content) {
    case (.stringList, .scalar(let scalar)):
      let items = scalar.text.split(separator: ",").map { String($0.trimmingBlanks()) }
      message += ", as in [\(items.joined(separator: ", "))]"
    case (.sections, .mapping): message += "; put \"- \" before its first key"
    case (_, .scalar(let scalar)) where !scalar.text.isEmpty: message += ", not \"\(scalar.text.prefix(60))\""
    default: break
    }
    if case .noEffect = key.effect {
      log.warning(at: node.mark, message)
    } else {
      log.error(at: node.mark, message)
    }
  }

  private mutating func reportDuplicate(_ path: String, at mark: SourceMark, earlier: Setting) {
    let outcome: String
    switch earlier.value {
    case .section: outcome = "both are merged"
    case .sections, .strings: outcome = "both lists are joined"
    case .string, .integer, .boolean, .float: outcome = "the last one counts"
    }
    log.warning(at: mark, "\(path) stands here again, first on line \(earlier.keyMark.line); \(outcome)")
  }

  private mutating func reportEffect(of key: KeySchema, path: String, at mark: SourceMark, _ setting: Setting) {
    switch key.effect {
    case .acted: return
    case .noEffect(let reason): log.warning(at: mark, "\(path) is accepted and has no effect: \(reason)")
    case .unsupported(let reason):
      // An explicit "no" asks for nothing.
      if setting.boolean == false || setting.string == "" { return }
      log.error(at: mark, "\(path): \(reason)")
    }
  }

  private func merging(_ earlier: Setting, with later: Setting) -> Setting {
    var merged = later
    switch (earlier.value, later.value) {
    case (.section(let first), .section(let second)):
      var section = first
      section.settings.merge(second.settings) { $1 }
      merged.value = .section(section)
    case (.sections(let first), .sections(let second)): merged.value = .sections(first + second)
    case (.strings(let first), .strings(let second)): merged.value = .strings(first + second)
    default: break
    }
    return merged
  }
}
