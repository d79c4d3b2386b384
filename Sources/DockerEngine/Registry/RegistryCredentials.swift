// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A caller's logins at image registries.
struct RegistryCredentials: Sendable {
  /// `config.json`, whether it is there or not.
  let path: String
  private let oldPath: String?
  private let environment: [String: String]

  /// Looks where docker's own program looks: `--config`, `DOCKER_CONFIG`, `~/.docker`, and `~/.dockercfg` of old.
  init(for caller: DockerCaller, directory: String?) {
    environment = caller.environment
    let home = caller.environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? Self.homeDirectory()
    let named = directory ?? caller.environment["DOCKER_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    path = caller.absolute((named ?? home + "/.docker") + "/config.json")
    oldPath = named == nil ? home + "/.dockercfg" : nil
  }

  private static func homeDirectory() -> String {
    guard let account = getpwuid(geteuid()), let directory = account.pointee.pw_dir else { return "/root" }
    return String(cString: directory)
  }

  /// What the files say; nothing when there are none.
  func configuration() throws(DockerEngineError) -> RegistryConfiguration {
    if access(path, F_OK) == 0 { return try RegistryConfiguration(parsing: CallerFile.read(path), path: path) }
    if let oldPath, access(oldPath, F_OK) == 0 {
      return try RegistryConfiguration(parsingOld: CallerFile.read(oldPath), path: oldPath)
    }
    return RegistryConfiguration()
  }

  /// The value of `X-Registry-Auth`; that of an anonymous caller without a login.
  func header(for registry: String) async throws(DockerEngineError) -> String {
    try await login(for: registry)?.header ?? "e30="
  }

  /// The login for a registry; nil without one.
  func login(for registry: String) async throws(DockerEngineError) -> RegistryLogin? {
    let key = RegistryConfiguration.key(registry)
    let configuration = try configuration()
    guard let helper = configuration.helper(for: key) else { return configuration.login(for: key) }
    return try await PasswordKeeper(helper, environment).login(for: key) ?? configuration.login(for: key)
  }

  /// Keeps a login, by the helper when there is one.
  ///
  /// - Returns: Whether the password now stands in the file itself.
  func keep(_ login: RegistryLogin) async throws(DockerEngineError) -> Bool {
    var configuration = try configuration()
    if let helper = configuration.helper(for: login.key) {
      try await PasswordKeeper(helper, environment).keep(login)
      configuration.keep(JSONObject(), for: login.key)
      try write(configuration)
      return false
    }
    configuration.keep(login.entry, for: login.key)
    try write(configuration)
    return true
  }

  /// Forgets a login.
  ///
  /// - Returns: Whether there was one.
  func forget(_ key: String) async throws(DockerEngineError) -> Bool {
    var configuration = try configuration()
    var wasKept = configuration.mentions(key)
    if let helper = configuration.helper(for: key) {
      wasKept = try await PasswordKeeper(helper, environment).forget(key) || wasKept
    }
    configuration.forget(key)
    if wasKept { try write(configuration) }
    return wasKept
  }

  /// Replaces the file as a whole, readable for its owner alone.
  private func write(_ configuration: RegistryConfiguration) throws(DockerEngineError) {
    let directory = String(path.dropLast("/config.json".count))
    if mkdir(directory, 0o700) != 0, errno != EEXIST {
      throw DockerEngineError(.file, "create \(directory): \(String(cString: strerror(errno)))")
    }
    let next = path + ".\(getpid())"
    unlink(next)
    try CallerFile.write(JSONValue.object(configuration.document).prettyText(indent: "\t"), to: next, mode: 0o600)
    guard rename(next, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(next)
      throw DockerEngineError(.file, "replace \(path): \(reason)")
    }
  }
}

extension ImageReference {
  /// The registry that the image comes from; Docker Hub's name when none was written.
  var registry: String {
    guard let slash = repository.firstIndex(of: "/") else { return "docker.io" }
    let first = repository[..<slash]
    return first.contains(".") || first.contains(":") || first == "localhost" ? String(first) : "docker.io"
  }
}
