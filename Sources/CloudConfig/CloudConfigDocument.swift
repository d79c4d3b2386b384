// SPDX-License-Identifier: Apache-2.0

/// A user-data document that has been read and checked: what it asks for, and what there is to say about it.
///
/// Source: coreos-cloudinit; specs/cloud-config.md.
public struct CloudConfigDocument: Sendable {
  /// What the document asks for; nil exactly when there is a finding that is an error.
  public let plan: BootPlan?
  /// Everything found, sorted by place.
  public let findings: [Finding]

  /// Whether nothing may be started.
  public var hasErrors: Bool { plan == nil }

  /// Reads user-data.
  ///
  /// Never fails: whatever is wrong is a finding.
  ///
  /// - Parameters:
  ///   - bytes: The whole user-data, as stored.
  ///   - addresses: Values of the address tokens; one that is used without a value is an error.
  ///   - specifiers: Values of `%H`, `%m` and the like.
  ///   - environment: Variables of the process; those that begin with `ETCD_` stand above the document.
  ///   - metadata: What the datasource said about the machine.
  public init(
    reading bytes: [UInt8],
    addresses: AddressTokens,
    specifiers: MachineSpecifiers,
    environment: [String: String] = [:],
    metadata: MachineMetadata = MachineMetadata()
  ) {
    var log = FindingLog()
    var plan: BootPlan?
    do {
      let text = try UserDataText(bytes)
      var parser = YAMLParser(text.scalars)
      let document = try parser.parseDocument()
      if let mark = document.ignoredFrom {
        log.warning(at: mark, "only the first document is read; this one is ignored")
      }
      var root = document.root ?? YAMLNode(mark: .start, content: .mapping([]))
      if root.isNull { root.content = .mapping([]) }
      TokenSubstitution(addresses, lines: text.lines).apply(to: &root, log: &log)
      var builder = PlanBuilder(addresses: addresses, specifiers: specifiers, log: log)
      builder.environment = environment
      plan = builder.plan(from: root)
      if plan?.system.hostname == nil { plan?.system.hostname = metadata.hostname }
      plan?.system.sshAuthorizedKeys += metadata.sshAuthorizedKeys
      log = builder.log
    } catch {
      log.error(at: error.mark, error.message)
    }
    self.plan = log.hasErrors ? nil : plan
    findings = log.sorted
  }

  /// The findings as lines of `coracle cloud-config validate`: `FILE:LINE:COLUMN: severity: message`.
  public func report(file: String) -> [String] {
    findings.map { $0.rendered(file: file) }
  }
}
