// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// The template of `docker inspect -f`, `version -f` and `info -f`.
struct InspectFormat {
  private let typed: TextTemplate
  private let plain: TextTemplate

  /// - Throws: ``TemplateError`` when the text is no template.
  init(_ text: String) throws(TemplateError) {
    typed = try TextTemplate(name: "", source: text, functions: DockerTemplate.functions)
    plain = try TextTemplate(name: "", source: text, functions: DockerTemplate.functions, missingMember: .error)
  }

  /// Fills the template from a document.
  ///
  /// - Throws: ``TemplateError`` when neither docker's types nor the plain document have what it asks for.
  func text(of document: JSONValue, kind: String) throws(TemplateError) -> String {
    do throws(TemplateError) {
      return try typed.text(with: InspectDocument.typed(document, kind))
    } catch {
      return try plain.text(with: InspectDocument.plain(document))
    }
  }
}
