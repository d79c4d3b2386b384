// SPDX-License-Identifier: Apache-2.0

/// Reads nodes as the schema wants them and says what does not fit.
///
/// Scalars are resolved by the wanted type: `off` is text for a text and false for a truth value. Unset values are as if
/// the key were not there. Of a key that comes more than once, mappings are merged, lists joined, and the last text counts.
///
/// Source: specs/cloud-config.md §4 and §5.
struct SchemaReader {
  var log: FindingLog

  mutating func read(_ node: YAMLNode, as schema: SectionSchema) -> Section? {
    guard case .mapping(let pairs) = node.content else { return nil }
    var section = Section(mark: node.mark, settings: [:])
    for pair in combined(pairs, in: schema) {
      let name = Self.normalized(pair.key)
      guard let key = schema[name] else {
        reportUnknown(pair, in: schema)
        continue
      }
      guard !pair.value.isNull else { continue }
      let path = Self.path(of: key, in: schema)
      let earlier = section.settings[name]
      if let earlier { reportDuplicate(path, at: pair.keyMark, first: earlier.keyMark, "the last one counts") }
      guard let setting = readSetting(pair, key, path: path) else { continue }
      section.settings[name] = setting
      if earlier == nil { reportEffect(of: key, path: path, at: pair.keyMark, setting) }
    }
    return section
  }

  /// The pairs with those that come again joined to the first of them, where both are mappings or both are lists.
  ///
  /// Parts of a message are meant to add to each other, so nothing is said about them.
  private mutating func combined(_ pairs: [YAMLPair], in schema: SectionSchema) -> [YAMLPair] {
    var groups: [[YAMLPair]] = []
    var positions: [String: Int] = [:]
    for pair in pairs {
      let name = Self.normalized(pair.key)
      guard let key = schema[name], !pair.value.isScalar else {
        groups.append([pair])
        continue
      }
      if let position = positions[name], pair.value.hasShape(of: groups[position][0].value) {
        let first = groups[position][0]
        if log.origins.areTogether(first.keyMark, pair.keyMark) {
          let outcome = if case .section = key.type { "both are merged" } else { "both lists are joined" }
          reportDuplicate(Self.path(of: key, in: schema), at: pair.keyMark, first: first.keyMark, outcome)
        }
        groups[position].append(pair)
      } else {
        positions[name] = groups.count
        groups.append([pair])
      }
    }
    return groups.map { group in
      var joined = group[0]
      guard group.count > 1 else { return joined }
      switch joined.value.content {
      case .mapping: joined.value.content = .mapping(group.flatMap(\.value.pairs))
      case .sequence: joined.value.content = .sequence(group.flatMap(\.value.items))
      case .scalar: break
      }
      return joined
    }
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
      setting.block = scalar.block
      setting.isBinary = scalar.tag == "!!binary"
      if let allowed = key.allowed, !allowed.contains(scalar.text) {
        let text = scalar.text.prefix(Self.longestQuotation)
        log.error(at: pair.value.mark, "\(path) cannot be \"\(text)\"; it must be \(Self.choice(allowed))")
        return nil
      }
      reportLeftover(scalar, of: key.name, path: path, at: pair.value.mark)
      return setting
    }
    reportWrongType(key, path: path, pair.value)
    return nil
  }

  private mutating func readItem(_ node: YAMLNode, as schema: SectionSchema, path: String) -> Section? {
    guard let section = read(node, as: schema) else {
      if node.isNull { return nil }
      if path.hasPrefix("users["), node.text == "default" {
        log.warning(at: node.mark, "\(path): \"default\" is cloud-init's word for its own user, and is ignored")
      } else {
        log.error(at: node.mark, "\(path) must be a mapping")
      }
      return nil
    }
    return section
  }

  private mutating func readText(_ node: YAMLNode, path: String) -> Setting.TextItem? {
    guard case .scalar(let scalar) = node.content, !node.isNull else {
      if !node.isNull { log.error(at: node.mark, "\(path) must be text") }
      return nil
    }
    reportLeftover(scalar, of: "", path: path, at: node.mark)
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

  /// How much of a text messages repeat.
  private static let longestQuotation = 60

  private mutating func reportLeftover(_ scalar: YAMLScalar, of key: String, path: String, at mark: SourceMark) {
    guard scalar.block == nil, let message = TemplateLeftover.message(scalar.text, of: key, path: path) else { return }
    log.warning(at: mark, message)
  }

  /// Suggestions take a while to find, so a document of nothing but unknown keys gets only so many.
  private static let suggestionLimit = 200

  private mutating func reportUnknown(_ pair: YAMLPair, in schema: SectionSchema) {
    let message =
      log.count < Self.suggestionLimit
      ? KeySuggestion.message(unknown: pair.key, in: schema)
      : "unknown key \"\(pair.key.prefix(Self.longestQuotation))\"; it is ignored"
    log.warning(at: pair.keyMark, message)
  }

  private mutating func reportWrongType(_ key: KeySchema, path: String, _ node: YAMLNode) {
    var message = "\(path) must be \(key.type.name)"
    switch (key.type, node.content) {
    case (.stringList, .scalar(let scalar)):
      let items = scalar.text.split(separator: ",").map { String($0.trimmingBlanks()) }
      message += ", as in [\(items.joined(separator: ", "))]"
    case (.sections, .mapping): message += "; put \"- \" before its first key"
    case (_, .scalar(let scalar)) where !scalar.text.isEmpty:
      message += ", not \"\(scalar.text.prefix(Self.longestQuotation))\""
    default: break
    }
    if case .noEffect = key.effect {
      log.warning(at: node.mark, message)
    } else {
      log.error(at: node.mark, message)
    }
  }

  private mutating func reportDuplicate(
    _ path: String,
    at mark: SourceMark,
    first: SourceMark,
    _ outcome: String
  ) {
    log.warning(at: mark, "\(path) stands here again, first on line \(log.line(of: first)); \(outcome)")
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
}
