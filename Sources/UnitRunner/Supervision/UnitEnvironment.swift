// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Puts together the environment of a unit's commands.
///
/// Source: systemd.exec(5) "ENVIRONMENT VARIABLES IN SPAWNED PROCESSES".
struct UnitEnvironment {
  /// The longest environment file, in bytes.
  static let fileLimitBytes = 1 << 20
  /// systemd's default.
  static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  /// Variables every unit gets.
  let base: [String: String]
  /// Directory that comes first on every unit's PATH.
  let shimDirectory: String

  /// A file that has to be there could not be read.
  struct MissingFile: Error {
    var text: String
  }

  /// The environment of a command.
  ///
  /// - Parameters:
  ///   - definition: The unit's settings.
  ///   - account: The account of `User=`, if any.
  ///   - extra: Variables about this run, such as `MAINPID`.
  /// - Returns: The variables.
  /// - Throws: ``MissingFile``.
  func variables(
    for definition: ServiceDefinition,
    account: UserAccount?,
    extra: [String: String]
  ) throws(MissingFile) -> [String: String] {
    var result = base
    result["PATH"] = result["PATH"] ?? Self.defaultPath
    if let account {
      result["USER"] = account.name
      result["LOGNAME"] = account.name
      result["HOME"] = account.home
      result["SHELL"] = account.shell
    }
    result.merge(extra) { $1 }
    for assignment in definition.environment { result[assignment.name] = assignment.value }
    for file in definition.environmentFiles {
      for path in Self.matches(file.path) {
        guard let bytes = readFile(path, limitBytes: Self.fileLimitBytes) else {
          if file.isOptional { continue }
          throw MissingFile(text: "cannot read environment file \(path): \(errorText(errno))")
        }
        for assignment in EnvironmentFileText.parse(String(decoding: bytes, as: UTF8.self)) {
          result[assignment.name] = assignment.value
        }
      }
    }
    result["PATH"] = "\(shimDirectory):\(result["PATH"] ?? Self.defaultPath)"
    return result
  }

  /// The file of a program on a PATH; nil when there is none.
  static func program(_ name: String, on path: String) -> String? {
    path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// Files that a pattern stands for; a path that matches nothing stands for itself.
  private static func matches(_ pattern: String) -> [String] {
    guard pattern.contains(where: { "*?[".contains($0) }) else { return [pattern] }
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else { return [pattern] }
    return (0..<Int(found.gl_pathc)).compactMap { index in found.gl_pathv[index].map { String(cString: $0) } }
  }
}
