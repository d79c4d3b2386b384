// SPDX-License-Identifier: Apache-2.0

/// User-data as a datasource gave it.
public struct UserData: Sendable, Equatable {
  /// The name that findings carry: the path or URL, or `<stdin>`.
  public var name: String
  /// The bytes.
  public var bytes: [UInt8]

  /// Where a file is looked for when none is named, the first that exists wins.
  public static let usualPlaces = [
    "/etc/coracle/cloud-config.yaml",
    "/etc/coracle/cloud-config.yml",
    "/var/lib/coreos-vagrant/vagrantfile-user-data",
    "/var/lib/coreos-install/user_data",
    "/media/configdrive/openstack/latest/user_data",
  ]

  /// Makes user-data.
  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  /// Reads a file, or standard input when it is called `-`.
  ///
  /// - Throws: ``CloudInitError`` when it is not there or cannot be read.
  public static func read(_ path: String) async throws -> UserData {
    let bytes: [UInt8]?
    do {
      bytes = try await OwnThread.run { try DurableFile.read(path, limitBytes: FoundUserData.userDataLimitBytes) }
    } catch {
      throw CloudInitError(.userData, "cannot read the cloud-config \(path)", cause: error)
    }
    guard let bytes else { throw CloudInitError(.userData, "there is no cloud-config \(path)") }
    return UserData(name: path == "-" ? "<stdin>" : path, bytes: bytes)
  }
}
