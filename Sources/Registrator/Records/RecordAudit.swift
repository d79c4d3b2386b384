// SPDX-License-Identifier: Apache-2.0
public import DockerEngine

/// Compares the records in a store with what runs; for tests, checks and whoever doubts.
///
/// Looks at one moment: what is draining, being checked or not yet written shows as a difference until it is settled.
public struct RecordAudit: Sendable {
  /// One record that is not what it should be.
  public enum Difference: Sendable, Equatable, CustomStringConvertible {
    /// It should be there and is not.
    case missing(key: String, value: String)
    /// It says something else.
    case wrong(key: String, value: String, expected: String)
    /// It stands for nothing that runs.
    case dangling(key: String, value: String)

    /// The difference in words.
    public var description: String {
      switch self {
      case .missing(let key, let value): "\(key) is missing; it should be \(value)"
      case .wrong(let key, let value, let expected): "\(key) is \(value); it should be \(expected)"
      case .dangling(let key, let value): "\(key) is \(value) and stands for nothing that runs"
      }
    }
  }

  /// The records that should be there: values by key.
  public let expected: [String: String]

  /// Makes an audit.
  ///
  /// - Parameter machines: Of each machine: its registrator's configuration, its containers (those that do not run count
  ///   as such) and its units. Announced services count as good when their unit is up.
  public init(
    machines: [(configuration: RegistratorConfiguration, containers: [ContainerDetails], units: [RegistrableUnit])]
  ) {
    var expected: [String: String] = [:]
    for machine in machines {
      let records = ServiceRecords(configuration: machine.configuration, containers: machine.containers)
      let layout = RecordLayout(configuration: machine.configuration)
      expected.merge(records.values()) { _, new in new }
      for unit in machine.units where unit.isUp {
        for announcement in unit.announcements {
          expected.merge(layout.values(of: records.record(of: announcement, unit: unit.name))) { _, new in new }
        }
      }
    }
    self.expected = expected
  }

  /// Finds what differs.
  ///
  /// - Parameter stored: Values by key of every file below the registrators' prefixes.
  /// - Returns: The differences, in order of key; none when the store tells the truth.
  public func differences(from stored: [String: String]) -> [Difference] {
    Set(expected.keys).union(stored.keys).sorted().compactMap { key in
      switch (expected[key], stored[key]) {
      case (let value?, nil): .missing(key: key, value: value)
      case (nil, let value?): .dangling(key: key, value: value)
      case (let wanted?, let value?): wanted == value ? nil : .wrong(key: key, value: value, expected: wanted)
      case (nil, nil): nil
      }
    }
  }
}
