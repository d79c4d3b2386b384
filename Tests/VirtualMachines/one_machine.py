# SPDX-License-Identifier: Apache-2.0
"""One machine from power-on: boots from user-data in the firmware's configuration, runs units, powers off."""

import os

from images import Kernel, small_system, write
from machine import Failed, Machine
from program import Program

USER_DATA = """\
#cloud-config
hostname: one
coreos:
  etcd2:
    name: one
    initial-cluster: one=http://$private_ipv4:2380
    initial-advertise-peer-urls: http://$private_ipv4:2380
    advertise-client-urls: http://$private_ipv4:2379
    listen-client-urls: http://0.0.0.0:2379
    listen-peer-urls: http://$private_ipv4:2380
  fleet:
    public-ip: $public_ipv4
    metadata: "kind=emulated"
  units:
    - name: etcd2.service
      command: start
    - name: fleet.service
      command: start
    - name: greeting.service
      command: start
      content: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh -c "echo UNIT %n of the cloud-config on $(hostname) >/dev/console"
"""

PLACED = """\
[Service]
ExecStart=/bin/sh -c "echo UNIT %n on %m >/dev/console; exec sleep 1000000"
[X-Fleet]
MachineMetadata=kind=emulated
"""

POWER_OFF = """\
[Service]
ExecStart=/bin/sh -c "echo UNIT %n >/dev/console; sync; poweroff -f"
"""


def main(binary, directory, cache):
    kernel = Kernel(cache)
    initramfs = small_system(kernel, f"{directory}/one.cpio", binary)
    write(f"{directory}/user-data", USER_DATA)
    write(f"{directory}/placed.service", PLACED)
    write(f"{directory}/power-off.service", POWER_OFF)
    machine = Machine(
        "one", directory, kernel, initramfs,
        words=["machine-id=" + "1" * 32],
        arguments=["-no-reboot", "-fw_cfg", f"name=opt/coracle/user-data,file={directory}/user-data"],
    )
    times = {}
    try:
        machine.power_on()
        machine.wait_for("MACHINE is up")
        times["kernel up"] = machine.seconds()
        machine.wait_for_health()
        times["API up"] = machine.seconds()
        # By then the cloud-config has given the computer its name.
        machine.wait_for("UNIT greeting.service of the cloud-config on one")
        times["unit of the cloud-config ran"] = machine.seconds()
        coracle = Program(binary, machine.endpoint)
        coracle("unit", "start", f"{directory}/placed.service")
        told = machine.wait_for("UNIT placed.service on ")
        times["unit placed by the fleet runs"] = machine.seconds()
        if "1" * 32 not in told:
            raise Failed(f"the unit tells another machine id: {told}")
        coracle("unit", "start", "--no-block", f"{directory}/power-off.service")
        machine.wait_for_end()
        times["off"] = machine.seconds()
        return times
    finally:
        machine.lose_power()
