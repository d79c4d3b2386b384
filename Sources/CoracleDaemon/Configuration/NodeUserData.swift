// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import Glibc
import Logging

/// Finds this node's user-data and reads it.
///
/// A node that has run before starts from its last good user-data when the datasource is away, or when what it gives now
/// has errors; only a file that the user has named must be there and be right.
struct NodeUserData: Sendable {
  private let choice: DatasourceChoice
  private let options: NodeOptions
  private let environment: [String: String]

  /// What a node starts from.
  struct Boot: Sendable {
    /// The user-data with where it is from; nil when there is none.
    var found: FoundUserData?
    /// Whether it is that of an earlier boot.
    var isLastGood = false
  }

  /// - Throws: ``NodeError`` when the options name no datasource.
  init(_ options: NodeOptions, environment: [String: String]) throws(NodeError) {
    choice = try options.datasourceChoice()
    self.options = options
    self.environment = environment
  }

  /// Whether what the document asks for is carried out on this computer.
  var appliesSystem: Bool { options.appliesSystem && geteuid() == 0 }

  // MARK: Finding

  /// What the node starts from.
  ///
  /// - Throws: ``NodeError`` with one line a finding when the document has errors, or what else is in the way.
  func boot(keptIn directory: DataDirectory, logger: Logger) async throws -> Boot {
    let kept = try await directory.lastGoodUserData()
    var boot: Boot
    switch try await search(times: kept == nil ? DatasourceTimes() : .withLastGood, logger: logger) {
    case .found(let found):
      boot = Boot(found: found)
      logger.notice("user-data", metadata: Self.description(of: found))
    case .nothing(let reasons):
      boot = Boot(found: try replacement(for: reasons, kept, logger: logger))
      boot.isLastGood = boot.found != nil
    }
    // A first boot without --machine-id has no id yet, and the document is to be checked before one is made.
    let id = options.machineID ?? MachineSpecifiers.placeholders.machineID
    do {
      _ = try plan(of: boot.found, machineID: id, logger: nil)
    } catch {
      guard !boot.isLastGood, let kept, let source = boot.found?.source, !source.isNamedFile,
        (try? plan(of: kept, machineID: id, logger: nil)) != nil
      else { throw error }
      logger.error(
        "the user-data has errors: the node starts from the last that had none",
        metadata: ["error": "\(error.chain)", "userdata.last": "\(kept.userData?.name ?? "")"]
      )
      boot = Boot(found: kept, isLastGood: true)
    }
    return boot
  }

  /// What the datasources have now, for a node that runs.
  ///
  /// - Throws: ``NodeError`` also when the datasource is away that the node started from.
  func reread(startedFrom source: Datasource?) async throws -> FoundUserData? {
    switch try await search(times: .once, logger: nil) {
    case .found(let found): return found
    case .nothing(let reasons):
      if let source, !source.isFile { throw NodeError("the datasource \(source.text) is away") }
      if case .listed(let sources) = choice, !sources.isEmpty { throw Self.nothing(sources, reasons) }
      return nil
    }
  }

  private func search(times: DatasourceTimes, logger: Logger?) async throws -> DatasourceSearch.Outcome {
    try await WebAccess.with { web in
      try await DatasourceSearch(web: web, times: times, logger: logger).find(choice)
    }
  }

  /// What the node starts from when no datasource is there.
  private func replacement(for reasons: [String], _ kept: FoundUserData?, logger: Logger) throws -> FoundUserData? {
    var sources: [Datasource]?
    if case .listed(let listed) = choice { sources = listed }
    if sources == [] { return nil }
    if let kept, !kept.source.isFile, sources?.contains(kept.source) != false {
      logger.warning(
        "the datasource is away: the node starts from its last good user-data",
        metadata: [
          "datasource.name": "\(kept.source.text)", "datasource.missing": "\(reasons.joined(separator: "; "))",
          "userdata.last": "\(kept.userData?.name ?? "")",
        ]
      )
      return kept
    }
    if let sources { throw Self.nothing(sources, reasons) }
    for reason in reasons { logger.warning("a datasource is of no use", metadata: ["datasource.missing": "\(reason)"]) }
    return nil
  }

  private static func nothing(_ sources: [Datasource], _ reasons: [String]) -> NodeError {
    if sources.count == 1, case .file(let path) = sources[0] { return NodeError("there is no cloud-config \(path)") }
    return NodeError("no datasource has user-data: \(reasons.joined(separator: "; "))")
  }

  private static func description(of found: FoundUserData) -> Logger.Metadata {
    ["datasource.name": "\(found.source.text)", "userdata.name": "\(found.userData?.name ?? "none")"]
  }

  // MARK: Reading

  /// The values of the address tokens: flags, the environment, the datasource, and what the interfaces have.
  func addresses(_ found: FoundUserData?) -> AddressTokens {
    var addresses = AddressTokens.detect(
      environment: environment,
      told: found?.metadata.addresses ?? AddressTokens()
    )
    addresses.publicIPv4 = options.publicIP ?? addresses.publicIPv4
    addresses.privateIPv4 = options.privateIP ?? addresses.privateIPv4
    return addresses
  }

  /// What user-data asks for.
  ///
  /// - Throws: ``NodeError`` with one line a finding when it has errors.
  func plan(of found: FoundUserData?, machineID: String, logger: Logger?) throws(NodeError) -> BootPlan {
    // Without user-data the variables of etcd still count.
    let document = CloudConfigDocument.forThisComputer(
      found?.userData?.bytes ?? Array("#cloud-config\ncoreos: {etcd2: {}, fleet: {}}\n".utf8),
      addresses: addresses(found),
      machineID: machineID,
      environment: environment,
      metadata: found?.metadata ?? MachineMetadata(),
      isApplied: appliesSystem
    )
    let report = document.report(file: found?.userData?.name ?? "environment")
    guard let plan = document.plan else { throw NodeError(report.joined(separator: "\n")) }
    for line in report { logger?.warning("cloud-config finding", metadata: ["config.finding": "\(line)"]) }
    return plan
  }
}

extension Datasource {
  /// Whether the user has written the path, and sees what is said about it.
  fileprivate var isNamedFile: Bool {
    if case .file = self { true } else { false }
  }
}

extension NodeOptions {
  /// The datasources that are asked; a cloud-config that is named is one.
  ///
  /// - Throws: ``NodeError`` that says what can be written.
  func datasourceChoice() throws(NodeError) -> DatasourceChoice {
    if let cloudConfig {
      return .listed([Datasource.isWebAddress(cloudConfig) ? .url(cloudConfig) : .file(cloudConfig)])
    }
    guard let datasource else { return .automatic }
    do {
      return try DatasourceChoice(parsing: datasource)
    } catch {
      throw NodeError(error.message)
    }
  }

  /// Checks what `--datasource` says.
  ///
  /// - Throws: ``NodeError`` that says what can be written.
  public func checkDatasource() throws(NodeError) {
    _ = try datasourceChoice()
  }
}
