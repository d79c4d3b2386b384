// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import Testing

@Suite struct UnitPlanningTests {
  private typealias DropIn = LocalUnitPlan.DropIn

  private func titles(_ steps: [SystemStep]) -> [String] { steps.filter(\.isChange).map(\.title) }

  private func links(_ steps: [SystemStep]) -> [String] {
    steps.flatMap(\.actions).compactMap {
      if case .makeLink(let path, let target, _) = $0 { "\(path) -> \(target)" } else { nil }
    }
  }

  @Test func `units that the node runs need no step`() {
    let unit = LocalUnitPlan(name: "a.service", content: "[Service]\n", command: .start, isEnabled: true)
    #expect(MemoryComputer.usual.steps(BootPlan(localUnits: [unit])).isEmpty)
  }

  @Test func `without systemd the key is named, and all else goes on`() {
    var computer = MemoryComputer.usual
    computer.hasSystemd = false
    let plan = BootPlan(
      localUnits: [LocalUnitPlan(name: "a.service", content: ""), LocalUnitPlan(name: "b.service", content: "")],
      localUnitsCarrier: .systemd,
      system: SystemPlan(files: [SystemPlan.File(path: "/a", content: [])])
    )
    let steps = computer.steps(plan)
    #expect(steps.count == 2 && steps[0].outcome == "change")
    #expect(steps[1].title == "give a.service, b.service to systemd")
    #expect(steps[1].outcome.hasPrefix("refuse: coracle.local-units is systemd"))
  }

  @Test func `networks come first, systemd reads its units once, commands are last and in their order`() {
    let steps = MemoryComputer.usual.steps(
      systemd:
        LocalUnitPlan(name: "z.service", content: "[Service]\n", command: .restart, isRuntime: true),
      LocalUnitPlan(name: "a.service", command: .start, dropIns: [DropIn(name: "10-x.conf", content: "[Service]\n")]),
      LocalUnitPlan(name: "x.netdev", content: "[NetDev]\n", command: .start, isEnabled: true),
      LocalUnitPlan(name: "b.service", command: .reloadOrTryRestart)
    )
    #expect(
      steps.flatMap(\.actions).map { action in
        switch action {
        case .writeFile(let file): file.path
        case .systemctl(let words): words.joined(separator: " ")
        default: "\(action)"
        }
      } == [
        "/etc/systemd/network/x.netdev", "/run/systemd/system/z.service",
        "/etc/systemd/system/a.service.d/10-x.conf", "daemon-reload", "restart systemd-networkd.service",
        "restart z.service", "start a.service", "try-reload-or-restart b.service",
      ]
    )
    #expect(steps.filter { $0.phase == .commands }.map(\.needs) == [[1], [2], []])
  }

  @Test func `networks are systemd's, also when the node runs all other units`() {
    let network = LocalUnitPlan(name: "x.network", content: "[Match]\n", isRuntime: true)
    var plan = BootPlan(localUnits: [LocalUnitPlan(name: "a.service", content: "[Service]\n", command: .start)])
    plan.system.networkUnits = [network]
    var computer = MemoryComputer.usual
    let steps = computer.steps(plan)
    #expect(
      titles(steps) == [
        "write /run/systemd/network/x.network, 8 bytes, 0644 root:root", "restart systemd-networkd.service",
      ]
    )
    #expect(titles(computer.after(steps).steps(plan)).isEmpty)
    computer.hasSystemd = false
    #expect(
      computer.steps(plan).map(\.outcome)
        == ["leave out: systemd, which is not process 1 here, has the daemon that reads them"]
    )
  }

  @Test func `a second time nothing is written, read or restarted, and what runs is not started`() {
    let units = [
      LocalUnitPlan(name: "x.network", content: "[Match]\n"),
      LocalUnitPlan(name: "a.service", content: "[Install]\nWantedBy=x.target\n", command: .start, isEnabled: true),
      LocalUnitPlan(name: "b.service", command: .stop), LocalUnitPlan(name: "c.service", isMasked: true),
    ]
    let plan = BootPlan(localUnits: units, localUnitsCarrier: .systemd)
    let computer = MemoryComputer.usual
    let first = computer.steps(plan)
    #expect(
      titles(first).suffix(3) == [
        "have systemd read its units again", "restart systemd-networkd.service", "start a.service",
      ]
    )
    #expect(titles(computer.after(first).steps(plan)).isEmpty)
  }

  @Test func `a masked unit is a link to nowhere, whatever was there`() {
    var computer = MemoryComputer.usual
    computer.put("/etc/systemd/system/a.service", "[Service]\n")
    let steps = computer.steps(
      systemd: LocalUnitPlan(name: "a.service", content: "[Service]\n", isEnabled: true, isMasked: true),
      LocalUnitPlan(name: "b.service", isMasked: true, isRuntime: true)
    )
    #expect(
      links(steps) == ["/etc/systemd/system/a.service -> /dev/null", "/run/systemd/system/b.service -> /dev/null"]
    )
  }

  @Test func `a runtime unit that is not masked any more is unmasked`() {
    var computer = MemoryComputer.usual
    computer.entries["/run/systemd/system/a.service"] = .link(target: "/dev/null")
    computer.entries["/etc/systemd/system/a.service"] = .link(target: "/dev/null")
    let runtime = computer.steps(systemd: LocalUnitPlan(name: "a.service", isRuntime: true))
    #expect(runtime.flatMap(\.actions).first == .removeFile(path: "/run/systemd/system/a.service"))
    #expect(titles(computer.steps(systemd: LocalUnitPlan(name: "a.service"))).isEmpty)
  }

  @Test func `enabling makes the links that Install asks for`() {
    var computer = MemoryComputer.usual
    computer.put("/usr/lib/systemd/system/sshd.socket", "[Install]\nWantedBy=sockets.target\n")
    computer.put("/usr/lib/systemd/system/w@.service", "[Install]\nDefaultInstance=one\nWantedBy=%p-%i.target\n")
    let text = """
      [Install]
      WantedBy=multi-user.target other.target
      RequiredBy=r.target
      Alias=b.service ../../x.service
      Also=sshd.socket a.service
      """
    let enabled = computer.steps(
      systemd: LocalUnitPlan(name: "a.service", content: text, isEnabled: true),
      LocalUnitPlan(name: "w@.service", isEnabled: true),
      LocalUnitPlan(name: "w@two.service", isEnabled: true),
      LocalUnitPlan(name: "run.service", content: "[Install]\nWantedBy=x.target\n", isEnabled: true, isRuntime: true)
    )
    let system = "/etc/systemd/system"
    #expect(
      links(enabled) == [
        "\(system)/b.service -> \(system)/a.service",
        "\(system)/multi-user.target.wants/a.service -> \(system)/a.service",
        "\(system)/other.target.wants/a.service -> \(system)/a.service",
        "\(system)/r.target.requires/a.service -> \(system)/a.service",
        "\(system)/sockets.target.wants/sshd.socket -> /usr/lib/systemd/system/sshd.socket",
        "\(system)/w-one.target.wants/w@one.service -> /usr/lib/systemd/system/w@.service",
        "\(system)/w-two.target.wants/w@two.service -> /usr/lib/systemd/system/w@.service",
        "/run/systemd/system/x.target.wants/run.service -> /run/systemd/system/run.service",
      ]
    )
  }

  @Test func `a unit that cannot be enabled is named, and so is why`() {
    let steps = MemoryComputer.usual.steps(
      systemd: LocalUnitPlan(name: "none.service", command: .start, isEnabled: true),
      LocalUnitPlan(name: "plain.service", content: "[Service]\n", isEnabled: true),
      LocalUnitPlan(name: "../x.service", content: "")
    )
    #expect(steps.map(\.outcome).contains("refuse: there is no unit file none.service"))
    #expect(steps.map(\.outcome).contains { $0.hasPrefix("leave out: /etc/systemd/system/plain.service does not say") })
    #expect(steps.map(\.outcome).contains { $0.hasPrefix("refuse: \"../x.service\"") })
    #expect(steps.last?.title == "start none.service" && steps.last?.isChange == false)
  }

  @Test func `settings of locksmith and the update engine are told to those that are there`() {
    var computer = MemoryComputer.usual
    let system = SystemPlan(
      update: [
        SystemPlan.Variable(name: "GROUP", value: "alpha"), SystemPlan.Variable(name: "REBOOT_STRATEGY", value: "off"),
      ]
    )
    let plan = BootPlan(localUnitsCarrier: .systemd, system: system)
    #expect(titles(computer.steps(plan)) == ["set GROUP, REBOOT_STRATEGY in /etc/coreos/update.conf"])
    computer.put("/usr/lib/systemd/system/locksmithd.service", "[Service]\n")
    computer.put("/usr/lib/systemd/system/update-engine.service", "[Service]\n")
    let steps = computer.steps(plan)
    #expect(
      titles(steps).dropFirst() == [
        "mask locksmithd.service: link /run/systemd/system/locksmithd.service to /dev/null",
        "have systemd read its units again", "stop locksmithd.service", "restart update-engine.service",
      ]
    )
    #expect(titles(computer.after(steps).steps(plan)).isEmpty)
  }
}
