# SPDX-License-Identifier: Apache-2.0
"""What a machine boots from: Debian's kernel, a small system with one program in it, and disks with user-data."""

import glob
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))

# In the order they are loaded in; what they need comes along. The kernel has ext4 built in.
MODULES = ["virtio_pci", "virtio_blk", "virtio_net", "isofs", "vfat", "nls_cp437", "nls_ascii", "qemu_fw_cfg"]


class Missing(Exception):
    """Something that this computer must have for the machines."""


def run(*words, limit_seconds=300, **options):
    """Runs a program that is to succeed; what it printed."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    try:
        done = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit_seconds,
            env={**os.environ, "PATH": path}, **options,
        )
    except FileNotFoundError:
        raise Missing(f"{words[0]} is missing: .ci/setup test installs it") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{' '.join(words)}: not done after {limit_seconds} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout or b"").decode(errors="replace").strip()
        raise Missing(f"{' '.join(words)}: exit status {done.returncode}: {said}")
    return done.stdout.decode(errors="replace")


def write(path, text):
    """Writes a file of text."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Kernel:
    """Debian's kernel for clouds, unpacked and not installed: no boot loader, no initramfs-tools."""

    def __init__(self, cache):
        self.directory = os.path.join(cache, "kernel")
        if not glob.glob(f"{self.directory}/lib/modules/*/modules.dep.bin"):
            self._fetch(cache)
        self.release = os.path.basename(glob.glob(f"{self.directory}/lib/modules/*")[0])
        self.image = f"{self.directory}/boot/vmlinuz-{self.release}"

    def _fetch(self, cache):
        os.makedirs(cache, exist_ok=True)
        wanted = self._package()
        if wanted is None:
            run("apt-get", "update", "-qq")
            wanted = self._package()
        if wanted is None:
            raise Missing("apt knows no kernel by the name linux-image-cloud-amd64: the machines need Debian's")
        run("apt-get", "download", "-qq", wanted, cwd=cache)
        unpacked = self.directory + ".new"
        shutil.rmtree(unpacked, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        for package in glob.glob(f"{cache}/{wanted}_*.deb"):
            run("dpkg-deb", "-x", package, unpacked)
            os.remove(package)
        run("depmod", "-b", unpacked, wanted.removeprefix("linux-image-"))
        os.rename(unpacked, self.directory)

    @staticmethod
    def _package():
        told = subprocess.run(
            ["apt-cache", "depends", "linux-image-cloud-amd64"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        found = re.search(r"Depends: (linux-image-\S+)", told.stdout.decode())
        return found and found.group(1)

    def modules(self):
        """Files of the modules, each after those that it needs."""
        files = []
        for module in MODULES:
            told = run("modprobe", "-d", self.directory, "-S", self.release, "--show-depends", module)
            for line in told.splitlines():
                words = line.split()
                if words[:1] == ["insmod"] and words[1] not in files:
                    files.append(words[1])
        return files


def shared_libraries(binary):
    """What the loader needs for a program, the loader too."""
    told = run("ldd", binary)
    if "not found" in told:
        raise Missing(f"libraries of {binary} are missing:\n{told}")
    libraries = re.findall(r"(?:=> )?(/\S+) \(0x", told)
    # The C library loads it by itself when a thread ends; on every Debian the one depends on the other.
    own = "libgcc_s.so.1"
    if not any(os.path.basename(one) == own for one in libraries):
        found = re.search(rf"{re.escape(own)} \(libc6,x86-64\) => (\S+)", run("ldconfig", "-p"))
        if not found:
            raise Missing(f"{own} is missing (libgcc-s1)")
        libraries.append(found.group(1))
    return libraries


def small_system(kernel, to, binary=None):
    """An initramfs of busybox, the modules, `init` and, where given, one program with its libraries."""
    tree = to + ".tree"
    shutil.rmtree(tree, ignore_errors=True)
    for directory in ["bin", "dev", "etc", "lib/modules", "proc", "run", "sys", "tmp", "usr/bin", "var/lib"]:
        os.makedirs(f"{tree}/{directory}")
    busybox = shutil.which("busybox") or "/bin/busybox"
    shutil.copy(busybox, f"{tree}/bin/busybox")
    for number, module in enumerate(kernel.modules()):
        shutil.copy(module, f"{tree}/lib/modules/{number:02}-{os.path.basename(module)}")
    shutil.copy(f"{HERE}/init", f"{tree}/init")
    write(f"{tree}/etc/passwd", "root:x:0:0:root:/:/bin/sh\n")
    write(f"{tree}/etc/group", "root:x:0:\n")
    write(f"{tree}/etc/hosts", "127.0.0.1 localhost\n")
    if binary:
        run("strip", "-o", f"{tree}/bin/coracle", binary)
        for library in shared_libraries(binary):
            os.makedirs(os.path.dirname(tree + library), exist_ok=True)
            shutil.copy(library, tree + library)
            if os.path.getsize(library) > 1 << 20:
                run("strip", "--strip-unneeded", tree + library)
    # Not compressed: an emulated processor takes longer to unpack than to copy.
    names = run("find", ".", cwd=tree)
    with open(to, "wb") as file:
        subprocess.run(
            ["cpio", "--create", "--format=newc", "--quiet", "--owner=0:0"],
            input=names.encode(), stdout=file, cwd=tree, check=True, timeout=120,
        )
    shutil.rmtree(tree)
    return to


def nocloud_disk(to, user_data):
    """A FAT disk as NoCloud has it."""
    write(f"{to}.meta-data", f"instance-id: {os.path.basename(to)}\n")
    with open(to, "wb") as file:
        file.truncate(2 << 20)
    run("mkfs.vfat", "-n", "CIDATA", to)
    run("mcopy", "-i", to, user_data, "::user-data")
    run("mcopy", "-i", to, f"{to}.meta-data", "::meta-data")
    return to


def config_drive(to, user_data):
    """A CD as OpenStack's config drive."""
    tree = to + ".tree"
    os.makedirs(f"{tree}/openstack/latest")
    shutil.copy(user_data, f"{tree}/openstack/latest/user_data")
    run("genisoimage", "-quiet", "-R", "-V", "config-2", "-o", to, tree)
    return to
