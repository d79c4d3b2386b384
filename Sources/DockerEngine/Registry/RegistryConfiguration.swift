// SPDX-License-Identifier: Apache-2.0

/// What a user keeps about image registries: `config.json`, or `.dockercfg` of old.
///
/// Source: docker CLI `cli/config/configfile`.
struct RegistryConfiguration: Sendable {
  /// Docker Hub's key, kept since registries had version 1.
  static let hub = "https://index.docker.io/v1/"

  /// The whole document; what is not understood stays as it is.
  private(set) var document: JSONObject

  init(document: JSONObject = JSONObject()) {
    self.document = document
  }

  /// Reads `config.json`.
  init(parsing text: String, path: String) throws(DockerEngineError) {
    self.init(document: try Self.object(text, path))
  }

  /// Reads `.dockercfg`, which is what `auths` is in `config.json`.
  init(parsingOld text: String, path: String) throws(DockerEngineError) {
    self.init(document: JSONObject([("auths", .object(try Self.object(text, path)))]))
  }

  private static func object(_ text: String, _ path: String) throws(DockerEngineError) -> JSONObject {
    guard !text.trimmingSpaces().isEmpty else { return JSONObject() }
    guard case .object(let object)? = try? JSONValue(parsing: text.utf8) else {
      throw DockerEngineError(.file, "read \(path): it is no JSON object")
    }
    return object
  }

  /// The key that a registry's password is kept under.
  static func key(_ registry: String?) -> String {
    guard let registry, !["", "docker.io", "index.docker.io", "registry-1.docker.io", hub].contains(registry) else {
      return hub
    }
    return hostName(registry)
  }

  /// `https://host/path` without all but the host.
  static func hostName(_ text: String) -> String {
    var rest = Substring(text)
    for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
    return String(rest.prefix { $0 != "/" })
  }

  /// The helper that keeps a registry's password: `docker-credential-NAME`.
  func helper(for key: String) -> String? {
    let named = document["credHelpers"]?[key]?.string ?? document["credsStore"]?.string
    return named.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The login that stands in the file itself.
  func login(for key: String) -> RegistryLogin? {
    let entries = document["auths"]?.members ?? []
    let wanted = Self.hostName(key)
    let found = entries.first { $0.name == key } ?? entries.first { Self.hostName($0.name) == wanted }
    return found.flatMap { RegistryLogin(entry: $0.value, key: key) }
  }

  /// Whether the file has anything under a key, as it has a mere mark of what a helper keeps.
  func mentions(_ key: String) -> Bool { document["auths"]?[key] != nil }

  mutating func keep(_ entry: JSONObject, for key: String) {
    var entries = JSONObject(document["auths"]?.members.map { ($0.name, $0.value) } ?? [])
    entries[key] = .object(entry)
    document["auths"] = .object(entries)
  }

  mutating func forget(_ key: String) {
    var entries = JSONObject(document["auths"]?.members.map { ($0.name, $0.value) } ?? [])
    entries[key] = nil
    document["auths"] = .object(entries)
  }
}

/// A name and password, or a token, for one registry.
struct RegistryLogin: Sendable, Equatable {
  /// The key it is kept under.
  var key: String
  var user: String
  var password: String
  /// Instead of a password.
  var identityToken: String?

  init(key: String, user: String, password: String, identityToken: String? = nil) {
    self.key = key
    self.user = user
    self.password = password
    self.identityToken = identityToken
  }

  /// Reads an entry of `auths`; nil when nobody is named in it.
  init?(entry: JSONValue, key: String) {
    self.init(
      key: key,
      user: entry["username"]?.string ?? "",
      password: entry["password"]?.string ?? "",
      identityToken: entry["identitytoken"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    )
    if let encoded = entry["auth"]?.string, let bytes = Base64.decoded(encoded) {
      let text = String(decoding: bytes, as: UTF8.self)
      guard let colon = text.firstIndex(of: ":") else { return nil }
      user = String(text[..<colon])
      // Old programs padded the password with zeros.
      password = String(text[text.index(after: colon)...].prefix { $0 != "\0" })
    }
    guard !user.isEmpty || identityToken != nil else { return nil }
  }

  /// The entry as `config.json` keeps it.
  var entry: JSONObject {
    var entry = JSONObject([
      ("auth", .string(Base64.encoded(Array("\(user):\(identityToken == nil ? password : "")".utf8))))
    ])
    if let identityToken { entry["identitytoken"] = .string(identityToken) }
    return entry
  }

  /// The value of `X-Registry-Auth`.
  var header: String {
    var body = JSONObject()
    if let identityToken {
      body["identitytoken"] = .string(identityToken)
    } else {
      body["username"] = .string(user)
      body["password"] = .string(password)
    }
    body["serveraddress"] = .string(key)
    return Base64.encoded(Array(JSONValue.object(body).compactText.utf8), isForURLs: true)
  }
}

/// RFC 4648, with padding.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encoded(_ bytes: [UInt8], isForURLs: Bool = false) -> String {
    var alphabet = alphabet
    if isForURLs { alphabet.replaceSubrange(62..<64, with: [UInt8(ascii: "-"), UInt8(ascii: "_")]) }
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      for place in 0..<4 {
        let isPadding = place > group.count
        text.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(bits >> UInt32(18 - 6 * place)) & 63])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func decoded(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for character in text.utf8 where character != UInt8(ascii: "=") {
      guard let value = alphabet.firstIndex(of: character) else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 6
      guard count >= 8 else { continue }
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
    }
    return bytes
  }
}
