// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Testing

@testable import CloudInit

/// Retries, patience, the order of sources, and the tokens of EC2.
@Suite struct DatasourceWaitingTests {
  // MARK: Retries

  @Test func `a server is asked again when it fails, and not when it has nothing`() async throws {
    let machine = try PreparedMachine()
    machine.web["GET http://h/x"] = [.noConnection, .status(503), .status(500), .text("here")]
    #expect(try await machine.find("url:http://h/x").text == "here")
    #expect(machine.web.asked("http://h/x") == 4)
    #expect(try await machine.reasons("url:http://h/none") == ["url:http://h/none: http://h/none has nothing (4xx)"])
    #expect(machine.web.asked("http://h/none") == 1)
    machine.web["GET http://h/long"] = [.tooLong]
    await #expect(throws: CloudInitError.self) { try await machine.find("url:http://h/long") }
    #expect(machine.web.asked("http://h/long") == 1)
  }

  @Test func `after the last try the reason is told`() async throws {
    var machine = try PreparedMachine()
    machine.times.patience = .zero
    machine.web["GET http://h/x"] = [.status(502)]
    #expect(try await machine.reasons("url:http://h/x") == ["url:http://h/x: http://h/x answers 502"])
    #expect(machine.web.asked("http://h/x") == 15)
  }

  @Test func `a source that is promised is waited for`() async throws {
    var machine = try PreparedMachine()
    machine.times.attempts = 1
    machine.web["GET http://h/x"] = [.noConnection, .noConnection, .noConnection, .text("late")]
    #expect(try await machine.find("url:http://h/x").text == "late")
    machine.times.patience = .milliseconds(20)
    machine.web["GET http://h/y"] = [.noConnection]
    #expect(try await machine.reasons("url:http://h/y") == ["url:http://h/y: connection refused"])
    #expect(machine.web.asked("http://h/y") > 1)
  }

  @Test func `a server that hangs stops nobody for longer than patience and one request`() async throws {
    var machine = try PreparedMachine()
    machine.times.patience = .zero
    machine.times.requestGrace = .milliseconds(20)
    machine.web["GET http://h/x"] = [.hang]
    #expect(try await machine.reasons("url:http://h/x") == ["url:http://h/x: it does not answer in time"])
  }

  @Test func `the first of a list that is there wins`() async throws {
    let machine = try PreparedMachine()
    machine.web["GET http://h/x"] = [.noConnection]
    try machine.tree.tree(["f": "file"])
    #expect(try await machine.find("fw-cfg,url:http://h/x,file:/f").text == "file")
    #expect(try await machine.reasons("fw-cfg,file:/g").map { $0.prefix { $0 != ":" } } == ["fw-cfg", "file"])
    #expect(try await machine.reasons("none") == [])
    #expect(try await machine.reasons("auto") == [])
  }

  @Test func `what is too long is an error where it was named, and passed over where it was not`() async throws {
    let machine = try PreparedMachine()
    let entry = "sys/firmware/qemu_fw_cfg/by_name/opt/coracle/user-data/raw"
    try machine.tree.bytes(entry, [UInt8](repeating: 32, count: FoundUserData.userDataLimitBytes + 1))
    await #expect(throws: CloudInitError.self) { try await machine.find("fw-cfg") }
    #expect(try await machine.reasons("auto").first?.hasPrefix("fw-cfg: read ") == true)
    try machine.tree.bytes("etc/coracle/cloud-config.yaml", [UInt8](repeating: 32, count: 1 << 20 + 1))
    await #expect(throws: CloudInitError.self) { try await machine.find("auto") }
  }

  // MARK: EC2

  private static let base = "http://h/2009-04-04"

  private func ec2() throws -> PreparedMachine {
    let machine = try PreparedMachine()
    machine.web["PUT http://h/latest/api/token"] = [.text("TOKEN")]
    for (path, text) in [
      "user-data": "#cloud-config\n", "meta-data/": "hostname\n", "meta-data/hostname": "ip-10-0-0-4.internal other\n",
      "meta-data/local-ipv4": "10.0.0.4", "meta-data/public-ipv4": "203.0.113.4", "meta-data/public-keys": "0=a\n1=b",
      "meta-data/public-keys/0/openssh-key": "ssh-rsa A a\n", "meta-data/public-keys/1/openssh-key": "ssh-rsa B b\n",
    ] { machine.web["GET \(Self.base)/\(path)"] = [.text(text)] }
    return machine
  }

  @Test func `EC2 gives a token first, which every question carries`() async throws {
    let machine = try ec2()
    let found = try await machine.find("ec2:http://h")
    #expect(found.text == "#cloud-config\n" && found.metadata.hostname == "ip-10-0-0-4.internal")
    #expect(found.metadata.sshAuthorizedKeys == ["ssh-rsa A a", "ssh-rsa B b"])
    #expect(found.metadata.addresses.publicIPv4 == "203.0.113.4" && found.metadata.addresses.privateIPv4 == "10.0.0.4")
    let requests = machine.web.requests
    #expect(requests.first?.method == .put)
    #expect(requests.first?.headers == ["X-aws-ec2-metadata-token-ttl-seconds": "300"])
    #expect(requests.dropFirst().allSatisfy { $0.headers == ["X-aws-ec2-metadata-token": "TOKEN"] })
  }

  @Test(arguments: [404, 405, 501])
  func `a service that knows no tokens is asked without`(status: Int) async throws {
    let machine = try ec2()
    machine.web["PUT http://h/latest/api/token"] = [.status(status)]
    #expect(try await machine.find("ec2:http://h").text == "#cloud-config\n")
    #expect(machine.web.requests.dropFirst().allSatisfy { $0.headers.isEmpty })
  }

  @Test(arguments: [400, 401, 403])
  func `a service that refuses a token is not talked round`(status: Int) async throws {
    let machine = try ec2()
    machine.web["PUT http://h/latest/api/token"] = [.status(status)]
    #expect(try await machine.reasons("ec2:http://h") == ["ec2:http://h: http://h gives no token: the service is off"])
    #expect(machine.web.requests.count == 1)
  }

  @Test func `EC2 without user-data has metadata, and is waited for when it fails`() async throws {
    let machine = try ec2()
    machine.web["PUT http://h/latest/api/token"] = [.status(503), .noConnection, .text("T")]
    machine.web["GET \(Self.base)/user-data"] = [.status(404)]
    let found = try await machine.find("ec2:http://h")
    #expect(found.userData == nil && found.metadata.hostname == "ip-10-0-0-4.internal")
    machine.web["GET \(Self.base)/user-data"] = [.status(401)]
    #expect(try await machine.reasons("ec2:http://h") == ["ec2:http://h: \(Self.base)/user-data answers 401"])
  }
}
