// SPDX-License-Identifier: Apache-2.0
import CloudConfig

// Config drives and NoCloud seeds: a folder of files, on a volume, in a directory, or behind a URL.
extension DatasourceSearch {
  private static let limits = (userData: FoundUserData.userDataLimitBytes, metadata: FoundUserData.metadataLimitBytes)

  // MARK: Config drive

  /// The volume's label, which OpenStack writes in lower case and FAT in upper case.
  private static let driveLabels = ["config-2", "CONFIG-2"]
  private static let drive = "openstack/latest"

  func configDrive(_ directory: String?, of source: Datasource) async throws -> DatasourceReading {
    let paths = [
      ("\(Self.drive)/user_data", Self.limits.userData), ("\(Self.drive)/meta_data.json", Self.limits.metadata),
      ("\(Self.drive)/network_data.json", Self.limits.metadata),
    ]
    guard let (place, read) = try await folder(directory, Self.driveLabels) else {
      return .notYet(directory.map { "there is no directory \($0)" } ?? "there is no volume labelled config-2")
    }
    let found = try await read(paths)
    let userData = found[paths[0].0].map { UserData(name: "\(place)/\(paths[0].0)", bytes: $0) }
    guard userData != nil || found[paths[1].0] != nil else {
      return .broken("\(place) has neither \(paths[0].0) nor \(paths[1].0)")
    }
    var metadata = MachineMetadata()
    if let bytes = found[paths[1].0] {
      var interfaces: [UInt8]?
      if found[paths[2].0] == nil, let path = MachineMetadata.interfacesPath(inOpenStack: bytes) {
        let whole = "openstack/\(path.hasPrefix("/") ? String(path.dropFirst()) : path)"
        interfaces = try await read([(whole, Self.limits.metadata)])[whole]
      }
      metadata = try Self.checked("\(place)/\(paths[1].0)") {
        try MachineMetadata.openStack(bytes, network: found[paths[2].0], interfaces: interfaces)
      }
    }
    return .found(FoundUserData(source: source, userData: userData, metadata: metadata))
  }

  // MARK: NoCloud

  private static let seedLabels = ["cidata", "CIDATA"]

  func noCloud(_ given: String?, of source: Datasource) async throws -> DatasourceReading {
    var words = given == nil ? await DatasourceHints.read(files).noCloudSeed : nil
    if let given { words = NoCloudSeed("ds=nocloud;s=\(given)") }
    if let location = words?.location, Datasource.isWebAddress(location) {
      return try await noCloud(at: location, words, source)
    }
    guard let (place, read) = try await folder(words?.location, Self.seedLabels) else {
      return .notYet(words?.location.map { "there is no directory \($0)" } ?? "there is no volume labelled cidata")
    }
    let found = try await read([("user-data", Self.limits.userData), ("meta-data", Self.limits.metadata)])
    return try Self.noCloud(found["user-data"], found["meta-data"], at: place + "/", words, source)
  }

  /// Source: cloud-init appends the names to the URL.
  private func noCloud(at location: String, _ words: NoCloudSeed?, _ source: Datasource) async throws
    -> DatasourceReading
  {
    let base = location.hasSuffix("/") || location.contains("?") ? location : location + "/"
    let userData = try await documents.get("\(base)user-data", limitBytes: Self.limits.userData)
    return try Self.noCloud(userData, await documents.get("\(base)meta-data"), at: base, words, source)
  }

  private static func noCloud(
    _ userData: [UInt8]?,
    _ metadata: [UInt8]?,
    at base: String,
    _ words: NoCloudSeed?,
    _ source: Datasource
  ) throws -> DatasourceReading {
    guard userData != nil || metadata != nil else { return .broken("\(base) has neither user-data nor meta-data") }
    return .found(
      FoundUserData(
        source: source,
        userData: userData.map { UserData(name: "\(base)user-data", bytes: $0) },
        metadata: try checked("\(base)meta-data") { try MachineMetadata.noCloud(metadata ?? [], seed: words) }
      )
    )
  }

  // MARK: Folders

  /// Reads files below a folder: those that are there, by their paths from it.
  private typealias FolderReader = ([(path: String, limitBytes: Int)]) async throws -> [String: [UInt8]]

  /// A directory, or the volume with one of the labels; nil when it is not there.
  private func folder(
    _ directory: String?,
    _ labels: [String]
  ) async throws -> (place: String, read: FolderReader)? {
    guard let directory else {
      return await LabelledVolume.find(labels, in: files).map { volume in
        ("\(volume.device) (\(volume.label)):", { try await volume.read($0) })
      }
    }
    guard files.contains(directory) else { return nil }
    let place = directory.hasSuffix("/") ? String(directory.dropLast()) : directory
    return (
      place,
      { paths in
        var found: [String: [UInt8]] = [:]
        for (path, limit) in paths { found[path] = try await files.read("\(place)/\(path)", limitBytes: limit) }
        return found
      }
    )
  }

  /// Names the document that cannot be understood.
  static func checked<Value>(_ name: String, _ parse: () throws -> Value) throws -> Value {
    do {
      return try parse()
    } catch {
      throw CloudInitError(.userData, "\(name) cannot be understood: \(error)")
    }
  }
}
