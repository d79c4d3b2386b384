// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
public import Units

/// What `unit roll` asks for.
public struct RollRequest: Sendable, Equatable {
  /// A template, a global unit, or any other unit.
  public var name: String
  /// The new file; empty restarts the copies with the one they have.
  public var options: [UnitOption]
  /// How many copies may be not active at once; at least one.
  public var maxUnavailable: Int
  /// How long a copy may take to stop, and then to be active; milliseconds, at least one.
  public var healthTimeoutMilliseconds: Int64

  /// The longest time a copy may take: a day.
  public static let maximumTimeoutMilliseconds: Int64 = 86_400_000

  /// Makes a request.
  public init(name: String, options: [UnitOption], maxUnavailable: Int, healthTimeoutMilliseconds: Int64) {
    self.name = name
    self.options = options
    self.maxUnavailable = maxUnavailable
    self.healthTimeoutMilliseconds = healthTimeoutMilliseconds
  }

  /// The body that is sent.
  public var json: JSONValue {
    [
      "name": .string(name), "maxUnavailable": .integer(Int64(maxUnavailable)),
      "healthTimeoutMilliseconds": .integer(healthTimeoutMilliseconds),
      "options": .array(options.map(\.json)),
    ]
  }

  /// Reads a body.
  ///
  /// - Throws: ``FleetAPIError/badRequest(_:)`` naming what is wrong.
  public init(body: some Sequence<UInt8>) throws(FleetAPIError) {
    guard let json = try? JSONValue.parse(body), let name = json["name"]?.string, !name.isEmpty else {
      throw .badRequest("unable to decode body: a roll has a name")
    }
    let timeout = json["healthTimeoutMilliseconds"]?.int64 ?? 0
    guard (1...Self.maximumTimeoutMilliseconds).contains(timeout) else {
      throw .badRequest("health timeout must be from 1 ms to a day")
    }
    guard let maxUnavailable = json["maxUnavailable"]?.int, maxUnavailable >= 1 else {
      throw .badRequest("max unavailable must be at least 1")
    }
    self.init(
      name: name,
      options: (json["options"]?.array ?? []).compactMap { UnitOption(json: $0) },
      maxUnavailable: maxUnavailable,
      healthTimeoutMilliseconds: timeout
    )
  }
}

/// What can be asked of a roll that there is.
public enum RollChange: String, Sendable, CaseIterable {
  /// Begin no further copy.
  case pause
  /// Go on, beginning anew with what failed.
  case resume
  /// Give back to every copy what it had.
  case rollback
}
