// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Foundation
import TestKit
import Testing

@testable import CloudInit

/// Labels of volumes, and real images made by the tools that people use.
@Suite(.serialized) struct VolumeTests {
  @Test func `labels are read where each kind of volume has them`() {
    var disc = [UInt8](repeating: 0, count: VolumeLabel.headBytes)
    disc.replaceSubrange(32_768..<32_774, with: [1] + Array("CD001".utf8))
    disc.replaceSubrange(32_808..<32_840, with: Array("config-2".utf8) + [UInt8](repeating: 32, count: 24))
    #expect(VolumeLabel(head: disc) == VolumeLabel(fileSystem: "iso9660", text: "config-2"))
    for (offset, type, label) in [(54, "FAT12   ", 43), (54, "FAT16   ", 43), (82, "FAT32   ", 71)] {
      var disk = [UInt8](repeating: 0, count: 512)
      disk[510] = 0x55
      disk[511] = 0xaa
      disk.replaceSubrange(offset..<(offset + 8), with: Array(type.utf8))
      disk.replaceSubrange(label..<(label + 11), with: Array("CIDATA     ".utf8))
      #expect(VolumeLabel(head: disk) == VolumeLabel(fileSystem: "vfat", text: "CIDATA"))
      #expect(VolumeLabel(head: Array(disk.prefix(511))) == nil)
    }
    #expect(VolumeLabel(head: []) == nil)
    #expect(VolumeLabel(head: [UInt8](repeating: 0xff, count: VolumeLabel.headBytes)) == nil)
  }

  /// A machine with a disk whose image is a plain file: it is found, and cannot be mounted.
  @Test func `disks without medium and other people's disks are passed over`() async throws {
    let tree = try TemporaryDirectory()
    try tree.tree(["seed/user-data": "#cloud-config\n", "seed/meta-data": ""])
    let image = try await Self.disc(of: "seed", label: "cidata", in: tree)
    for name in ["loop3", "sr0", "vda", "vdb"] {
      try tree.tree(["sys/class/block/\(name)/size": name == "sr0" ? "0\n" : "8\n", "dev/\(name)": ""])
    }
    func put(_ name: String) throws {
      try FileManager.default.removeItem(atPath: "\(tree.path)/dev/\(name)")
      try FileManager.default.copyItem(atPath: image, toPath: "\(tree.path)/dev/\(name)")
    }
    let files = MachineFiles(root: tree.path)
    for name in ["loop3", "sr0"] {
      try put(name)
      #expect(await LabelledVolume.find(["cidata"], in: files) == nil, "\(name)")
    }
    try put("vdb")
    #expect(await LabelledVolume.find(["cidata"], in: files)?.device == "/dev/vdb")
    #expect(await LabelledVolume.find(["config-2"], in: files) == nil)
    try tree.tree(["dev/disk/by-label/config-2": ""])
    #expect(await LabelledVolume.find(["config-2"], in: files) == nil)
  }

  enum Kind: String, CaseIterable {
    case iso9660
    case vfat
    case ext4

    /// Whether the kernel that runs here knows it.
    var isMountable: Bool {
      (try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8))?.contains("\t\(rawValue)\n") == true
    }
  }

  @Test(.enabled(if: LoopDevice.canBeMade), arguments: Kind.allCases)
  func `a real config drive is found, mounted, read, and let go`(kind: Kind) async throws {
    let tree = try TemporaryDirectory()
    try tree.tree([
      "drive/openstack/latest/user_data": "#cloud-config\n",
      "drive/openstack/latest/meta_data.json": #"{"hostname": "h"}"#,
    ])
    let label = kind == .vfat ? "CONFIG-2" : "config-2"
    try await LoopDevice.with(try await Self.image(of: "drive", kind, label: label, in: tree)) { device in
      try tree.disk(device, name: "vdc")
      let machine = try PreparedMachine(tree: tree)
      guard kind.isMountable else {
        #expect(try await machine.reasons("auto") == ["configdrive: mount /dev/vdc (label \(label)): No such device"])
        return
      }
      let found = try await machine.find("auto")
      #expect(found.text == "#cloud-config\n" && found.metadata.hostname == "h")
      #expect(found.source == .configDrive(directory: nil))
      #expect(found.userData?.name == "/dev/vdc (\(label)):/openstack/latest/user_data")
      #expect(try !String(contentsOfFile: "/proc/self/mounts", encoding: .utf8).contains(device))
      // Somebody else's mount is used.
      try tree.tree(["mnt/x": ""])
      try await succeed(["mount", "-o", "ro", device, "\(tree.path)/mnt"])
      let again = try? await machine.find("configdrive")
      try await succeed(["umount", "\(tree.path)/mnt"])
      #expect(again?.text == "#cloud-config\n")
    }
  }

  @Test(.enabled(if: LoopDevice.canBeMade), arguments: Kind.allCases)
  func `a real seed on a disk that udev has named`(kind: Kind) async throws {
    let tree = try TemporaryDirectory()
    try tree.tree(["seed/user-data": "#cloud-config\n", "seed/meta-data": "local-hostname: disk\n"])
    let label = kind == .vfat ? "CIDATA" : "cidata"
    try await LoopDevice.with(try await Self.image(of: "seed", kind, label: label, in: tree)) { device in
      try tree.tree(["dev/disk/by-label/x": ""])
      let link = "\(tree.path)/dev/disk/by-label/\(label)"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: device)
      let volume = try #require(await LabelledVolume.find(["cidata", "CIDATA"], in: MachineFiles(root: tree.path)))
      #expect(volume.label == label && volume.device == "/dev/disk/by-label/\(label)")
      guard kind.isMountable else { return }
      let found = try await PreparedMachine(tree: tree).find("nocloud")
      #expect(found.text == "#cloud-config\n" && found.metadata.hostname == "disk")
    }
  }

  private static func image(
    of folder: String,
    _ kind: Kind,
    label: String,
    in tree: TemporaryDirectory
  ) async throws -> String {
    if kind == .iso9660 { return try await disc(of: folder, label: label, in: tree) }
    let image = "\(tree.path)/\(folder).img"
    try await succeed(["truncate", "-s", "1M", image])
    if kind == .ext4 {
      try await succeed(["mke2fs", "-q", "-t", "ext4", "-L", label, "-d", "\(tree.path)/\(folder)", image])
    } else {
      try await succeed(["mkfs.vfat", "-n", label, image])
      let names = try tree.names(below: folder).map { "\(tree.path)/\(folder)/\($0)" }
      try await succeed(["mcopy", "-s", "-i", image] + names + ["::"])
    }
    return image
  }

  private static func disc(of folder: String, label: String, in tree: TemporaryDirectory) async throws -> String {
    let image = "\(tree.path)/\(folder).iso"
    try await succeed(["genisoimage", "-quiet", "-R", "-J", "-V", label, "-o", image, "\(tree.path)/\(folder)"])
    return image
  }
}

/// An image as a block device.
enum LoopDevice {
  static var canBeMade: Bool { geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK) == 0 }

  static func with(_ image: String, _ body: (String) async throws -> Void) async throws {
    let device = try await succeed(["losetup", "--find", "--show", "--read-only", image])
      .trimmingCharacters(in: .whitespacesAndNewlines)
    do {
      try await body(device)
    } catch {
      try await succeed(["losetup", "--detach", device])
      throw error
    }
    try await succeed(["losetup", "--detach", device])
  }
}

extension TemporaryDirectory {
  /// Writes files by their paths, with the folders above them.
  func tree(_ files: [String: String]) throws {
    for (name, text) in files { try bytes(name, Array(text.utf8)) }
  }

  func bytes(_ name: String, _ bytes: [UInt8]) throws {
    let file = "\(path)/\(name)"
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
  }

  /// Puts a disk into the tree.
  func disk(_ device: String, name: String) throws {
    try tree(["sys/class/block/\(name)/size": "8\n", "dev/x": ""])
    try FileManager.default.createSymbolicLink(atPath: "\(path)/dev/\(name)", withDestinationPath: device)
  }
}
