// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Testing

@testable import CloudInit

/// Every datasource on a prepared tree and servers that are written down.
@Suite struct DatasourceSearchTests {
  private let document = "#cloud-config\n"

  // MARK: The machine itself

  @Test func `the first usual file that is there is read, before anything else`() async throws {
    let machine = try PreparedMachine()
    try machine.tree.tree([
      "var/lib/coreos-install/user_data": "install", "etc/coracle/cloud-config.yml": "yml",
      "sys/firmware/qemu_fw_cfg/by_name/opt/coracle/user-data/raw": "firmware",
    ])
    let found = try await machine.find("auto")
    #expect(found.userData == UserData(name: "/etc/coracle/cloud-config.yml", bytes: Array("yml".utf8)))
    #expect(found.source == .usualFiles)
  }

  @Test func `an entry of the firmware is read, and JSON for Ignition left alone`() async throws {
    let folder = "sys/firmware/qemu_fw_cfg/by_name"
    let machine = try PreparedMachine()
    #expect(try await machine.reasons("fw-cfg").first?.contains("is the module qemu_fw_cfg loaded?") == true)
    try machine.tree.tree([
      "\(folder)/opt/com.coreos/config/raw": " {\"ignition\": {}}",
      "\(folder)/opt/org.flatcar-linux/config/raw": document,
    ])
    var found = try await machine.find("auto")
    #expect(found.text == document && found.userData?.name == "fw_cfg:opt/org.flatcar-linux/config")
    try machine.tree.tree(["\(folder)/opt/coracle/user-data/raw": "{}"])
    found = try await machine.find("fw-cfg")
    #expect(found.text == "{}" && found.source == .firmwareConfiguration)
  }

  @Test func `the firmware and the command line may name a URL`() async throws {
    let machine = try PreparedMachine()
    machine.web["GET http://h/c"] = [.text(document)]
    try machine.tree.tree(["proc/cmdline": "ro cloud-config-url=http://h/c\n"])
    #expect(try await machine.find("auto").userData == UserData(name: "http://h/c", bytes: Array(document.utf8)))
    #expect(try await machine.find("kernel-cmdline").source == .kernelCommandLine)
    machine.web["GET http://h/s"] = [.text("smbios")]
    try machine.tree.bytes(
      "sys/firmware/dmi/entries/11-0/raw",
      [11, 5, 0, 0, 1] + Array("coracle.user-data-url=http://h/s\0\0".utf8)
    )
    #expect(try await machine.find("auto").text == "smbios")
    #expect(try await machine.find("smbios").source == .smbios)
    try machine.tree.tree(["proc/cmdline": "cloud-config-url=ftp://h/c\n"])
    await #expect(throws: CloudInitError.self) { try await machine.find("kernel-cmdline") }
  }

  // MARK: Drives

  @Test func `a config drive in a directory`() async throws {
    let machine = try PreparedMachine()
    #expect(
      try await machine.reasons("configdrive:/media/x") == ["configdrive:/media/x: there is no directory /media/x"]
    )
    try machine.tree.tree([
      "media/x/openstack/latest/meta_data.json":
        #"{"hostname": "h", "network_config": {"content_path": "/content/0"}}"#,
      "media/x/openstack/content/0": "address 10.0.0.9\n",
    ])
    var found = try await machine.find("configdrive:/media/x")
    #expect(found.userData == nil)
    #expect(found.metadata == MachineMetadata(hostname: "h", addresses: AddressTokens(privateIPv4: "10.0.0.9")))
    try machine.tree.tree(["media/x/openstack/latest/user_data": document])
    found = try await machine.find("configdrive:/media/x")
    #expect(found.userData?.name == "/media/x/openstack/latest/user_data" && found.text == document)
    try machine.tree.tree(["media/x/openstack/latest/meta_data.json": "{"])
    await #expect {
      try await machine.find("configdrive:/media/x")
    } throws: {
      "\($0)".contains("/media/x/openstack/latest/meta_data.json cannot be understood: ")
    }
  }

  @Test func `a seed in a directory, behind a URL, and as the serial number says`() async throws {
    let machine = try PreparedMachine()
    try machine.tree.tree(["seed/user-data": document, "seed/meta-data": "local-hostname: a\n"])
    #expect(try await machine.find("nocloud:/seed").metadata.hostname == "a")
    machine.web["GET http://h/s/user-data"] = [.text("web")]
    machine.web["GET http://h/s/meta-data"] = [.text("local-hostname: b\n")]
    #expect(try await machine.find("nocloud:http://h/s").metadata.hostname == "b")
    try machine.tree.tree(["sys/class/dmi/id/product_serial": "ds=nocloud;s=http://h/s/;h=c\n"])
    let found = try await machine.find("auto")
    #expect(found.text == "web" && found.metadata.hostname == "c" && found.source == .noCloud(seed: nil))
    try machine.tree.tree(["proc/cmdline": "ds=nocloud;s=/seed/"])
    #expect(try await machine.find("nocloud").userData?.name == "/seed/user-data")
  }

  // MARK: Services

  @Test func `DigitalOcean and OpenStack`() async throws {
    let machine = try PreparedMachine()
    machine.web["GET http://h/metadata/v1.json"] = [.text(#"{"hostname": "d"}"#)]
    machine.web["GET http://h/metadata/v1/user-data"] = [.text(document)]
    var found = try await machine.find("digitalocean:http://h")
    #expect(found.text == document && found.metadata.hostname == "d")
    machine.web["GET http://h/metadata/v1/user-data"] = [.text("")]
    #expect(try await machine.find("digitalocean:http://h/").userData == nil)
    machine.web["GET http://169.254.169.254/openstack/latest/meta_data.json"] = [.text(#"{"hostname": "o"}"#)]
    machine.web["GET http://169.254.169.254/openstack/latest/user_data"] = [.text(document)]
    try machine.tree.tree(["sys/class/dmi/id/product_name": "OpenStack Nova\n"])
    found = try await machine.find("auto")
    #expect(found.text == document && found.metadata.hostname == "o" && found.source == .openStack(base: nil))
  }

  @Test func `Google Compute Engine`() async throws {
    let machine = try PreparedMachine()
    let base = "http://h/computeMetadata/v1"
    for (path, text) in [
      "instance/hostname": "g.c.project.internal\n", "instance/attributes/user-data": document,
      "instance/attributes/ssh-keys": "core:ssh-rsa A", "project/attributes/ssh-keys": "core:ssh-rsa B",
      "instance/network-interfaces/0/ip": "10.128.0.2",
      "instance/network-interfaces/0/access-configs/0/external-ip": "203.0.113.2",
    ] { machine.web["GET \(base)/\(path)"] = [.text(text)] }
    let found = try await machine.find("gce:http://h")
    #expect(found.text == document && found.metadata.hostname == "g.c.project.internal")
    #expect(found.metadata.sshAuthorizedKeys == ["ssh-rsa A", "ssh-rsa B"])
    #expect(found.metadata.addresses == AddressTokens(publicIPv4: "203.0.113.2", privateIPv4: "10.128.0.2"))
    #expect(machine.web.requests.allSatisfy { $0.headers == ["Metadata-Flavor": "Google"] })
    machine.web["GET \(base)/instance/attributes/block-project-ssh-keys"] = [.text("TRUE")]
    #expect(try await machine.find("gce:http://h").metadata.sshAuthorizedKeys == ["ssh-rsa A"])
  }

  // MARK: VMware

  private func guestinfo(_ values: [String: String], program: String = "vmtoolsd") -> ProgramPort {
    { arguments in
      guard arguments[0] == program else { return nil }
      if arguments == ["vmtoolsd", "--version"] || arguments == ["vmware-rpctool", "machine.id.get"] { return [] }
      guard let key = arguments.last?.split(separator: " ").last, key.hasPrefix("guestinfo.") else { return nil }
      return values[String(key.dropFirst("guestinfo.".count))].map { Array("\($0)\n".utf8) }
    }
  }

  @Test(arguments: ["vmtoolsd", "vmware-rpctool"])
  func `VMware's guestinfo`(program: String) async throws {
    var machine = try PreparedMachine()
    #expect(try await machine.reasons("vmware").first?.contains("neither vmtoolsd nor vmware-rpctool") == true)
    machine.programs = guestinfo(
      [
        "coreos.config.data": "I2Nsb3VkLWNvbmZpZwo=", "coreos.config.data.encoding": "base64", "hostname": "v",
        "interface.0.role": "private", "interface.0.ip.0.address": "10.0.0.3/24", "interface.1.role": "public",
        "interface.1.ip.0.address": "192.168.9.9",
      ],
      program: program
    )
    var found = try await machine.find("vmware")
    #expect(found.text == document && found.metadata.hostname == "v")
    #expect(found.metadata.addresses == AddressTokens(publicIPv4: "192.168.9.9", privateIPv4: "10.0.0.3"))
    machine.programs = guestinfo(["coreos.config.url": "http://h/v"], program: program)
    machine.web["GET http://h/v"] = [.text("url")]
    #expect(try await machine.find("vmware").text == "url")
    machine.programs = guestinfo(
      ["userdata": "text", "metadata": "bG9jYWwtaG9zdG5hbWU6IG0K", "metadata.encoding": "b64"],
      program: program
    )
    found = try await machine.find("vmware")
    #expect(found.text == "text" && found.metadata.hostname == "m")
    machine.programs = guestinfo(["userdata": "!!", "userdata.encoding": "base64"], program: program)
    await #expect(throws: CloudInitError.self) { try await machine.find("vmware") }
    machine.programs = guestinfo(["userdata": "x", "userdata.encoding": "rot13"], program: program)
    await #expect(throws: CloudInitError.self) { try await machine.find("vmware") }
  }

  @Test func `a program's output is read within limits`() async {
    #expect(await ShortProgram.output(["echo", "x"]) == Array("x\n".utf8))
    #expect(await ShortProgram.output(["sh", "-c", "echo x; exit 1"]) == nil)
    #expect(await ShortProgram.output(["no-such-program-here"]) == nil)
    #expect(await ShortProgram.output(["head", "-c", "2000000", "/dev/zero"]) == nil)
  }
}
