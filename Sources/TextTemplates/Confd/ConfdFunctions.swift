// SPDX-License-Identifier: Apache-2.0

/// The functions of confd's templates.
///
/// Source: confd 0.16.0, `template_funcs.go`, and its `memkv`.
public enum ConfdFunctions {
  /// What confd's functions ask of the machine they run on.
  public struct World: Sendable {
    /// The value of an environment variable.
    public var environment: @Sendable (String) -> String?
    /// The addresses of a host, or none.
    public var addresses: @Sendable (String) -> [String]
    /// The service records of a service, protocol and name, or none.
    public var services: @Sendable (String, String, String) -> [ServiceRecord]
    /// Whether there is a file with a path.
    public var hasFile: @Sendable (String) -> Bool
    /// The time, as a value with Go's methods.
    public var time: @Sendable () -> TemplateValue

    /// Makes a world.
    public init(
      environment: @escaping @Sendable (String) -> String?,
      addresses: @escaping @Sendable (String) -> [String],
      services: @escaping @Sendable (String, String, String) -> [ServiceRecord],
      hasFile: @escaping @Sendable (String) -> Bool,
      time: @escaping @Sendable () -> TemplateValue
    ) {
      self.environment = environment
      self.addresses = addresses
      self.services = services
      self.hasFile = hasFile
      self.time = time
    }
  }

  /// A service record of DNS.
  public struct ServiceRecord: Sendable {
    /// The host.
    public var target: String
    /// The port, the priority and the weight.
    public var (port, priority, weight): (Int, Int, Int)

    /// Makes a record.
    public init(target: String, port: Int, priority: Int, weight: Int) {
      self.target = target
      (self.port, self.priority, self.weight) = (port, priority, weight)
    }
  }

  /// The most elements that `seq` counts.
  static let longestSequence = 1_000_000

  /// All functions.
  ///
  /// - Parameters:
  ///   - keys: The values by key, with what templates do not see of the prefix cut off.
  ///   - world: What the functions ask of the machine.
  /// - Returns: The functions by name.
  public static func all(keys: [String: String], world: World) -> [String: TemplateFunction] {
    ofKeys(ConfdKeys(keys)).merging(ofText) { $1 }.merging(ofNumbers) { $1 }.merging(ofLists) { $1 }
      .merging(of(world)) { $1 }
  }

  private static func ofKeys(_ keys: ConfdKeys) -> [String: TemplateFunction] {
    [
      "get": function([.string]) { (texts) throws(TemplateFunctionError) in try keys.pair(texts[0]) },
      "gets": function([.string]) { (texts) throws(TemplateFunctionError) in
        .list(try keys.matches(texts[0]).map(ConfdKeys.pair), ConfdKeys.pairsType)
      },
      "getv": function([.string], rest: .string) { (texts) throws(TemplateFunctionError) in
        if let value = keys[texts[0]] { return .string(value) }
        guard texts.count > 1 else { throw TemplateFunctionError("key does not exist: \(texts[0])") }
        return .string(texts[1])
      },
      "getvs": function([.string]) { (texts) throws(TemplateFunctionError) in
        .strings(try keys.matches(texts[0]).map(\.value).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
      },
      "exists": function([.string]) { (texts) throws(TemplateFunctionError) in .bool(keys[texts[0]] != nil) },
      "ls": function([.string]) { (texts) throws(TemplateFunctionError) in .strings(keys.children(of: texts[0])) },
      "lsdir": function([.string]) { (texts) throws(TemplateFunctionError) in
        .strings(keys.directories(of: texts[0]))
      },
    ]
  }

  private static func of(_ world: World) -> [String: TemplateFunction] {
    func addresses(_ isWanted: @escaping @Sendable (String) -> Bool) -> TemplateFunction {
      function([.string]) { (texts) throws(TemplateFunctionError) in
        .strings(world.addresses(texts[0]).filter(isWanted).sorted())
      }
    }
    return [
      "getenv": function([.string], rest: .string) { (texts) throws(TemplateFunctionError) in
        let value = world.environment(texts[0]) ?? ""
        return .string(value.isEmpty && texts.count > 1 ? texts[1] : value)
      },
      "fileExists": function([.string]) { (texts) throws(TemplateFunctionError) in .bool(world.hasFile(texts[0])) },
      "datetime": TemplateFunction { (_) throws(TemplateFunctionError) in world.time() },
      "lookupIP": addresses { _ in true },
      "lookupIPV4": addresses { $0.contains(".") },
      "lookupIPV6": addresses { $0.contains(":") },
      "lookupSRV": function([.string, .string, .string]) { (texts) throws(TemplateFunctionError) in
        let records = world.services(texts[0], texts[1], texts[2])
          .sorted { ($0.target, $0.port, $0.priority, $0.weight) < ($1.target, $1.port, $1.priority, $1.weight) }
        return .list(records.map(value), .slice(.named("*net.SRV", .structure)))
      },
    ]
  }

  private static func value(_ record: ServiceRecord) -> TemplateValue {
    .object(
      TemplateObject(
        "net.SRV",
        fields: [
          ("Target", .string(record.target)), ("Port", .integer(record.port, .uint16)),
          ("Priority", .integer(record.priority, .uint16)), ("Weight", .integer(record.weight, .uint16)),
        ]
      )
    )
  }

  /// A function of strings alone.
  static func function(
    _ parameters: [GoType],
    rest: GoType? = nil,
    _ body: @escaping @Sendable ([String]) throws(TemplateFunctionError) -> TemplateValue
  ) -> TemplateFunction {
    TemplateFunction(parameters, rest: rest) { (values) throws(TemplateFunctionError) in
      try body(values.map { $0.text ?? "" })
    }
  }
}
