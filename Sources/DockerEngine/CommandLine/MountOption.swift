// SPDX-License-Identifier: Apache-2.0

/// The value of `--mount` as the engine wants it.
///
/// Source: docker CLI 28 `opts/mount.go`.
enum MountOption {
  /// Understands one `--mount`.
  static func json(_ flag: FoundFlag) throws(DockerCommandLineError) -> JSONValue {
    var mount = JSONObject([("Type", .string("volume"))])
    var options: [String: JSONObject] = [:]
    for text in try flag.commaSeparatedFields() {
      let field = FoundFlag(name: flag.name, value: text)
      let (key, value) = field.pair()
      switch key.lowercased() {
      case "type": mount["Type"] = .string(value.lowercased())
      case "source", "src": mount["Source"] = .string(value)
      case "target", "dst", "destination": mount["Target"] = .string(value)
      case "readonly", "ro":
        let isReadOnly = text.contains("=") ? try FoundFlag(name: flag.name, value: value).bool() : true
        mount["ReadOnly"] = .bool(isReadOnly)
      case "consistency": mount["Consistency"] = .string(value.lowercased())
      default: try set(key.lowercased(), value, in: &options, flag)
      }
    }
    guard mount["Target"] != nil else { throw .badValue(flag.value, flag: "--mount", expected: "a target") }
    for name in ["BindOptions", "VolumeOptions", "TmpfsOptions"] {
      if let members = options[name] { mount[name] = .object(members) }
    }
    return .object(mount)
  }

  private static func set(
    _ key: String,
    _ value: String,
    in options: inout [String: JSONObject],
    _ flag: FoundFlag
  ) throws(DockerCommandLineError) {
    let field = FoundFlag(name: flag.name, value: value)
    switch key {
    case "bind-propagation": options["BindOptions", default: .init()]["Propagation"] = .string(value.lowercased())
    case "bind-nonrecursive": options["BindOptions", default: .init()]["NonRecursive"] = .bool(try field.bool())
    case "volume-nocopy": options["VolumeOptions", default: .init()]["NoCopy"] = .bool(try field.bool())
    case "volume-subpath": options["VolumeOptions", default: .init()]["Subpath"] = .string(value)
    case "volume-driver": driver(in: &options) { $0["Name"] = .string(value) }
    case "volume-opt":
      let pair = field.pair()
      driver(in: &options) { driver in
        var members = JSONObject(driver["Options"]?.members.map { ($0.name, $0.value) } ?? [])
        members[pair.key] = .string(pair.value)
        driver["Options"] = .object(members)
      }
    case "tmpfs-size": options["TmpfsOptions", default: .init()]["SizeBytes"] = .integer(try field.sizeBytes())
    case "tmpfs-mode":
      guard let mode = Int64(value, radix: 8) else {
        throw .badValue(value, flag: "--mount", expected: "an octal mode")
      }
      options["TmpfsOptions", default: .init()]["Mode"] = .integer(mode)
    default:
      throw .badValue(flag.value, flag: "--mount", expected: "known fields only; \(key) is unknown or not supported")
    }
  }

  private static func driver(in options: inout [String: JSONObject], _ change: (inout JSONObject) -> Void) {
    var volume = options["VolumeOptions", default: .init()]
    var driver = JSONObject(volume["DriverConfig"]?.members.map { ($0.name, $0.value) } ?? [])
    change(&driver)
    volume["DriverConfig"] = .object(driver)
    options["VolumeOptions"] = volume
  }
}
