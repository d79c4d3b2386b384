// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestKit
import Testing

/// What is left to others on a computer of the test's own: units to systemd, of which only its program stands there and
/// writes down what it is asked, and scripts to their interpreters.
@Suite(.serialized, .enabled(if: geteuid() == 0, "only root makes computers"))
struct HandedOverTests {
  @Test func `units go to systemd where it runs, and an error names the key where it does not`() async throws {
    try await PrivateComputer.with { computer in
      try computer.give(
        "user-data",
        """
        #cloud-config
        coracle: {local-units: systemd}
        coreos:
          units:
            - name: web.service
              enable: true
              command: start
              content: |
                [Service]
                ExecStart=/bin/true
                [Install]
                WantedBy=multi-user.target
              drop-ins:
                - {name: 10-nice.conf, content: "[Service]\\nNice=1\\n"}
            - {name: bad.service, command: restart}
            - {name: old.service, mask: true}
            - {name: 10-eth.network, content: "[Match]\\nName=eth9\\n"}
        """
      )
      let output = try await computer.run(
        """
        mkdir -p /srv/bin
        cat > /srv/bin/systemctl <<'END'
        #!/bin/sh
        shift 2
        echo "$*" >> /srv/calls
        case "$*" in is-active*) test -e /srv/active ;; *bad.service) echo "no such unit"; exit 5 ;; esac
        END
        chmod +x /srv/bin/systemctl; export PATH=/srv/bin:$PATH
        apply() { coracle cloud-config apply /given/user-data --public-ip 192.0.2.1 --private-ip 192.0.2.1 "$@"; }
        apply > /dev/null; echo "status $?"; find /etc/systemd /run/systemd /srv/calls 2> /dev/null
        mkdir -p /run/systemd/system
        apply; echo "status $?"; cat /srv/calls; rm /srv/calls
        cd /etc/systemd; find . ! -type d | sort; readlink system/old.service system/multi-user.target.wants/web.service
        touch /srv/active; apply > /dev/null 2>&1; grep -v is-active /srv/calls
        """
      )
      #expect(
        output.output == """
          status 1
          write /etc/systemd/network/10-eth.network, 18 bytes, 0644 root:root
          write /etc/systemd/system/web.service, 67 bytes, 0644 root:root
          write /etc/systemd/system/web.service.d/10-nice.conf, 17 bytes, 0644 root:root
          enable web.service: link /etc/systemd/system/multi-user.target.wants/web.service to /etc/systemd/system/web.service
          mask old.service: link /etc/systemd/system/old.service to /dev/null
          have systemd read its units again
          restart systemd-networkd.service
          start web.service
          systemctl restart bad.service: no such unit
          8 changes
          status 1
          is-active --quiet web.service
          daemon-reload
          restart systemd-networkd.service
          start web.service
          restart bad.service
          ./network/10-eth.network
          ./system/multi-user.target.wants/web.service
          ./system/old.service
          ./system/web.service
          ./system/web.service.d/10-nice.conf
          /dev/null
          /etc/systemd/system/web.service
          restart bad.service

          """,
        "\(output)"
      )
      #expect(output.errors.contains("coracle.local-units is systemd, which is not process 1 here"))
      #expect(
        output.errors.contains("failed: restart bad.service: systemctl restart bad.service: it ended with status 5")
      )
    }
  }

  @Test func `a node's script may wait for the store, and ends with the node`() async throws {
    try await PrivateComputer.with { computer in
      try computer.give(
        "user-data",
        """
        #!/bin/sh
        echo "script of $(id -un) in $(pwd) at $COREOS_PUBLIC_IPV4"
        until /given/coracle kv set /from script > /dev/null 2>&1; do sleep 0.1; done
        echo $$ > /srv/process
        exec sleep 1000
        """
      )
      let output = try await computer.run(
        """
        /given/coracle node --apply-system --cloud-config /given/user-data --public-ip 192.0.2.1 --private-ip 192.0.2.1 \
          2> /srv/log &
        node=$!
        tries=0
        until test -s /srv/process; do
          tries=$((tries + 1)); test $tries -lt 200 || { cat /srv/log >&2; exit 9; }
          sleep 0.1
        done
        coracle kv get /from
        stat -c '%a %U' /var/lib/coracle/scripts/*
        kill -TERM $node; wait $node; echo "status $?"
        kill -0 $(cat /srv/process) 2> /dev/null || echo "the script is gone"
        grep -o 'script of root in / at 192.0.2.1' /srv/log
        """
      )
      #expect(
        output.output == """
          script
          700 root
          status 0
          the script is gone
          script of root in / at 192.0.2.1

          """,
        "\(output)"
      )
    }
  }

  @Test func `a script's own interpreter runs it, and its exit status tells`() async throws {
    try await PrivateComputer.with { computer in
      try computer.give("user-data", "#!/usr/bin/env -S sh -u\necho $0\necho $never_set\n")
      let output = try await computer.run(
        "coracle cloud-config apply /given/user-data > /srv/out; echo \"status $?\"; cat /srv/out"
      )
      #expect(output.output.hasPrefix("status 1\n"), "\(output)")
      #expect(output.output.contains(": /var/lib/coracle/scripts/1-"), "\(output)")
      #expect(output.errors.contains("failed: run the script "), "\(output)")
    }
  }
}
