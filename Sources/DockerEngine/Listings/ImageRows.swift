// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// `docker images` and `docker history`.
///
/// Source: docker CLI `cli/command/formatter/image.go` and `cli/command/image/formatter_history.go`.
enum ImageRows {
  private static let none = "<none>"

  static func format(showsDigests: Bool) -> ListingFormat {
    let columns = ["Repository", "Tag"] + (showsDigests ? ["Digest"] : []) + ["ID", "CreatedSince", "Size"]
    return ListingFormat(
      kind: "imageContext",
      table: columns.map { "{{if .\($0)}}{{.\($0)}}{{else}}N/A{{end}}" }.joined(separator: "\t"),
      raw: nil,
      quiet: "{{.ID}}",
      headers: [
        "ID": "IMAGE ID", "Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", "CreatedSince": "CREATED",
        "CreatedAt": "CREATED AT", "Size": "SIZE", "Containers": "CONTAINERS", "VirtualSize": "SIZE",
        "SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE",
      ]
    )
  }

  /// A row for each tag of an image, and with digests for each digest of a tag.
  static func rows(_ image: JSONValue, options: ImageListOptions, now: Int64) -> [ListingRow] {
    let tags = (image["RepoTags"]?.elements ?? []).compactMap(\.string).map(split)
    let digests = (image["RepoDigests"]?.elements ?? []).compactMap(\.string).compactMap(splitDigest)
    var names: [(repository: String, tag: String, digest: String)] = []
    for tag in tags where tag.repository != none {
      let own = digests.filter { $0.repository == tag.repository }.map(\.digest)
      let shown = options.showsDigests ? own : Array(own.prefix(1))
      for digest in shown.isEmpty ? [none] : shown { names.append((tag.repository, tag.tag, digest)) }
    }
    let tagged = Set(names.map(\.repository))
    for digest in digests where digest.repository != none && !tagged.contains(digest.repository) {
      names.append((digest.repository, none, digest.digest))
    }
    if names.isEmpty { names = [(none, none, none)] }
    // One id is enough when only ids are asked for, but docker's program writes one for each tag.
    return names.map { row(image, $0, isWhole: options.isWhole, now: now) }
  }

  private static func row(
    _ image: JSONValue,
    _ name: (repository: String, tag: String, digest: String),
    isWhole: Bool,
    now: Int64
  ) -> ListingRow {
    let id = image["Id"]?.string ?? ""
    let created = image["Created"]?.int64 ?? 0
    let size = image["Size"]?.int64 ?? 0
    func known(_ number: Int64?, _ text: (Int64) -> String) -> String {
      number.flatMap { $0 >= 0 ? text($0) : nil } ?? "N/A"
    }
    let shared = image["SharedSize"]?.int64
    return ListingRow(
      values: [
        "ID": isWhole ? id : HumanText.shortID(id), "Repository": name.repository, "Tag": name.tag,
        "Digest": name.digest,
        "CreatedSince": HumanText.duration(seconds: now - created) + " ago",
        "CreatedAt": HumanText.localTime(seconds: created).formatted(HumanText.goLayout),
        "Size": HumanText.size(size),
        "Containers": known(image["Containers"]?.int64) { String($0) },
        "VirtualSize": HumanText.size(image["VirtualSize"]?.int64 ?? size, digits: 4),
        "SharedSize": known(shared) { HumanText.size($0, digits: 4) },
        "UniqueSize": known(shared) { HumanText.size(size - $0, digits: 4) },
      ].mapValues { TemplateValue.string($0) }
    )
  }

  /// `registry:5000/name:tag`.
  private static func split(_ name: String) -> (repository: String, tag: String) {
    guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return (name, none) }
    return (String(name[..<colon]), String(name[name.index(after: colon)...]))
  }

  private static func splitDigest(_ name: String) -> (repository: String, digest: String)? {
    guard let at = name.firstIndex(of: "@") else { return nil }
    return (String(name[..<at]), String(name[name.index(after: at)...]))
  }

  // MARK: History

  static func historyFormat(isHuman: Bool) -> ListingFormat {
    let columns = ["ID", isHuman ? "CreatedSince" : "CreatedAt", "CreatedBy", "Size", "Comment"]
    return ListingFormat(
      kind: "historyContext",
      table: columns.map { "{{.\($0)}}" }.joined(separator: "\t"),
      raw: nil,
      quiet: "{{.ID}}",
      headers: [
        "ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY",
        "Size": "SIZE", "Comment": "COMMENT",
      ]
    )
  }

  static func historyRow(_ layer: JSONValue, options: HistoryOptions, now: Int64) -> ListingRow {
    let id = layer["Id"]?.string ?? ""
    let created = layer["Created"]?.int64 ?? 0
    let command = (layer["CreatedBy"]?.string ?? "").replacing("\t", with: " ")
    let size = layer["Size"]?.int64 ?? 0
    return ListingRow(
      values: [
        "ID": options.isWhole ? id : HumanText.shortID(id),
        "CreatedSince": HumanText.duration(seconds: now - created) + " ago",
        "CreatedAt": HumanText.localTime(seconds: created).formatted("2006-01-02T15:04:05Z07:00"),
        "CreatedBy": options.isWhole ? command : HumanText.ellipsis(command, 45),
        "Size": options.isHuman ? HumanText.size(size) : String(size),
        "Comment": layer["Comment"]?.string ?? "",
      ].mapValues { TemplateValue.string($0) }
    )
  }
}
