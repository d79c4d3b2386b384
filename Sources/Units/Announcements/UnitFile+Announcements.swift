// SPDX-License-Identifier: Apache-2.0

/// What a unit file announces.
public struct UnitAnnouncements: Sendable, Equatable {
  /// One thing that is not carried out, with its place in the file.
  public struct Problem: Sendable, Equatable, CustomStringConvertible {
    /// The section it stands in.
    public var section: String
    /// The option's name.
    public var name: String
    /// The value as it is written; nil when the option itself is unknown.
    public var value: String?
    /// What to know.
    public var description: String
  }

  /// The services, in order.
  public private(set) var services: [ServiceAnnouncement] = []
  /// What is ignored, in order.
  public private(set) var problems: [Problem] = []

  /// Reads `Announce=` of `[X-Fleet]` and `[X-Coracle]`; an empty value takes back what stands before it.
  ///
  /// Fleet's specifiers are replaced. What cannot be read is left out and told.
  public init(of file: UnitFile, unitName: UnitName) {
    for option in file.options {
      guard [UnitRequirements.section, ServiceAnnouncement.ownSection].contains(option.section) else { continue }
      guard option.name == ServiceAnnouncement.optionName else {
        if option.section == ServiceAnnouncement.ownSection { addUnknown(option) }
        continue
      }
      if option.value.allSatisfy(\.isWhitespace) {
        services = []
      } else {
        add(option, unitName)
      }
    }
  }

  private mutating func add(_ option: UnitOption, _ unitName: UnitName) {
    do throws(ServiceAnnouncementError) {
      guard services.count < ServiceAnnouncement.limit else {
        throw ServiceAnnouncementError("at most \(ServiceAnnouncement.limit) announcements")
      }
      services.append(try ServiceAnnouncement(parsing: unitName.expandingFleetSpecifiers(in: option.value)))
    } catch {
      let text = "\(option.name)=\(option.value) in [\(option.section)] is ignored: \(error)"
      problems.append(
        Problem(section: option.section, name: option.name, value: option.value, description: text)
      )
    }
  }

  private mutating func addUnknown(_ option: UnitOption) {
    let text = "\(option.name)= in [\(option.section)] is unknown and has no effect"
    let problem = Problem(section: option.section, name: option.name, value: nil, description: text)
    if !problems.contains(problem) { problems.append(problem) }
  }
}
