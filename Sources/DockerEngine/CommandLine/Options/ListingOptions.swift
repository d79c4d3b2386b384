// SPDX-License-Identifier: Apache-2.0

/// A verb whose output is a list or a document, and changes nothing.
public enum DockerListing: Sendable, Equatable {
  /// `docker ps`.
  case containers(ContainerListOptions)
  /// `docker images`.
  case images(ImageListOptions)
  /// `docker history IMAGE`.
  case history(HistoryOptions)
  /// `docker inspect NAME…`, and those of `container`, `image`, `network` and `volume`.
  case inspect(InspectOptions)
  /// `docker version`.
  case version(format: String?)
  /// `docker info`.
  case info(format: String?)
  /// `docker port NAME [PORT[/PROTOCOL]]`.
  case port(container: String, port: String?)
  /// `docker top NAME [WORDS OF ps]`.
  case top(container: String, arguments: [String])
  /// `docker network ls`.
  case networks(NamedListOptions)
  /// `docker volume ls`.
  case volumes(NamedListOptions)
}

/// One `--filter`: `name=value`.
public struct ListFilter: Sendable, Equatable {
  /// What is compared, such as `label` or `status`.
  public var name: String
  /// With what; may be empty, and may itself contain an equals sign.
  public var value: String
}

extension [ListFilter] {
  /// The `filters` parameter of the Engine API, `{"label":{"a=b":true}}`; nil for no filter at all.
  var queryValue: String? {
    guard !isEmpty else { return nil }
    var filters = JSONObject()
    for filter in self {
      var values = JSONObject(filters[filter.name]?.members.map { ($0.name, $0.value) } ?? [])
      values[filter.value] = .bool(true)
      filters[filter.name] = .object(values)
    }
    return JSONValue.object(filters).compactText
  }
}

/// Options of `docker ps`.
public struct ContainerListOptions: Sendable, Equatable {
  /// `-a`: also those that do not run.
  public var showsAll: Bool
  /// `-f`, in order.
  public var filters: [ListFilter]
  /// `--format`; nil for the table.
  public var format: String?
  /// `-n`, or 1 for `-l`: the newest so many, running or not; nil for every one.
  public var last: Int64?
  /// `--no-trunc`.
  public var isWhole: Bool
  /// `-q`: ids only.
  public var isQuiet: Bool
  /// `-s`: with sizes.
  public var showsSize: Bool
}

/// Options of `docker images`.
public struct ImageListOptions: Sendable, Equatable {
  /// `REPOSITORY[:TAG]`; nil for every image.
  public var reference: String?
  /// `-a`: intermediate images too.
  public var showsAll: Bool
  /// `--digests`.
  public var showsDigests: Bool
  /// `-f`, in order.
  public var filters: [ListFilter]
  /// `--format`; nil for the table.
  public var format: String?
  /// `--no-trunc`.
  public var isWhole: Bool
  /// `-q`: ids only.
  public var isQuiet: Bool
}

/// Options of `docker history`.
public struct HistoryOptions: Sendable, Equatable {
  /// The image as written.
  public var image: String
  /// `--format`; nil for the table.
  public var format: String?
  /// `-H`, on unless `--human=false`: sizes and times for people.
  public var isHuman: Bool
  /// `--no-trunc`.
  public var isWhole: Bool
  /// `-q`: ids only.
  public var isQuiet: Bool
  /// `--platform`.
  public var platform: String?
}

/// Options of `docker network ls` and `docker volume ls`.
public struct NamedListOptions: Sendable, Equatable {
  /// `-f`, in order.
  public var filters: [ListFilter]
  /// `--format`; nil for the table.
  public var format: String?
  /// `--no-trunc`, which volumes do not have.
  public var isWhole: Bool
  /// `-q`: ids or names only.
  public var isQuiet: Bool
}

/// Options of `docker inspect`.
public struct InspectOptions: Sendable, Equatable {
  /// What the names are.
  public enum Subject: String, Sendable {
    /// Containers first, then images, networks and volumes.
    case any
    /// Containers only.
    case container
    /// Images only.
    case image
    /// Networks only.
    case network
    /// Volumes only.
    case volume
  }

  /// Names or ids.
  public var names: [String]
  /// `-f`: what to print of each, as written; nil prints everything as JSON.
  public var format: String?
  /// `--type`, or the group the verb was called in.
  public var subject: Subject
  /// `-s`: ask for sizes.
  public var includesSize: Bool
  /// `-v` of networks: services too.
  public var isVerbose: Bool
  /// `--platform` of images.
  public var platform: String?
}

/// Options of `docker events`.
public struct EventsOptions: Sendable, Equatable {
  /// `-f`, in order.
  public var filters: [ListFilter]
  /// `--format`; nil for one line of text an event.
  public var format: String?
  /// `--since` as written.
  public var since: String?
  /// `--until` as written; nil follows until the end.
  public var until: String?
}
