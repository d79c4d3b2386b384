// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import EtcdWire

// The user-data that a node last ran with, so that it can start when the datasource is away.
extension DataDirectory {
  /// The last user-data that was free of errors, with where it came from; nil when there was none.
  ///
  /// - Throws: ``CloudInitError`` when it cannot be read.
  public func lastGoodUserData() async throws -> FoundUserData? {
    guard let bytes = try await read("user-data") else { return nil }
    let userData = UserData(name: "\(path)/user-data", bytes: bytes)
    let record = try await read("user-data-source").flatMap { try? JSONValue.parse($0) }
    // Earlier versions kept no record, and read files only.
    let source = record?["source"]?.string.flatMap { try? Datasource(parsing: $0) } ?? .usualFiles
    return FoundUserData(source: source, userData: userData, metadata: record.map(Self.metadata) ?? MachineMetadata())
  }

  /// Keeps user-data that is free of errors, with where it came from; does nothing when there is none.
  ///
  /// - Throws: ``CloudInitError`` when it cannot be written.
  public func keepLastGoodUserData(_ found: FoundUserData) async throws {
    guard let userData = found.userData, try await lastGoodUserData().map({ Self.isSame($0, found) }) != true else {
      return
    }
    try await write("user-data-source", Array((Self.record(of: found).text + "\n").utf8))
    if try await read("user-data") != userData.bytes { try await write("user-data", userData.bytes) }
  }

  private static func isSame(_ kept: FoundUserData, _ found: FoundUserData) -> Bool {
    kept.userData?.bytes == found.userData?.bytes && kept.source == found.source && kept.metadata == found.metadata
  }

  // MARK: Record

  private static func record(of found: FoundUserData) -> JSONValue {
    var fields = [JSONValue.Field("source", .string(found.source.text))]
    if let hostname = found.metadata.hostname { fields.append(JSONValue.Field("hostname", .string(hostname))) }
    fields.append(JSONValue.Field("ssh_authorized_keys", .strings(found.metadata.sshAuthorizedKeys)))
    fields += found.metadata.addresses.known.map { JSONValue.Field($0.name, .string($0.value)) }
    return .object(fields)
  }

  private static func metadata(in record: JSONValue) -> MachineMetadata {
    var metadata = MachineMetadata(
      hostname: record["hostname"]?.string,
      sshAuthorizedKeys: record["ssh_authorized_keys"]?.strings ?? []
    )
    for field in AddressTokens.fields { metadata.addresses[keyPath: field.value] = record[field.name]?.string }
    return metadata
  }
}
