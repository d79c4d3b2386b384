// SPDX-License-Identifier: Apache-2.0

/// The text of `docker inspect -f`, understood.
public struct InspectTemplate: Sendable, Equatable {
  /// The template as written.
  public let text: String

  /// Understands a template.
  ///
  /// - Throws: ``DockerCommandLineError/unsupportedTemplate(_:part:)`` for what is not carried out here.
  public init(_ text: String) throws(DockerCommandLineError) {
    self.text = text
  }
}
