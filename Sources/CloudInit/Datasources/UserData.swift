// SPDX-License-Identifier: Apache-2.0

/// User-data as a datasource gave it.
public struct UserData: Sendable, Equatable {
  /// The name that findings carry: the path as given, or `<stdin>`.
  public var name: String
  /// The bytes.
  public var bytes: [UInt8]

  /// Where a file is looked for when none is named, the first that exists wins.
  ///
  /// Only files are read in this version; disks, metadata services and the kernel's command line are not.
  public static let usualPlaces = [
    "/etc/coracle/cloud-config.yaml",
    "/etc/coracle/cloud-config.yml",
    "/var/lib/coreos-vagrant/vagrantfile-user-data",
    "/var/lib/coreos-install/user_data",
    "/media/configdrive/openstack/latest/user_data",
  ]

  private static let limitBytes = 1 << 20

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
      bytes = try await OwnThread.run { try DurableFile.read(path, limitBytes: limitBytes) }
    } catch {
      throw CloudInitError(.userData, "cannot read the cloud-config \(path)", cause: error)
    }
    guard let bytes else { throw CloudInitError(.userData, "there is no cloud-config \(path)") }
    return UserData(name: path == "-" ? "<stdin>" : path, bytes: bytes)
  }

  /// Reads the first of ``usualPlaces`` that exists; nil when none does.
  ///
  /// - Throws: ``CloudInitError`` when it is there but cannot be read.
  public static func readFromUsualPlaces(_ places: [String] = usualPlaces) async throws -> UserData? {
    for path in places {
      do {
        let bytes = try await OwnThread.run { try DurableFile.read(path, limitBytes: limitBytes) }
        if let bytes { return UserData(name: path, bytes: bytes) }
      } catch {
        throw CloudInitError(.userData, "cannot read the cloud-config \(path)", cause: error)
      }
    }
    return nil
  }
}
