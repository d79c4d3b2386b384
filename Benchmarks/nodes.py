# SPDX-License-Identifier: Apache-2.0
"""A coracle node on each host, and units of theirs."""
import http.client
import json
import os
import subprocess
import time

from hosts import CGROUP, Refused, command_line, sleeping, until

MARK = 1000001
PROCESS = """[Service]
ExecStart=/bin/sleep %d
Restart=always
""" % MARK
CONTAINER = """[Service]
ExecStart=/usr/bin/docker run --rm --name %%p-%%i --network host bench/busybox /bin/sleep %d
KillSignal=SIGKILL
Restart=always
""" % MARK
USER_DATA = """#cloud-config
coreos:
  etcd2:
    initial-cluster: %s
    initial-advertise-peer-urls: http://$private_ipv4:2380
    advertise-client-urls: http://$private_ipv4:2379
    listen-client-urls: http://$private_ipv4:2379
    listen-peer-urls: http://$private_ipv4:2380
  fleet: { public-ip: $private_ipv4, agent-ttl: %s, listen-urls: "http://$private_ipv4:49153" }
  units:
    - name: etcd2.service
      command: start
    - name: fleet.service
      command: start
"""


class Nodes:
    """A cluster of one member a host. `sockets` are those of the hosts' Docker Engines, or none."""

    def __init__(self, coracle, hosts, name, agent_ttl, sockets=None):
        self.coracle, self.hosts, self.name, self.sockets = coracle, hosts, name, sockets or {}
        self.connections, self.units = {}, set()
        members = ",".join("n%d=http://%s:2380" % (n, host.address) for n, host in hosts.items())
        self.config = os.path.join(hosts[1].directory, name + ".yaml")
        with open(self.config, "w") as file:
            file.write(USER_DATA % (members, agent_ttl))
        for number in hosts:
            self.start(number)
        self.await_machines()
        time.sleep(2)

    def data(self, number):
        return os.path.join(self.hosts[number].directory, self.name)

    def start(self, number):
        host = self.hosts[number]
        os.makedirs(self.data(number), exist_ok=True)
        socket = self.sockets.get(number)
        host.spawn([self.coracle, "node", "--cloud-config", self.config, "--data-dir", self.data(number),
                    "--name", "n%d" % number, "--public-ip", host.address, "--private-ip", host.address,
                    "--cgroup-root", "/" + CGROUP, "--docker", "unix://" + socket if socket else "none"],
                   self.name + ".log")

    def await_machines(self):
        until("%d machines" % len(self.hosts), lambda: len(self.machines(1)) == len(self.hosts))

    def ask(self, number, method, path, body=None):
        """An answer of fleet's or etcd's API, over a connection that stays open."""
        for attempt in (1, 2):
            connection = self.connections.get(number)
            if connection is None:
                connection = http.client.HTTPConnection(self.hosts[number].address, 2379, timeout=30)
                self.connections[number] = connection
            try:
                connection.request(method, path, json.dumps(body) if body is not None else None,
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                del self.connections[number]
                if attempt == 2:
                    raise
        if answer.status >= 300:
            raise Refused("%s %s: %d %s" % (method, path, answer.status, text[:200]))
        return json.loads(text) if text else {}

    def pages(self, number, path, key):
        found, token = [], ""
        while True:
            page = self.ask(number, "GET", path + token)
            found += page.get(key) or []
            if not page.get("nextPageToken"):
                return found
            token = "?nextPageToken=" + page["nextPageToken"]

    def states(self, number):
        return self.pages(number, "/fleet/v1/state", "states")

    def machines(self, number):
        return [machine["id"] for machine in self.ask(number, "GET", "/fleet/v1/machines").get("machines") or []]

    def put(self, name, text, target):
        section, options = "", []
        for line in text.splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            else:
                key, value = line.split("=", 1)
                options.append({"section": section, "name": key, "value": value})
        self.ask(1, "PUT", "/fleet/v1/units/" + name, {"desiredState": target, "options": options})

    def fleetctl(self, *words):
        subprocess.run(["fleetctl", "--endpoint", "http://%s:2379" % self.hosts[1].address, *words], check=True,
                       executable=self.coracle, stdout=subprocess.DEVNULL, timeout=300)

    def await_active(self, number=2, without=None):
        until("%d units active" % len(self.units), lambda: sum(
            state["systemdActiveState"] == "active" and state["machineID"] != without
            for state in self.states(number)) == len(self.units), 240, 0.05)

    def start_over_http(self, names, text):
        """Seconds from the first request, one PUT for each unit over one connection, until all are active."""
        begin = time.monotonic()
        for name in names:
            self.put(name, text, "launched")
        self.units.update(names)
        self.await_active()
        return time.monotonic() - begin

    def start_by_fleetctl(self, names):
        """Seconds from the start of one fleetctl, instances of a template that was submitted, until all are active."""
        begin = time.monotonic()
        self.fleetctl("start", *names)
        self.units.update(names)
        self.await_active()
        return time.monotonic() - begin

    def await_gone(self):
        until("%d states left" % len(self.units), lambda: len(self.states(2)) == len(self.units), 240, 0.05)
        until("%d processes left" % len(self.units), lambda: sleeping(MARK) == len(self.units), 240, 0.05)

    def destroy_over_http(self, names):
        """Seconds from the first DELETE until neither states nor processes of the units are left."""
        begin = time.monotonic()
        for name in names:
            self.ask(1, "DELETE", "/fleet/v1/units/" + name)
        self.units.difference_update(names)
        self.await_gone()
        return time.monotonic() - begin

    def destroy_by_fleetctl(self, names):
        """The same, with one fleetctl."""
        begin = time.monotonic()
        self.fleetctl("destroy", *names)
        self.units.difference_update(names)
        self.await_gone()
        return time.monotonic() - begin

    def leader(self):
        return int(self.ask(1, "GET", "/v2/members/leader")["name"][1:])

    def lose(self, number):
        """Seconds from a host's loss until its machine is gone from the list, and until its units run elsewhere."""
        witness = number % len(self.hosts) + 1
        with open(os.path.join(self.data(number), "machine-id")) as file:
            lost = file.read().strip()
        begin = time.monotonic()
        self.hosts[number].power_off()
        until("the machine is gone", lambda: lost not in self.machines(witness), 120)
        noticed = time.monotonic() - begin
        self.await_active(witness, without=lost)
        return noticed, time.monotonic() - begin

    def stop(self):
        """Kills the nodes and their unit-hosts; without engines, all that runs on their hosts."""
        for number, host in self.hosts.items():
            mark = self.data(number) if self.sockets else ""
            host.kill(lambda process: mark in command_line(process))
