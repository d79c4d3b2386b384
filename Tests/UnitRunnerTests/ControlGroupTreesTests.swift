// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

@Suite struct ControlGroupTreesTests {
  @Test func `the kernel's words are taken apart`() {
    let groups = """
      5:cpuacct,cpu:/a
      4:memory:/docker/123/b
      1:name=systemd:/
      0::/c
      """
    let mounts = """
      25 20 0:20 / / rw - ext4 /dev/sda rw
      30 25 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:5 - cgroup2 cgroup2 rw
      31 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
      32 25 0:28 /docker/123 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
      33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
      34 25 0:28 / /elsewhere rw - cgroup cgroup rw,memory
      """
    #expect(
      ControlGroupMount.all(groups: groups, mounts: mounts) == [
        ControlGroupMount(legacyControllers: nil, path: "/sys/fs/cgroup/unified", ownGroup: "/c"),
        ControlGroupMount(legacyControllers: ["name=systemd"], path: "/sys/fs/cgroup/systemd", ownGroup: ""),
        ControlGroupMount(legacyControllers: ["memory"], path: "/sys/fs/cgroup/memory", ownGroup: "/b"),
        ControlGroupMount(legacyControllers: ["cpuacct", "cpu"], path: "/sys/fs/cgroup/cpu,cpuacct", ownGroup: "/a"),
      ]
    )
  }

  /// A directory that looks like a group of version 2 with the controllers that groups below it may have.
  private func makeGroup(_ path: String, controllers: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (file, text) in [("cgroup.procs", ""), ("cgroup.subtree_control", controllers)] {
      try text.write(toFile: "\(path)/\(file)", atomically: true, encoding: .utf8)
    }
  }

  @Test func `version 2 is used below the chosen root, with a unit's limits in its group`() async throws {
    try await withTestDirectory { directory in
      let root = directory.path
      // A plain file keeps what stands behind the text that is written to it, the kernel's answers with all controllers.
      try makeGroup("\(root)/mine/coracle-t", controllers: "........ pids")
      let mount = ControlGroupMount(legacyControllers: nil, path: root, ownGroup: "/own")
      let trees = ControlGroupTrees(name: "t", mounts: [mount], root: "mine")
      #expect(trees.base == "\(root)/mine/coracle-t")
      #expect(trees.available == ["pids": .unified])
      var groups = UnitGroups(name: "t", trees: trees)
      let unit = "\(root)/mine/coracle-t/a.service"
      try makeGroup(unit, controllers: "")
      try "".write(toFile: "\(unit)/pids.max", atomically: true, encoding: .utf8)
      var control = ResourceControl()
      control.tasksMax = .amount(7)
      control.memoryMax = .amount(1)
      let entrances = groups.entrances(of: "a.service", control)
      #expect(entrances.paths == ["\(unit)/cgroup.procs"])
      #expect(fileText("\(unit)/pids.max") == "7")
      #expect(entrances.problems == ["MemoryMax= is not carried out: this machine has no memory controller to use"])
      groups.forgetAll()
    }
  }

  @Test func `a group that has processes, as a service's, hands no controller on`() async throws {
    try await withTestDirectory { directory in
      let root = directory.path
      try makeGroup("\(root)/own", controllers: "")
      for (file, text) in [("cgroup.type", "domain\n"), ("cgroup.procs", "1\n")] {
        try text.write(toFile: "\(root)/own/\(file)", atomically: true, encoding: .utf8)
      }
      try makeGroup("\(root)/own/coracle-t", controllers: "")
      try makeGroup("\(root)/coracle-t", controllers: "........ pids")
      let mount = ControlGroupMount(legacyControllers: nil, path: root, ownGroup: "/own")
      let trees = ControlGroupTrees(name: "t", mounts: [mount], root: nil)
      #expect(trees.base == "\(root)/coracle-t")
      #expect(trees.available == ["pids": .unified])
      #expect(fileText("\(root)/own/cgroup.subtree_control") == "")
    }
  }

  @Test func `a limit that the kernel refuses is named with its file`() async throws {
    try await withTestDirectory { directory in
      let root = directory.path
      try makeGroup("\(root)/coracle-t", controllers: "")
      let mount = ControlGroupMount(legacyControllers: ["pids"], path: root, ownGroup: "")
      let groups = UnitGroups(name: "t", trees: ControlGroupTrees(name: "t", mounts: [mount], root: nil))
      var control = ResourceControl()
      control.tasksMax = .amount(7)
      #expect(
        groups.entrances(of: "a.service", control).problems == [
          "TasksMax= is not carried out: cannot write \(root)/coracle-t/a.service/pids.max: No such file or directory"
        ]
      )
    }
  }

  @Test func `the unit-host understands what the node tells it`() {
    let arguments = UnitHost.Arguments(["--state-dir", "/d", "--cgroup-root", "/g", "--no-cgroups"])
    #expect(arguments?.stateDirectory == "/d")
    #expect(arguments?.controlGroupRoot == "/g")
    #expect(arguments?.usesControlGroups == false)
    #expect(UnitHost.Arguments(["--state-dir"]) == nil)
    #expect(UnitHost.Arguments(["--cgroup-root", "/g"]) == nil)
    #expect(UnitHost.Arguments(["--state-dir", "/d", "more"]) == nil)
  }
}
