// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Puts together the environment of a unit's commands: reads what ``EnvironmentComposition`` decides about.
struct UnitEnvironment {
  /// The longest environment file, in bytes.
  static let fileLimitBytes = 1 << 20

  /// Variables every unit gets.
  let base: [String: String]
  /// Directory that comes first on every unit's PATH.
  let shimDirectory: String
  /// The node's own variables, as it was started with them.
  let own: [String: String]

  /// A file that has to be there could not be read.
  struct MissingFile: Error {
    var text: String
  }

  init(base: [String: String], shimDirectory: String) {
    self.base = base
    self.shimDirectory = shimDirectory
    let entries = (readFile("/proc/self/environ", limitBytes: 4 << 20) ?? []).split(separator: 0)
    let assignments = entries.compactMap { EnvironmentAssignment(String(decoding: $0, as: UTF8.self)) }
    own = Dictionary(assignments.map { ($0.name, $0.value) }) { $1 }
  }

  /// The environment of a command; its environment files are read now.
  ///
  /// - Parameters:
  ///   - settings: The unit's settings.
  ///   - account: The account of `User=`, if any.
  ///   - run: Variables about this run, such as `MAINPID`.
  /// - Returns: The variables.
  /// - Throws: ``MissingFile``.
  func variables(
    _ settings: ExecutionSettings,
    account: UserAccount?,
    run: [String: String]
  ) throws(MissingFile) -> [String: String] {
    let composition = EnvironmentComposition(
      base: base,
      run: run,
      account: account.map { EnvironmentComposition.Account(name: $0.name, home: $0.home, shell: $0.shell) },
      own: own
    )
    var result = composition.variables(settings, files: try files(settings.environmentFiles))
    result["PATH"] = "\(shimDirectory):\(result["PATH"] ?? EnvironmentComposition.defaultPath)"
    return result
  }

  private func files(_ files: [ExecutionSettings.OptionalPath]) throws(MissingFile) -> [EnvironmentAssignment] {
    var assignments: [EnvironmentAssignment] = []
    for file in files {
      for path in Self.matches(file.path) {
        guard let bytes = readFile(path, limitBytes: Self.fileLimitBytes + 1) else {
          if file.isOptional { continue }
          throw MissingFile(text: "cannot read environment file \(path): \(errorText(errno))")
        }
        guard bytes.count <= Self.fileLimitBytes else {
          throw MissingFile(text: "environment file \(path) is longer than \(Self.fileLimitBytes) bytes")
        }
        assignments += EnvironmentFileText.parse(String(decoding: bytes, as: UTF8.self))
      }
    }
    return assignments
  }

  /// The file of a program on a PATH; nil when there is none.
  static func program(_ name: String, on path: String) -> String? {
    path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// Files that a pattern stands for, in order; a path that matches nothing stands for itself.
  private static func matches(_ pattern: String) -> [String] {
    guard pattern.contains(where: { "*?[".contains($0) }) else { return [pattern] }
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else { return [pattern] }
    return (0..<Int(found.gl_pathc)).compactMap { index in found.gl_pathv[index].map { String(cString: $0) } }
  }
}
