# SPDX-License-Identifier: Apache-2.0
"""A disk with Debian, systemd and Docker, on which a scene from a second disk is played at each start."""

import hashlib
import os
import shutil
import tarfile

from images import Missing, run, write

PACKAGES = [
    "systemd", "systemd-sysv", "dbus", "udev", "kmod", "iproute2", "iptables", "procps", "docker.io",
    "libsqlite3-0", "libssh2-1",
]

SERVICE = """\
[Unit]
Description=What the test machine is for
After=multi-user.target docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash -c "mkdir -p /scene; mount -o ro /dev/vdb /scene; exec /bin/bash /scene/scene"
[Install]
WantedBy=multi-user.target
"""


def debian_disk(kernel, cache):
    """The disk, made once; machines write to copies."""
    contents = hashlib.sha256(" ".join([*PACKAGES, SERVICE]).encode()).hexdigest()[:8]
    disk = f"{cache}/debian-{kernel.release}-{contents}.ext4"
    if os.path.exists(disk):
        return disk
    archive = f"{cache}/debian-{contents}.tar"
    if not os.path.exists(archive):
        run(
            "mmdebstrap", "--variant=minbase", "--format=tar", f"--include={','.join(PACKAGES)}", "bookworm", archive + ".new",
            limit_seconds=1200,
        )
        os.rename(archive + ".new", archive)
    tree = f"{cache}/debian.tree"
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree)
    run("tar", "-xf", archive, "-C", tree)
    shutil.copytree(f"{kernel.directory}/lib/modules", f"{tree}/lib/modules", dirs_exist_ok=True, symlinks=True)
    write(f"{tree}/etc/fstab", "/dev/vda / ext4 defaults 0 1\n")
    write(f"{tree}/etc/hostname", "debian\n")
    write(f"{tree}/etc/machine-id", "")
    write(f"{tree}/etc/systemd/system/scene.service", SERVICE)
    wants = f"{tree}/etc/systemd/system/multi-user.target.wants"
    os.makedirs(wants, exist_ok=True)
    os.symlink("/etc/systemd/system/scene.service", f"{wants}/scene.service")
    # The serial line is the scene's.
    os.symlink("/dev/null", f"{tree}/etc/systemd/system/serial-getty@ttyS0.service")
    run("mke2fs", "-q", "-t", "ext4", "-d", tree, disk + ".new", "3000M", limit_seconds=600)
    shutil.rmtree(tree)
    os.rename(disk + ".new", disk)
    return disk


def image_archive(to):
    """The files of a container image: busybox and a page to serve."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise Missing("busybox is missing (busybox-static)")
    page = to + ".html"
    write(page, "hello from a container\n")
    with tarfile.open(to, "w") as archive:
        archive.add(busybox, "bin/busybox")
        for name in ["sh", "httpd"]:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type = tarfile.SYMTYPE
            link.linkname = "busybox"
            archive.addfile(link)
        archive.add(page, "www/index.html")
    os.remove(page)
