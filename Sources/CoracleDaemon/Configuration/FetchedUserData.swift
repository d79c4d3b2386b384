// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import EtcdWire

/// What `coracle cloud-config fetch` has found.
public struct FetchedUserData: Sendable {
  /// The user-data; nil when the datasource has none.
  public var bytes: [UInt8]?
  /// Where it is from and what is known about the machine, for people: a line for each fact.
  public var lines: [String]
  /// The same as one JSON object.
  public var json: String

  /// Looks once, as a node would look for long.
  ///
  /// - Parameter options: Its datasources count.
  /// - Returns: What the first that is there has.
  /// - Throws: ``NodeError`` when none of the datasources is there.
  public static func find(_ options: NodeOptions) async throws -> FetchedUserData {
    let choice = try options.datasourceChoice()
    let outcome: DatasourceSearch.Outcome
    do {
      outcome = try await WebAccess.with { try await DatasourceSearch(web: $0, times: .once).find(choice) }
    } catch let error as CloudInitError {
      throw NodeError("", cause: error)
    }
    switch outcome {
    case .found(let found): return FetchedUserData(found)
    case .nothing(let reasons):
      throw NodeError((["no datasource has user-data"] + reasons).joined(separator: "\n  "))
    }
  }

  private init(_ found: FoundUserData) {
    var facts: [(name: String, text: String)] = [("datasource", found.source.text)]
    if let userData = found.userData {
      facts += [("user_data", userData.name), ("user_data_bytes", String(userData.bytes.count))]
    }
    let metadata = found.metadata
    if let hostname = metadata.hostname { facts.append(("hostname", hostname)) }
    facts += metadata.addresses.known.map { ($0.name, $0.value) }
    bytes = found.userData?.bytes
    lines = facts.map { "\($0.name): \($0.text)" } + metadata.sshAuthorizedKeys.map { "ssh_authorized_key: \($0)" }
    let fields = facts.map {
      JSONValue.Field($0.name, $0.name == "user_data_bytes" ? .number($0.text) : .string($0.text))
    }
    json = JSONValue.object(fields + [.init("ssh_authorized_keys", .strings(metadata.sshAuthorizedKeys))]).text
  }
}
