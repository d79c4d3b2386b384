// SPDX-License-Identifier: Apache-2.0
public import Fleet
public import Units

/// What a `PUT` of a unit comes to.
///
/// Source: specs/fleet.md §2.4, steps 3 to 7. Differs: an unknown state is refused with 400 also on create and on
/// update, and a replacement is checked like a new unit (§14.5).
public enum UnitPutDecision: Sendable, Equatable {
  /// Create the unit.
  case create(UnitFile, JobState)
  /// Give the unit another file.
  case replace(UnitFile, JobState)
  /// Change what is wanted.
  case setTargetState(JobState)

  /// Decides.
  ///
  /// - Parameters:
  ///   - request: The body.
  ///   - name: The name in the URL.
  ///   - existing: The hash of the unit's present file; nil when there is no such unit.
  /// - Throws: ``FleetAPIError`` 400 or 409 with fleet's texts.
  public init(_ request: FleetUnitRequest, named name: String, existing: UnitHash?) throws(FleetAPIError) {
    let unitName = try Self.validatedName(request, named: name)
    let file = UnitFile(options: request.options)
    if let existing, request.options.isEmpty || file.hash == existing {
      guard !request.desiredState.isEmpty else {
        throw .conflict("must provide DesiredState to update existing unit")
      }
      let targetState = try Self.state(request.desiredState)
      guard !unitName.isTemplate || targetState == .inactive else {
        throw .badRequest("cannot activate template \"\(name)\"")
      }
      self = .setTargetState(targetState)
      return
    }
    guard !request.options.isEmpty else { throw .conflict("unit does not exist and options field empty") }
    do {
      try file.validateRequirements()
    } catch {
      throw .badRequest(error.description)
    }
    let targetState = request.desiredState.isEmpty ? .inactive : try Self.state(request.desiredState)
    self = existing == nil ? .create(file, targetState) : .replace(file, targetState)
  }

  /// Checks the names of a request before anything is asked of the store.
  ///
  /// - Returns: The unit's name.
  /// - Throws: ``FleetAPIError/badRequest(_:)`` with fleet's texts.
  @discardableResult
  public static func validatedName(_ request: FleetUnitRequest, named name: String) throws(FleetAPIError) -> UnitName {
    guard request.name.isEmpty || request.name == name else {
      throw .badRequest("name in URL \"\(name)\" differs from unit name in request body \"\(request.name)\"")
    }
    let unitName: UnitName
    do {
      unitName = try UnitName(name)
    } catch {
      throw .badRequest(error.description)
    }
    // The store hides such keys from listings and watches, so the unit would never be seen again.
    guard !name.hasPrefix("_") else { throw .badRequest("unit name cannot start in \"_\"") }
    return unitName
  }

  private static func state(_ text: String) throws(FleetAPIError) -> JobState {
    guard let targetState = JobState(rawValue: text) else {
      throw .badRequest("invalid desired state \"\(text)\": expect inactive, loaded, or launched")
    }
    return targetState
  }
}
