# SPDX-License-Identifier: Apache-2.0
"""Debian with systemd and Docker: the package installed, a scenario's unit in a real container, restart, reboot, removal."""

import os
import shutil
import subprocess
import tarfile

from debian_image import debian_disk, image_archive
from images import HERE, Kernel, Missing, run, shared_libraries, small_system, write
from machine import Machine

USER_DATA = """\
#cloud-config
coreos:
  etcd2:
    name: debian
    initial-cluster: debian=http://127.0.0.1:2380
    listen-client-urls: http://0.0.0.0:2379
    advertise-client-urls: http://127.0.0.1:2379
  fleet:
    public-ip: 127.0.0.1
  units:
    - name: etcd2.service
      command: start
    - name: fleet.service
      command: start
"""

PLAIN = """\
[Service]
ExecStart=/bin/bash -c "echo $$$$ >/run/plain.pid; exec sleep 1000000"
"""

UNIT = f"{HERE}/../PeerTests/Units/python-test.service"

# A line of the scene, and what its time is called.
STEPS = [
    ("Debian is up", "Debian up"),
    ("the package is installed and its service ready", "package installed, service ready"),
    ("a unit that is a process runs", "unit that is a process runs"),
    ("the engine answers", "Docker Engine answers"),
    ("python-test.service serves from a container", "python-test.service serves from a container"),
    ("restart: the units are the same", "systemctl restart: same processes, same container"),
    ("SIGKILL: the units are the same", "SIGKILL of the node: same processes, same container"),
    ("reload: the service is active", "systemctl reload"),
    ("upgrade: the units are the same", "package installed again: same processes, same container"),
    ("reboots", "reboot asked for"),
    ("second boot: the service is ready", "service ready again"),
    ("second boot: both units run", "both units run again"),
    ("a cloud-config is carried out", "cloud-config carried out, units by systemd"),
    ("DONE", "purged: data alone is left"),
]


def scene_disk(directory, binary, package):
    """The second disk: package, units, image and the scene itself."""
    tree = f"{directory}/scene"
    os.makedirs(tree)
    shutil.copy(package, f"{tree}/coracle.deb")
    shutil.copy(f"{HERE}/debian-scene", f"{tree}/scene")
    shutil.copy(shutil.which("busybox") or "/bin/busybox", f"{tree}/busybox")
    shutil.copy(UNIT, tree)
    write(f"{tree}/plain.service", PLAIN)
    write(f"{tree}/user-data", USER_DATA)
    image_archive(f"{tree}/image.tar")
    foreign = [one for one in shared_libraries(binary) if not one.startswith(("/lib", "/usr/lib"))]
    if foreign:
        with tarfile.open(f"{tree}/libraries.tar", "w") as archive:
            for library in foreign:
                archive.add(os.path.realpath(library), library.lstrip("/"))
    disk = f"{directory}/scene.iso"
    run("genisoimage", "-quiet", "-R", "-V", "scene", "-o", disk, tree)
    return disk


def made_package(binary, directory):
    """A package of the binary, made now."""
    stripped = f"{directory}/coracle"
    run("strip", "-o", stripped, binary)
    environment = {**os.environ, "DEVELOPMENT": "1"}
    done = subprocess.run(
        [f"{HERE}/../../packaging/package", stripped, directory],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=600,
    )
    if done.returncode != 0:
        raise Missing(f"the package cannot be made: {done.stderr.decode()}")
    return next(line for line in done.stdout.decode().splitlines() if line.endswith(".deb"))


def main(binary, directory, cache, package=None):
    kernel = Kernel(cache)
    package = package or made_package(binary, directory)
    machine = Machine(
        "debian", directory, kernel, small_system(kernel, f"{directory}/loader.cpio"),
        words=["root=/dev/vda", "apparmor=0", "systemd.show_status=0"],
        arguments=[
            "-drive", f"if=virtio,format=raw,snapshot=on,file={debian_disk(kernel, cache)}",
            "-drive", f"if=virtio,format=raw,readonly=on,file={scene_disk(directory, binary, package)}",
        ],
        memory=1536, processors=2,
    )
    times = {}
    try:
        machine.power_on()
        for text, called in STEPS:
            machine.wait_for_step(f"SCENE {text}", failure="SCENE FAILED", seconds=900)
            times[called] = machine.seconds()
        print(machine.wait_for("SCENE purge leaves"))
        machine.wait_for_end()
        return times
    finally:
        machine.lose_power()
