// SPDX-License-Identifier: Apache-2.0

/// User-data that has been read and checked: what it asks for, and what there is to say about it.
///
/// It may be a cloud-config, a script, a multipart message of both, or nothing, each packed with gzip or not.
///
/// Source: coreos-cloudinit; specs/cloud-config.md.
public struct CloudConfigDocument: Sendable {
  /// What the document asks for; nil exactly when there is a finding that is an error.
  public let plan: BootPlan?
  /// Everything found, sorted by place.
  public let findings: [Finding]

  /// Whether nothing may be started.
  public var hasErrors: Bool { plan == nil }

  /// The most bytes of user-data, as stored.
  public static let maximumBytes = UserDataLimits.packedBytes

  /// Reads user-data.
  ///
  /// Never fails: whatever is wrong is a finding. Without a cloud-config in it, as in a script alone, the plan is that of a
  /// node without user-data.
  ///
  /// - Parameters:
  ///   - bytes: The whole user-data, as stored.
  ///   - addresses: Values of the address tokens; one that is used without a value is an error.
  ///   - specifiers: Values of `%H`, `%m` and the like.
  ///   - environment: Variables of the process; those that begin with `ETCD_` stand above the document.
  ///   - metadata: What the datasource said about the machine.
  ///   - appliesSystem: Whether the computer is changed as asked for; if not, a finding says so.
  public init(
    reading bytes: [UInt8],
    addresses: AddressTokens,
    specifiers: MachineSpecifiers,
    environment: [String: String] = [:],
    metadata: MachineMetadata = MachineMetadata(),
    appliesSystem: Bool = false
  ) {
    let reader = UserDataReader(bytes)
    var log = reader.log
    var roots: [YAMLNode] = []
    var scripts: [SystemPlan.Script] = []
    for part in reader.parts {
      switch part.kind {
      case .cloudConfig: if let root = Self.root(of: part, addresses, &log) { roots.append(root) }
      case .script(let name):
        scripts.append(SystemPlan.Script(name: name, content: TokenSubstitution.script(part, addresses, log: &log)))
        guard !appliesSystem else { continue }
        let mark = SourceMark(line: part.firstLine, column: 1)
        log.info(at: mark, "\(name): this script is run only by a node with --apply-system")
      }
    }
    var builder = PlanBuilder(addresses: addresses, specifiers: specifiers, log: log)
    builder.environment = environment
    builder.appliesSystem = appliesSystem
    var plan = Self.joined(roots, &builder).flatMap { builder.plan(from: $0) }
    if plan?.system.hostname == nil { plan?.system.hostname = metadata.hostname }
    plan?.system.sshAuthorizedKeys += metadata.sshAuthorizedKeys
    plan?.system.scripts = scripts
    self.plan = builder.log.hasErrors ? nil : plan
    findings = builder.log.sorted
  }

  /// The findings as lines of `coracle cloud-config validate`: `FILE:LINE:COLUMN: severity: message`.
  public func report(file: String) -> [String] {
    findings.map { $0.rendered(file: file) }
  }

  // MARK: From parts to one document

  private static func root(of part: UserDataPart, _ addresses: AddressTokens, _ log: inout FindingLog) -> YAMLNode? {
    do {
      let text = try UserDataText(part.bytes, firstLine: part.firstLine)
      var parser = YAMLParser(text.scalars, firstLine: part.firstLine)
      let document = try parser.parseDocument()
      if let mark = document.ignoredFrom {
        log.warning(at: mark, "only the first document is read; this one is ignored")
      }
      let start = SourceMark(line: part.firstLine, column: 1)
      var root = document.root ?? YAMLNode(mark: start, content: .mapping([]))
      if root.isNull { root.content = .mapping([]) }
      TokenSubstitution(addresses, lines: text.lines, firstLine: part.firstLine).apply(to: &root, log: &log)
      return root
    } catch {
      log.error(at: error.mark, error.message)
      return nil
    }
  }

  /// One document of all parts, in their order; that of a node without user-data when there is none.
  private static func joined(_ roots: [YAMLNode], _ builder: inout PlanBuilder) -> YAMLNode? {
    guard let first = roots.first else { return builder.log.hasErrors ? nil : standaloneRoot }
    guard roots.count > 1 else { return first }
    let strange = roots.filter { if case .mapping = $0.content { false } else { true } }
    for root in strange { builder.reportRoot(root) }
    return strange.isEmpty ? YAMLNode(mark: first.mark, content: .mapping(roots.flatMap(\.pairs))) : nil
  }

  /// `coreos: {etcd2: {}, fleet: {}}`, to which the variables of the process are added.
  private static var standaloneRoot: YAMLNode {
    func mapping(_ pairs: [(key: String, value: YAMLNode)]) -> YAMLNode {
      let pairs = pairs.map { YAMLPair(key: $0.key, keyMark: .start, value: $0.value) }
      return YAMLNode(mark: .start, content: .mapping(pairs))
    }
    return mapping([("coreos", mapping([("etcd2", mapping([])), ("fleet", mapping([]))]))])
  }
}
