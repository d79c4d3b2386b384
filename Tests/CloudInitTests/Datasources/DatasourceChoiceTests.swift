// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CloudInit

@Suite struct DatasourceChoiceTests {
  @Test func `names are read as they are written`() throws {
    let text =
      "file:/a,files,url:http://h/x?a=b:c,configdrive,configdrive:/d,nocloud,nocloud:/s,nocloud:https://h/,fw-cfg,smbios,"
      + "kernel-cmdline,ec2,ec2:http://h:1,gce,digitalocean,openstack:http://h,vmware"
    guard case .listed(let sources) = try DatasourceChoice(parsing: text) else { return #expect(Bool(false)) }
    #expect(sources.count == 17)
    #expect(sources.map(\.text).joined(separator: ",") == text)
    #expect(sources[2] == .url("http://h/x?a=b:c"))
    #expect(sources[12] == .ec2(base: "http://h:1"))
    #expect(try DatasourceChoice(parsing: "auto") == .automatic)
    #expect(try DatasourceChoice(parsing: "none") == .listed([]))
  }

  @Test(arguments: [
    "", "ec3", "file", "file:", "url:/etc/x", "ec2:h", "smbios:x", "ec2,", "ec2, gce", "configdrive:http://h",
  ])
  func `what is none is named, with what could be written`(text: String) {
    #expect {
      try DatasourceChoice(parsing: text)
    } throws: {
      ($0 as? CloudInitError)?.message.contains("is no datasource; say auto, none, or a list of: file:PATH") == true
    }
  }

  // MARK: Hints

  private func candidates(_ hints: DatasourceHints) -> [String] {
    hints.candidates(DatasourceTimes()).map { "\($0.source.text) \($0.patience / .seconds(1))" }
  }

  private let local = [
    "files 0.0", "fw-cfg 0.0", "smbios 300.0", "kernel-cmdline 300.0", "nocloud 0.0", "configdrive 0.0",
  ]

  @Test(
    arguments: [
      (["sys_vendor": "LENOVO"], []), (["sys_vendor": "Amazon EC2"], ["ec2 300.0"]),
      (["sys_vendor": "Xen", "product_uuid": "EC2E1916-9099-7CAF-FD21-012345ABCDEF"], ["ec2 300.0"]),
      (["sys_vendor": "Xen", "product_uuid": "45E12AEC-DCD1-B213-94ED-012345ABCDEF"], ["ec2 300.0"]),
      (["sys_vendor": "LENOVO", "product_uuid": "EC2E1916-9099-7CAF-FD21-012345ABCDEF"], []),
      (["board_asset_tag": "i-0123456789abcdef0"], ["ec2 300.0"]),
      (["product_name": "Google Compute Engine", "sys_vendor": "Google"], ["gce 300.0"]),
      (["sys_vendor": "DigitalOcean"], ["digitalocean 300.0"]),
      (["product_name": "OpenStack Nova"], ["openstack 300.0"]),
      (["sys_vendor": "VMware, Inc."], ["vmware 300.0"]),
    ] as [([String: String], [String])]
  )
  func `a metadata service is asked only where the firmware hints at it`(firmware: [String: String], more: [String]) {
    #expect(candidates(DatasourceHints(firmware: firmware)) == local + more)
  }

  @Test func `disks that the command line promises are waited for`() {
    #expect(candidates(DatasourceHints(commandLine: "quiet coreos.configdrive=1")).last == "configdrive 60.0")
    #expect(candidates(DatasourceHints(commandLine: "ds=nocloud")).contains("nocloud 60.0"))
    #expect(
      candidates(DatasourceHints(firmware: ["product_serial": "ds=nocloud;s=http://h/"])).contains("nocloud 300.0")
    )
  }

  @Test func `a container believes nothing that its host's firmware says`() {
    let hints = DatasourceHints(firmware: ["sys_vendor": "Amazon EC2"], commandLine: "ds=nocloud", isContainer: true)
    #expect(candidates(hints) == ["files 0.0"])
  }

  @Test func `hints are read from the machine`() async throws {
    let tree = try TemporaryDirectory()
    try tree.tree(["sys/class/dmi/id/sys_vendor": "DigitalOcean\n", "proc/cmdline": "a b\n"])
    var hints = await DatasourceHints.read(MachineFiles(root: tree.path))
    #expect(hints.isDigitalOcean && hints.commandLine == "a b" && !hints.isContainer)
    try tree.tree([".dockerenv": ""])
    hints = await DatasourceHints.read(MachineFiles(root: tree.path))
    #expect(hints.isContainer)
  }

  // MARK: Words

  @Test func `the last URL of the command line counts, in either spelling and in quotes`() {
    func url(_ text: String) -> String? { KernelCommandLine(text).cloudConfigURL }
    #expect(url("ro cloud-config-url=http://a/ cloud_config_url=http://b/?x=y quiet") == "http://b/?x=y")
    #expect(url("cloud_config_url=http://b/ \"cloud-config-url=http://a/ b\"") == "http://a/ b")
    #expect(url("cloud-config-url=http://a/ cloud-config-url=") == "http://a/")
    #expect(url("xcloud-config-url=http://a/ cloud-config-url") == nil)
  }

  @Test func `the words of a seed`() {
    let seed = NoCloudSeed("ds=nocloud-net;s=http://h:8/x/;h=node-1;i=abc\n")
    #expect(seed?.location == "http://h:8/x/" && seed?.hostname == "node-1")
    #expect(NoCloudSeed("ds=nocloud;seedfrom=file:///srv/seed/;local-hostname=n")?.location == "/srv/seed/")
    #expect(NoCloudSeed("ds=nocloud")?.location == nil)
    #expect(NoCloudSeed("ds=ec2") == nil && NoCloudSeed("VMware-42 1d") == nil && NoCloudSeed("") == nil)
    #expect(KernelCommandLine("quiet ds=nocloud;h=a ds=nocloud;h=b").noCloudSeed?.hostname == "b")
  }

  @Test func `the strings of a firmware structure`() {
    let bytes: [UInt8] = [11, 5, 0, 0, 2] + Array("other\0coracle.user-data-url=http://h/ u\0\0rest".utf8)
    #expect(SMBIOSStrings(structure: bytes).texts == ["other", "coracle.user-data-url=http://h/ u"])
    #expect(SMBIOSStrings(structure: bytes).value(of: "coracle.user-data-url") == "http://h/ u")
    for length in 0..<bytes.count { _ = SMBIOSStrings(structure: Array(bytes.prefix(length))) }
    #expect(SMBIOSStrings(structure: [11, 200, 0, 0, 0]).texts.isEmpty)
    #expect(SMBIOSStrings(structure: [11, 0, 0, 0, 65]).texts.isEmpty)
  }
}
