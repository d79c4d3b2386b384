// SPDX-License-Identifier: Apache-2.0
public import CloudConfig

/// What a datasource that is there has given.
public struct FoundUserData: Sendable, Equatable {
  /// The datasource.
  public var source: Datasource
  /// The user-data; nil when the datasource is there and has none.
  public var userData: UserData?
  /// What it says about the machine.
  public var metadata: MachineMetadata

  /// Makes an answer.
  public init(source: Datasource, userData: UserData?, metadata: MachineMetadata = MachineMetadata()) {
    self.source = source
    self.userData = userData
    self.metadata = metadata
  }

  /// The most bytes of user-data that are read.
  public static let userDataLimitBytes = 1 << 20
  /// The most bytes of any other answer that are read.
  public static let metadataLimitBytes = 1 << 18
}

/// What one look at a datasource shows.
enum DatasourceReading: Sendable, Equatable {
  /// It is there.
  case found(FoundUserData)
  /// It is not there, and waiting will not change it; the text says what is missing.
  case absent(String)
  /// It is not there yet, or did not answer; the text says what is missing.
  case notYet(String)
  /// It is there and of no use, such as too long; the text says why.
  case broken(String)
}
