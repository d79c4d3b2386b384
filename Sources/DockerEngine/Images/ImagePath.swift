// SPDX-License-Identifier: Apache-2.0

extension DockerEngineClient {
  /// An image's path; the slashes of its name are part of it.
  func imagePath(_ name: String, _ action: String = "") -> String {
    let path = name.split(separator: "/", omittingEmptySubsequences: false)
      .map { EngineRequest.percentEncoded(String($0)) }
      .joined(separator: "/")
    return "/images/\(path)\(action)"
  }
}
