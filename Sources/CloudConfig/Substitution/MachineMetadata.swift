// SPDX-License-Identifier: Apache-2.0

/// What a datasource says about the machine beside its user-data.
///
/// Source: coreos-cloudinit's merging of metadata; specs/cloud-config.md §2 and §7.
public struct MachineMetadata: Sendable, Equatable {
  /// Host name; one in the user-data beats it.
  public var hostname: String?
  /// Keys, each one line; added to those that the user-data gives the user `core`.
  public var sshAuthorizedKeys: [String]
  /// Values of the address tokens; flags and environment beat them.
  public var addresses: AddressTokens

  /// Makes metadata.
  public init(hostname: String? = nil, sshAuthorizedKeys: [String] = [], addresses: AddressTokens = AddressTokens()) {
    self.hostname = hostname
    self.sshAuthorizedKeys = sshAuthorizedKeys
    self.addresses = addresses
  }
}
