// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import DockerEngine

/// Logins at image registries: `config.json`, `.dockercfg` and the programs that keep passwords.
@Suite struct RegistryTests {
  /// Runs a test with a home of its own.
  func withHome(_ body: (String) async throws -> Void) async throws {
    let home = FileManager.default.temporaryDirectory.appending(path: "coracle-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: home + "/.docker", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: home) }
    try await body(home)
  }

  func credentials(_ home: String, _ directory: String? = nil) -> RegistryCredentials {
    RegistryCredentials(
      for: DockerCaller(environment: ["HOME": home, "PATH": home + "/bin:/bin:/usr/bin"]),
      directory: directory
    )
  }

  func decoded(_ header: String) throws -> [String: String] {
    let text = header.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    let data = try #require(Data(base64Encoded: text))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: String])
  }

  @Test func `base64 is that of everyone`() {
    for count in 0..<10 {
      let bytes = (0..<count).map { UInt8(($0 * 89 + 250) & 255) }
      #expect(Base64.encoded(bytes) == Data(bytes).base64EncodedString())
      #expect(Base64.decoded(Base64.encoded(bytes)) == bytes)
    }
    #expect(Base64.encoded([251, 255], isForURLs: true) == "-_8=")
    #expect(Base64.decoded("a*") == nil)
  }

  @Test func `config json is used for the image's registry, and what it does not understand stays`() async throws {
    try await withHome { home in
      let path = home + "/.docker/config.json"
      let text = """
        {"HttpHeaders":{"X":"y"},"auths":{"https://index.docker.io/v1/":{"auth":"aHViOnB3"},
        "https://reg.example:5000/v2/":{"auth":"dTpwOmM="},"token.example":{"auth":"dTo=","identitytoken":"tok"}}}
        """
      try text.write(toFile: path, atomically: false, encoding: .utf8)
      let credentials = credentials(home)
      let hub = try decoded(try await credentials.header(for: "docker.io"))
      #expect(hub == ["username": "hub", "password": "pw", "serveraddress": "https://index.docker.io/v1/"])
      let own = try decoded(try await credentials.header(for: "reg.example:5000"))
      #expect(own == ["username": "u", "password": "p:c", "serveraddress": "reg.example:5000"])
      let token = try decoded(try await credentials.header(for: "token.example"))
      #expect(token == ["identitytoken": "tok", "serveraddress": "token.example"])
      #expect(try await credentials.header(for: "other.example") == "e30=")

      #expect(try await credentials.keep(RegistryLogin(key: "new.example", user: "n", password: "s\"\n")))
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
      #expect(try await credentials.login(for: "new.example")?.password == "s\"\n")
      #expect(try credentials.configuration().document["HttpHeaders"]?["X"] == .string("y"))
      #expect(try await credentials.forget("new.example"))
      #expect(try await credentials.login(for: "new.example") == nil)
      #expect(try await !credentials.forget("new.example"))
    }
  }

  @Test func `dockercfg of old is read when there is no config json`() async throws {
    try await withHome { home in
      let old = #"{"https://index.docker.io/v1/":{"auth":"b2xkOnB3AAA=","email":"a@b"}}"#
      try old.write(toFile: home + "/.dockercfg", atomically: false, encoding: .utf8)
      let login = try await credentials(home).login(for: "docker.io")
      #expect(login?.user == "old" && login?.password == "pw")
      #expect(try await credentials(home, home + "/elsewhere").login(for: "docker.io") == nil)
    }
  }

  @Test func `a helper keeps passwords instead of the file`() async throws {
    try await withHome { home in
      mkdir(home + "/bin", 0o755)
      let program = home + "/bin/docker-credential-shelf"
      let script = """
        #!/bin/sh
        case $1 in
        store) cat >\(home)/shelf ;;
        get) cat >/dev/null
          cat \(home)/shelf 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
        erase) cat >/dev/null; rm \(home)/shelf ;;
        esac
        """
      try script.write(toFile: program, atomically: false, encoding: .utf8)
      chmod(program, 0o755)
      let configuration = #"{"credsStore":"shelf"}"#
      try configuration.write(toFile: home + "/.docker/config.json", atomically: false, encoding: .utf8)
      let credentials = credentials(home)
      #expect(try await credentials.login(for: "r.example") == nil)
      let login = RegistryLogin(key: "r.example", user: "u", password: "secret")
      #expect(try await !credentials.keep(login))
      let file = try String(contentsOfFile: home + "/.docker/config.json", encoding: .utf8)
      #expect(!file.contains("secret") && file.contains("r.example"))
      #expect(try await credentials.login(for: "r.example") == login)
      #expect(try await credentials.forget("r.example"))
      #expect(try await credentials.login(for: "r.example") == nil)
    }
  }

  @Test func `a helper that is not there is an error that names it`() async throws {
    try await withHome { home in
      let configuration = #"{"credHelpers":{"r.example":"nowhere"}}"#
      try configuration.write(toFile: home + "/.docker/config.json", atomically: false, encoding: .utf8)
      let error = await #expect(throws: DockerEngineError.self) { try await credentials(home).header(for: "r.example") }
      #expect(error?.message.contains("docker-credential-nowhere") == true)
      #expect(try await credentials(home).header(for: "docker.io") == "e30=")
    }
  }

  @Test(arguments: [
    ("busybox", "docker.io"), ("a/b", "docker.io"), ("localhost/b", "localhost"), ("r.io/b:1", "r.io"),
    ("r:5/b", "r:5"),
  ])
  func `an image's first part may be its registry`(image: String, registry: String) throws {
    #expect(try #require(ImageReference(image)).registry == registry)
  }
}
