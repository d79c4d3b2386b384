// SPDX-License-Identifier: Apache-2.0

/// One request with both servers' answers.
struct Exchange: Sendable {
  /// The request.
  var request: RequestTemplate
  /// Coracle's answer and etcd's, as they came.
  var raw: (coracle: RawAnswer, etcd: RawAnswer)
  /// The same as they are compared.
  var mapped: (coracle: ComparedAnswer, etcd: ComparedAnswer)
  /// Directories that were updated, whose modifiedIndex etcd does not keep.
  var updatedDirectories: Set<String> = []

  /// Compares two answers to a request.
  init(
    _ request: RequestTemplate,
    coracle: RawAnswer,
    etcd: RawAnswer,
    facts: (coracle: ServerFacts, etcd: ServerFacts)
  ) {
    self.request = request
    raw = (coracle, etcd)
    let isSorted = ["sorted=true", "sorted=1", "sorted=t", "sorted=T"].contains { request.target.contains($0) }
    let isHead = request.method == "HEAD"
    mapped = (
      ComparedAnswer(coracle, of: facts.coracle, isSorted: isSorted, isHead: isHead),
      ComparedAnswer(etcd, of: facts.etcd, isSorted: isSorted, isHead: isHead)
    )
  }

  /// Whether the answers are the same.
  var agrees: Bool { mapped.coracle.agrees(with: mapped.etcd) }

  /// The difference for a report.
  var report: String {
    """
    \(request.summary)
      coracle: \(Self.text(mapped.coracle, raw.coracle))
      etcd:    \(Self.text(mapped.etcd, raw.etcd))
    """
  }

  private static func text(_ answer: ComparedAnswer, _ raw: RawAnswer) -> String {
    let times = answer.times.isEmpty ? "" : " times \(answer.times)"
    let text = answer.lines.joined(separator: " | ") + times
    return text.count > 1_500 ? "\(text.prefix(1_500))…" : text
  }
}
