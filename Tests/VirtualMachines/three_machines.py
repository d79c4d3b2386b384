# SPDX-License-Identifier: Apache-2.0
"""A cluster of three that meet by a discovery token, each with its user-data from elsewhere; one of them loses its power."""

import time

from images import Kernel, config_drive, nocloud_disk, small_system, write
from machine import Failed, Lan, Machine, wait_until
from program import Program

SEED = """\
#cloud-config
# A store of one member, without units: the place where the others meet.
coreos:
  etcd2:
    name: seed
    initial-cluster: seed=http://$private_ipv4:2380
    initial-advertise-peer-urls: http://$private_ipv4:2380
    advertise-client-urls: http://$private_ipv4:2379
    listen-client-urls: http://0.0.0.0:2379
    listen-peer-urls: http://$private_ipv4:2380
  units:
    - name: etcd2.service
      command: start
"""

USER_DATA = """\
#cloud-config
hostname: node-{number}
coreos:
  etcd2:
    name: node-{number}
    discovery: http://10.9.0.100:2379/discovery/{token}
    advertise-client-urls: http://$private_ipv4:2379
    initial-advertise-peer-urls: http://$private_ipv4:2380
    listen-client-urls: http://0.0.0.0:2379
    listen-peer-urls: http://$private_ipv4:2380
  fleet:
    public-ip: $public_ipv4
    agent-ttl: 6s
    metadata: "source={source}"
  units:
    - name: etcd2.service
      command: start
    - name: fleet.service
      command: start
"""

UNIT = """\
[Service]
ExecStart=/bin/sh -c "echo UNIT %n on %m >/dev/console; exec sleep 1000000"
"""

SOURCES = ["fw_cfg", "NoCloud disk", "config drive"]


class Scene:
    """The place to meet and the three machines."""

    def __init__(self, binary, directory, cache):
        self.binary = binary
        self.directory = directory
        self.kernel = Kernel(cache)
        self.initramfs = small_system(self.kernel, f"{directory}/machine.cpio", binary)
        self.lan = Lan()
        self.machines = {}
        self.times = {}

    def power_on(self, number, arguments):
        machine = Machine(
            f"machine-{number}", self.directory, self.kernel, self.initramfs,
            words=[f"lan=10.9.0.{100 + number}/24", f"machine-id={number:032}"],
            arguments=["-no-reboot", *self.lan.card(number), *arguments],
        )
        self.machines[number] = machine
        return machine.power_on()

    def file(self, name, text):
        path = f"{self.directory}/{name}"
        write(path, text)
        return path

    def seed_arguments(self, number, token):
        source = SOURCES[number - 1]
        path = self.file(
            f"user-data-{number}",
            USER_DATA.format(number=number, token=token, source=source.replace(" ", "-").lower()),
        )
        if source == "fw_cfg":
            return firmware(path)
        make = nocloud_disk if source == "NoCloud disk" else config_drive
        disk = make(f"{self.directory}/disk-{number}", path)
        return ["-drive", f"if=virtio,format=raw,readonly=on,file={disk}"]

    def asking(self, number):
        return Program(self.binary, self.machines[number].endpoint)

    def boot(self):
        seed = self.power_on(0, firmware(self.file("seed", SEED)))
        seed.wait_for_health()
        token = self.asking(0)("cluster", "discovery", "new", "--size", "3").strip().rsplit("/", 1)[-1]
        start = time.monotonic()
        for number in [1, 2, 3]:
            self.power_on(number, self.seed_arguments(number, token))
        for number in [1, 2, 3]:
            self.machines[number].wait_for_health()
            self.times[f"power-on to API up, user-data from {SOURCES[number - 1]}"] = self.machines[number].seconds()

        def all_there():
            listed = self.asking(1).attempt("machine", "list", "--no-legend") or ""
            return len(listed.splitlines()) == 3 and listed
        listed = wait_until("three machines are in the fleet", all_there)
        for source in SOURCES:
            if f"source={source.replace(' ', '-').lower()}" not in listed:
                raise Failed(f"no machine has its user-data from {source}:\n{listed}")
        self.times["three machines powered on until all are in the fleet"] = time.monotonic() - start
        return start

    def machine_of(self, unit, asked):
        """The number of the machine that runs a unit, as a node tells it."""
        listed = self.asking(asked).attempt("unit", "list", "--no-legend", "--full", "--fields", "unit,machine,active")
        for line in (listed or "").splitlines():
            words = line.split()
            if words[0] == unit and words[-1] == "active":
                return int(words[1].split("/")[0])
        return None

    def lose_the_unit(self):
        lost = wait_until("the unit runs", lambda: self.machine_of("roaming.service", 1))
        others = [number for number in [1, 2, 3] if number != lost]
        start = time.monotonic()
        self.machines[lost].lose_power()

        def elsewhere():
            return any("UNIT roaming.service on" in self.machines[number].said() for number in others)
        wait_until("the unit runs on another machine", elsewhere)
        self.times["power lost until its unit runs elsewhere, 6 s of silence allowed"] = time.monotonic() - start
        home = wait_until("the fleet tells so", lambda: self.machine_of("roaming.service", others[0]))
        if home == lost:
            raise Failed(f"the fleet still tells machine {lost}, which is off")


def firmware(path):
    return ["-fw_cfg", f"name=opt/coracle/user-data,file={path}"]


def main(binary, directory, cache):
    scene = Scene(binary, directory, cache)
    try:
        start = scene.boot()
        unit = scene.file("roaming.service", UNIT)
        asked = time.monotonic()
        scene.asking(2)("unit", "start", unit)
        wait_until(
            "the unit runs",
            lambda: any("UNIT roaming.service on" in machine.said() for machine in scene.machines.values()),
        )
        scene.times["unit asked for until it runs"] = time.monotonic() - asked
        scene.times["three machines powered on until the unit runs"] = time.monotonic() - start
        scene.lose_the_unit()
        return scene.times
    finally:
        for machine in scene.machines.values():
            machine.lose_power()
