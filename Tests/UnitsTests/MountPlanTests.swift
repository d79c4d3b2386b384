// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct MountPlanTests {
  /// A step in a few characters: its kind, where from, where to, `ro` and `-` for one that may be missing.
  private func lines(_ text: String, writable: [String] = []) throws -> [String] {
    let reading = ServiceReading(
      try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n\(text)"),
      name: try UnitName("a.service")
    )
    #expect(reading.findings.isEmpty, "\(reading.findings)")
    let plan = MountPlan(
      reading.definition.execution.sandbox,
      writable: writable,
      privateTmp: "/private",
      closedFile: "/closed"
    )
    return plan.steps.map { step in
      let source = step.kind == .inaccessible || step.source.isEmpty ? "" : "\(step.source)>"
      return "\(step.kind) \(source)\(step.target)\(step.isReadOnly ? " ro" : "")\(step.isOptional ? " -" : "")"
    }
  }

  @Test(arguments: [
    ("PrivateTmp=yes", ["bind /private/tmp>/tmp", "bind /private/var-tmp>/var/tmp"]),
    ("ProtectSystem=yes", ["readOnly /boot ro -", "readOnly /efi ro -", "readOnly /usr ro -"]),
    ("ProtectSystem=full", ["readOnly /boot ro -", "readOnly /efi ro -", "readOnly /etc ro -", "readOnly /usr ro -"]),
    (
      "ProtectSystem=strict\nReadWritePaths=/srv -/data",
      [
        "readOnly / ro -", "readWrite /data -", "readWrite /dev -", "readWrite /proc -", "readWrite /srv",
        "readWrite /sys -",
      ]
    ),
    ("ProtectHome=yes", ["inaccessible /home ro -", "inaccessible /root ro -", "inaccessible /run/user ro -"]),
    ("ProtectHome=read-only", ["readOnly /home ro -", "readOnly /root ro -", "readOnly /run/user ro -"]),
    ("ProtectHome=tmpfs", ["memory /home ro -", "memory /root ro -", "memory /run/user ro -"]),
    ("ReadOnlyPaths=/a/b -/a", ["readOnly /a ro -", "readOnly /a/b ro"]),
    ("BindPaths=/a:/b /c:/d:norbind", ["bindTree /a>/b", "bind /c>/d"]),
    ("BindReadOnlyPaths=-/a", ["bindTree /a>/a ro -"]),
    (
      "TemporaryFileSystem=/var:ro,size=1M\nBindPaths=/var/lib/x",
      ["memory /var ro", "bindTree /var/lib/x>/var/lib/x"]
    ),
    (
      "PrivateDevices=yes\nProtectKernelLogs=yes",
      [
        "memory /dev ro", "link /proc/kcore>/dev/core", "link /proc/self/fd>/dev/fd", "bind /dev/full>/dev/full -",
        "bindTree /dev/hugepages>/dev/hugepages -", "inaccessible /dev/kmsg ro -",
        "bindTree /dev/mqueue>/dev/mqueue -", "bind /dev/null>/dev/null -", "link pts/ptmx>/dev/ptmx",
        "bindTree /dev/pts>/dev/pts -", "bind /dev/random>/dev/random -", "bindTree /dev/shm>/dev/shm -",
        "link /proc/self/fd/2>/dev/stderr", "link /proc/self/fd/0>/dev/stdin", "link /proc/self/fd/1>/dev/stdout",
        "bind /dev/tty>/dev/tty -", "bind /dev/urandom>/dev/urandom -", "bind /dev/zero>/dev/zero -",
        "inaccessible /proc/kmsg ro -",
      ]
    ),
    ("ProtectControlGroups=yes", ["readOnly /sys/fs/cgroup ro -"]),
    ("PrivateTmp=yes\nPrivateTmp=no", []),
    ("NoNewPrivileges=yes\nPrivateNetwork=yes", []),
  ])
  func `a sandbox is steps with parents first`(text: String, expected: [String]) throws {
    #expect(try lines(text) == expected)
  }

  @Test func `what is below an inaccessible path is left out`() throws {
    #expect(
      try lines("InaccessiblePaths=/a\nReadOnlyPaths=/a/b /ab\nReadWritePaths=/a/b/c") == [
        "inaccessible /a ro", "readOnly /ab ro",
      ]
    )
  }

  @Test func `of several steps for one path the strictest counts`() throws {
    #expect(try lines("ReadWritePaths=/a\nReadOnlyPaths=/a") == ["readOnly /a ro"])
    #expect(try lines("ReadOnlyPaths=/a\nInaccessiblePaths=/a") == ["inaccessible /a ro"])
  }

  @Test func `the unit's own directories stay writable in a strict system`() throws {
    #expect(
      try lines("ProtectSystem=strict", writable: ["/var/lib/x"]).contains("readWrite /var/lib/x -")
    )
  }

  @Test func `directives that need namespaces are known by name`() throws {
    let reading = ServiceReading(
      try UnitFile(
        parsing: "[Service]\nExecStart=/bin/true\nPrivateTmp=yes\nProtectSystem=full\nPrivateNetwork=yes"
      ),
      name: try UnitName("a.service")
    )
    let sandbox = reading.definition.execution.sandbox
    #expect(sandbox.namespaceDirectives == ["PrivateTmp", "PrivateNetwork", "ProtectSystem"])
    #expect(sandbox.canLackNamespaces)
    var binding = sandbox
    binding.binds = [Sandbox.Bind(source: "/a", target: "/b", isOptional: false, isReadOnly: false, isRecursive: true)]
    #expect(!binding.canLackNamespaces)
  }
}
