// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// A fresh directory for one test, removed at its end.
///
/// - Parameter body: What is done in it.
/// - Returns: What the body returns.
/// - Throws: What the body throws, or when the directory cannot be made.
public func withTestDirectory<Value>(_ body: (URL) async throws -> Value) async throws -> Value {
  let directory = FileManager.default.temporaryDirectory
    .appendingPathComponent("coracle-\(UUID().uuidString.prefix(8).lowercased())")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  return try await body(directory)
}

/// Where the built programs are.
public enum BuiltProgram {
  /// The `coracle` executable: `CORACLE_BINARY`, else the one beside the test bundle.
  public static var coracle: URL {
    if let path = ProcessInfo.processInfo.environment["CORACLE_BINARY"] { return URL(fileURLWithPath: path) }
    return beside("coracle")
  }

  private static func beside(_ name: String) -> URL {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return root.appendingPathComponent(".build/debug/\(name)")
  }
}
