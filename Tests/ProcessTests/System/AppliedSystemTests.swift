// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Cloud-configs that change a computer: one of the test's own.
@Suite(.serialized, .enabled(if: geteuid() == 0, "only root makes computers"))
struct AppliedSystemTests {
  private static let document = """
    #cloud-config
    hostname: core1
    manage_etc_hosts: localhost
    ssh_authorized_keys: [ssh-rsa AAAA core]
    users:
      - name: carl
        passwd: $6$abc
        groups: [sudo, docker]
        ssh_authorized_keys: [ssh-rsa BBBB carl]
    write_files:
      - path: /etc/motd
        content: hello
      - path: /srv/secret
        owner: carl:carl
        permissions: 0600
        content: for carl
    coreos:
      etcd2: {}
    """

  @Test func `a computer becomes what the cloud-config says, other programs agree, and once is enough`() async throws {
    let name = hostName()
    try await PrivateComputer.with { computer in
      try computer.give("user-data", Self.document)
      // As in a container, where this file can be written to and not replaced.
      let output = try await computer.run(
        """
        set -e
        touch /srv/mounted /etc/hosts; mount --bind /srv/mounted /etc/hosts
        coracle cloud-config plan /given/user-data > /srv/plan
        test ! -e /etc/motd
        coracle cloud-config apply /given/user-data > /srv/first
        echo "name $(uname -n) $(cat /etc/hostname)"
        echo "plan $(grep -c '^change ' /srv/plan) first $(tail -1 /srv/first)"
        echo "carl $(id carl)"; echo "core $(id -Gn core)"
        su carl -s /bin/sh -c 'cat /srv/secret; echo; cat ~/.profile; grep -c BBBB ~/.ssh/authorized_keys; stat -c %a ~/.ssh'
        stat -c '%n %a %U:%G' /etc/motd /srv/secret /home/core/.ssh/authorized_keys /etc/shadow
        cat /srv/mounted
        pwck -r > /dev/null; grpck -r > /dev/null
        useradd dora; echo "dora $(id -u dora)"
        coracle cloud-config apply /given/user-data
        coracle cloud-config plan /given/user-data | grep -c '^keep '
        """
      )
      #expect(output.status == 0, "\(output)")
      #expect(
        output.output == """
          name core1 core1
          plan 12 first 12 changes
          carl uid=1000(carl) gid=1000(carl) groups=1000(carl),27(sudo),999(docker)
          core core sudo docker
          for carl
          skeleton
          1
          700
          /etc/motd 644 root:root
          /srv/secret 600 carl:carl
          /home/core/.ssh/authorized_keys 600 core:core
          /etc/shadow 640 root:root
          127.0.0.1 localhost
          ::1 localhost
          127.0.0.1 core1
          dora 1002
          nothing to change
          7

          """,
        "\(output)"
      )
    }
    #expect(hostName() == name)
  }

  @Test func `what fails is named with the exit status, and the rest is there`() async throws {
    try await PrivateComputer.with { computer in
      try computer.give(
        "user-data",
        """
        #cloud-config
        write_files:
          - {path: /srv/small/big, content: \(String(repeating: "x", count: 40_000))}
          - {path: /sys/none/x, content: a}
          - {path: /srv/after, content: b}
        coreos:
          etcd2: {}
        """
      )
      let output = try await computer.run(
        """
        mkdir /srv/small; mount -t tmpfs -o size=16k small /srv/small; echo old > /srv/small/big
        coracle cloud-config apply /given/user-data; echo "status $?"
        cat /srv/small/big /srv/after; ls -A /srv/small
        setpriv --reuid 65534 --regid 65534 --clear-groups /given/coracle cloud-config apply /given/user-data; echo "status $?"
        """
      )
      #expect(
        output.output == """
          write /srv/after, 1 byte, 0644 root:root
          1 change
          status 1
          old
          bbig
          status 1

          """,
        "\(output)"
      )
      #expect(
        output.errors.contains(
          "failed: write /srv/small/big, 40000 bytes, 0644 root:root: write /srv/small/big: No space left"
        )
      )
      #expect(output.errors.contains("failed: write /sys/none/x, 1 byte"))
      #expect(output.errors.contains("changing this computer needs root"))
    }
  }

  @Test func `a node changes the computer before its services start, and goes on when a part of it fails`() async throws
  {
    try await PrivateComputer.with { computer in
      try computer.give(
        "user-data",
        """
        #cloud-config
        hostname: core7
        write_files:
          - {path: /sys/none/x, content: a}
          - {path: /etc/app.env, content: WORD=carried}
        coreos:
          etcd2: {name: '%H'}
          units:
            - name: app.service
              command: start
              content: |
                [Service]
                Type=oneshot
                EnvironmentFile=/etc/app.env
                ExecStart=/bin/sh -c 'echo $WORD > /srv/out'
        """
      )
      let output = try await computer.run(
        """
        run_node() {
          /given/coracle node "$@" --cloud-config /given/user-data --public-ip 192.0.2.1 --private-ip 192.0.2.1 2> /srv/log &
          node=$!
          tries=0
          until coracle kv set /key value > /dev/null 2>&1 && test -e /srv/out; do
            tries=$((tries + 1)); test $tries -lt 200 || { cat /srv/log >&2; exit 9; }
            sleep 0.1
          done
        }
        stop_node() { kill -TERM $node; wait $node; echo "status $?"; }
        touch /srv/out
        run_node
        echo "without the flag: $(uname -n)"; test -e /etc/app.env || echo "no file"
        stop_node
        rm -rf /srv/out /var/lib/coracle
        run_node --apply-system
        echo "$(cat /srv/out) $(uname -n) $(coracle cluster members list | grep -c core7)"
        grep -c 'computer changed' /srv/log
        grep -o 'computer not changed.*' /srv/log
        grep -c 'carried out in part' /srv/log
        stop_node
        """
      )
      #expect(
        output.output.hasPrefix("without the flag: original\nno file\nstatus 0\ncarried core7 1\n4\n"),
        "\(output)"
      )
      #expect(output.output.contains("write /sys/none/x"), "\(output)")
      #expect(output.output.hasSuffix("\n1\nstatus 0\n"), "\(output)")
    }
  }

  private func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, buffer.count - 1)
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
