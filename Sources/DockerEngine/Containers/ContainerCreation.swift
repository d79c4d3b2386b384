// SPDX-License-Identifier: Apache-2.0

/// A specification with everything resolved that depends on the caller: the request that makes the container.
struct ContainerCreation {
  var query: [(name: String, value: String)]
  var body: JSONValue

  /// Resolves a specification.
  ///
  /// - Parameters:
  ///   - specification: What the command line asks for.
  ///   - caller: Whose environment, directory and labels count.
  ///   - version: The API that is spoken.
  ///   - readFile: Reads a file named on the command line.
  /// - Throws: ``DockerEngineError/Code/file`` when a file cannot be read or is malformed.
  init(
    _ specification: ContainerSpecification,
    for caller: DockerCaller,
    version: APIVersion,
    readFile: (String) throws(DockerEngineError) -> String = CallerFile.read
  ) throws(DockerEngineError) {
    query = specification.name.map { [("name", $0)] } ?? []
    if let platform = specification.platform { query.append(("platform", platform)) }

    var body = specification.configuration
    Self.setAttachment(of: specification, in: &body)
    let environment = try caller.resolved(
      specification.environment,
      files: specification.environmentFiles,
      readFile: readFile
    )
    if !environment.isEmpty { body["Env"] = .strings(environment) }
    let labels = try Self.labels(of: specification, caller, readFile)
    if !labels.isEmpty { body["Labels"] = .object(labels) }
    if !specification.arguments.isEmpty { body["Cmd"] = .strings(specification.arguments) }
    body["Image"] = .string(specification.image)

    var host = specification.hostConfiguration
    if !specification.binds.isEmpty {
      host["Binds"] = .strings(specification.binds.map { Self.absolute($0, in: caller.workingDirectory) })
    }
    if !host.isEmpty { body["HostConfig"] = .object(host) }
    Self.setEndpoint(of: specification, version: version, in: &body)
    self.body = .object(body)
  }

  private static func setAttachment(of specification: ContainerSpecification, in body: inout JSONObject) {
    guard !specification.isDetached else { return }
    let streams = specification.attachedStreams
    body["AttachStdout"] = .bool(streams.isEmpty || streams.contains("stdout"))
    body["AttachStderr"] = .bool(streams.isEmpty || streams.contains("stderr"))
  }

  private static func setEndpoint(
    of specification: ContainerSpecification,
    version: APIVersion,
    in body: inout JSONObject
  ) {
    guard !specification.endpoint.isEmpty else { return }
    let network = specification.hostConfiguration["NetworkMode"]?.string ?? "default"
    let endpoints = JSONObject([(network, .object(specification.endpoint))])
    body["NetworkingConfig"] = .object(JSONObject([("EndpointsConfig", .object(endpoints))]))
    // Before API 1.44 the address stood in the container's own configuration.
    if version < APIVersion(major: 1, minor: 44), let address = specification.endpoint["MacAddress"] {
      body["MacAddress"] = address
    }
  }

  private static func labels(
    of specification: ContainerSpecification,
    _ caller: DockerCaller,
    _ readFile: (String) throws(DockerEngineError) -> String
  ) throws(DockerEngineError) -> JSONObject {
    var labels = JSONObject()
    for path in specification.labelFiles {
      for line in try KeyValueFile.entries(of: readFile(caller.absolute(path)), path: path) {
        if let value = line.value { labels[line.key] = .string(value) }
      }
    }
    for label in specification.labels {
      let pair = FoundFlag(name: "label", value: label).pair()
      labels[pair.key] = .string(pair.value)
    }
    for (key, value) in caller.labels.sorted(by: { $0.key < $1.key }) { labels[key] = .string(value) }
    return labels
  }

  /// A bind whose machine side is a relative path, made absolute; named volumes stay.
  private static func absolute(_ bind: String, in directory: String) -> String {
    guard bind.hasPrefix("."), let colon = bind.firstIndex(of: ":") else { return bind }
    let caller = DockerCaller(workingDirectory: directory)
    return caller.absolute(String(bind[..<colon])) + bind[colon...]
  }
}

extension DockerCaller {
  /// Variables as the engine wants them: files first, then entries, as the last of equal names counts; a bare name
  /// takes the caller's value, and without one is dropped in a file and sent as it is otherwise.
  func resolved(
    _ entries: [String],
    files: [String],
    readFile: (String) throws(DockerEngineError) -> String = CallerFile.read
  ) throws(DockerEngineError) -> [String] {
    var variables: [String] = []
    for path in files {
      for line in try KeyValueFile.entries(of: readFile(absolute(path)), path: path) {
        if let value = line.value {
          variables.append("\(line.key)=\(value)")
        } else if let value = environment[line.key] {
          variables.append("\(line.key)=\(value)")
        }
      }
    }
    for entry in entries {
      if !entry.contains("="), let value = environment[entry] {
        variables.append("\(entry)=\(value)")
      } else {
        variables.append(entry)
      }
    }
    return variables
  }

  /// A path as the caller means it, with `.` and `..` taken out.
  func absolute(_ path: String) -> String {
    let full = path.hasPrefix("/") ? path : workingDirectory + "/" + path
    var parts: [Substring] = []
    for part in full.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
