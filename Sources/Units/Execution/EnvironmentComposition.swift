// SPDX-License-Identifier: Apache-2.0

/// Puts together the variables of a command from where they come from.
///
/// Later ones win: the machine's, those about the user and the run, `PassEnvironment=`, `Environment=`, the files of
/// `EnvironmentFile=`. `UnsetEnvironment=` has the last word.
/// Source: systemd.exec(5) "ENVIRONMENT VARIABLES IN SPAWNED PROCESSES".
public struct EnvironmentComposition: Sendable {
  /// The account of `User=`.
  public struct Account: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// Its home directory.
    public var home: String
    /// Its shell.
    public var shell: String

    /// Makes an account.
    public init(name: String, home: String, shell: String) {
      self.name = name
      self.home = home
      self.shell = shell
    }
  }

  /// systemd's PATH.
  public static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  /// Shells that say that nobody logs in; commands are not told of them, as with systemd.
  private static let shellsOfNobody: Set<String> = [
    "", "/bin/nologin", "/sbin/nologin", "/usr/bin/nologin", "/usr/sbin/nologin", "/bin/false", "/usr/bin/false",
    "/bin/true", "/usr/bin/true",
  ]

  /// Variables every command gets.
  public var base: [String: String]
  /// Variables about this run, such as `INVOCATION_ID`.
  public var run: [String: String]
  /// The account, if the unit names one.
  public var account: Account?
  /// The node's own variables, of which some may be passed on.
  public var own: [String: String]

  /// Makes a composition.
  public init(
    base: [String: String],
    run: [String: String] = [:],
    account: Account? = nil,
    own: [String: String] = [:]
  ) {
    self.base = base
    self.run = run
    self.account = account
    self.own = own
  }

  /// The variables of a command.
  ///
  /// - Parameters:
  ///   - settings: The unit's settings.
  ///   - files: What stands in its environment files, in order.
  /// - Returns: The variables.
  public func variables(_ settings: ExecutionSettings, files: [EnvironmentAssignment]) -> [String: String] {
    var result = base
    result["PATH"] = result["PATH"] ?? Self.defaultPath
    if let account {
      result["USER"] = account.name
      result["LOGNAME"] = account.name
      if account.home != "/", account.home.hasPrefix("/") { result["HOME"] = account.home }
      if !Self.shellsOfNobody.contains(account.shell) { result["SHELL"] = account.shell }
    }
    result.merge(run) { $1 }
    if !settings.searchPath.isEmpty { result["PATH"] = settings.searchPath.joined(separator: ":") }
    for name in settings.passedVariables { result[name] = own[name] ?? result[name] }
    for assignment in settings.environment + files { result[assignment.name] = assignment.value }
    for unset in settings.unsetVariables {
      guard let assignment = EnvironmentAssignment(unset) else {
        result[unset] = nil
        continue
      }
      if result[assignment.name] == assignment.value { result[assignment.name] = nil }
    }
    return result
  }
}
