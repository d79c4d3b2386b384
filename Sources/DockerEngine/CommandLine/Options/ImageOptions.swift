// SPDX-License-Identifier: Apache-2.0

/// Options of `docker pull` and `docker push`.
public struct TransferOptions: Sendable, Equatable {
  /// The image as written.
  public var image: ImageReference
  /// `--platform`.
  public var platform: String?
  /// `-q`: print the name only.
  public var isQuiet: Bool
  /// `-a`: every tag of the repository.
  public var takesAllTags: Bool
}

/// Options of `docker rmi`.
public struct RemoveImagesOptions: Sendable, Equatable {
  /// Names or ids.
  public var images: [String]
  /// `-f`.
  public var isForced: Bool
  /// `--no-prune`: parents without a name stay.
  public var keepsParents: Bool
  /// `--platform`, in order.
  public var platforms: [String]
}

/// Options of `docker save`.
public struct SaveOptions: Sendable, Equatable {
  /// Names or ids.
  public var images: [String]
  /// `-o`; nil is standard output.
  public var file: String?
  /// `--platform`.
  public var platform: String?
}

/// Options of `docker load`.
public struct LoadOptions: Sendable, Equatable {
  /// `-i`; nil is standard input.
  public var file: String?
  /// `-q`.
  public var isQuiet: Bool
  /// `--platform`.
  public var platform: String?
}

/// Options of `docker import`.
public struct ImportOptions: Sendable, Equatable {
  /// A file, a URL, or `-` for standard input.
  public var source: String
  /// The image's name; nil leaves it without.
  public var image: String?
  /// `-c`, in order.
  public var changes: [String]
  /// `-m`.
  public var message: String?
  /// `--platform`.
  public var platform: String?
}

/// Options of `docker login`.
public struct LoginOptions: Sendable, Equatable {
  /// The registry as written; nil is Docker Hub.
  public var registry: String?
  /// `-u`; nil asks.
  public var user: String?
  /// `-p`; nil asks.
  public var password: String?
  /// `--password-stdin`.
  public var readsPassword: Bool
}
