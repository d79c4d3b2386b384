// SPDX-License-Identifier: Apache-2.0

/// A path of the document, checked before anything is done with it.
struct TreePath: Equatable {
  /// The path without empty parts and dots.
  let text: String
  /// Its parts; never empty.
  let parts: [String]

  /// Why a path cannot name a file.
  struct Refusal: Error {
    var reason: String
  }

  /// Checks a path, which may end in a slash only where it is to name a directory.
  init(_ given: String, isFolder: Bool = false) throws(Refusal) {
    guard given.hasPrefix("/") else { throw Refusal(reason: "the path \"\(given)\" must begin with \"/\"") }
    guard !given.utf8.contains(where: { $0 < 32 }) else {
      throw Refusal(
        reason: "a path cannot hold line ends or other control characters; write it on one line, without \"|\""
      )
    }
    let parts = given.split(separator: "/").map(String.init).filter { $0 != "." }
    guard !parts.contains("..") else { throw Refusal(reason: "the path \"\(given)\" must not hold \"..\"") }
    guard !parts.isEmpty, isFolder || !(given.hasSuffix("/") || given.hasSuffix("/.")) else {
      throw Refusal(reason: "the path \"\(given)\" names a directory, not a file")
    }
    if let long = parts.first(where: { $0.utf8.count > 255 }) {
      throw Refusal(reason: "a part of the path is longer than 255 bytes: \"\(long.prefix(40))…\"")
    }
    guard given.utf8.count < 4_096 else { throw Refusal(reason: "the path is longer than 4095 bytes") }
    self.parts = parts
    text = "/" + parts.joined(separator: "/")
  }

  /// The directories above it, from the top, without the root.
  var folders: [String] {
    parts.indices.dropFirst().map { "/" + parts[..<$0].joined(separator: "/") }
  }
}
