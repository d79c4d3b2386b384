// SPDX-License-Identifier: Apache-2.0
public import TextTemplates

/// All that the engine says of a container.
public struct ContainerDocument: Sendable, Equatable {
  private let json: JSONValue

  init(_ json: JSONValue) {
    self.json = json
  }

  /// The same in docker's own types, as templates of `docker inspect -f` see it.
  public var templateValue: TemplateValue {
    InspectDocument.typed(json.withNetworkSettingsBackFilled(), "container")
  }
}
