# SPDX-License-Identifier: Apache-2.0
"""One emulated computer, its serial line, and its node as the host sees it."""

import json
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request

# Four times what a slow computer took.
DEADLINE_SECONDS = 120


class Failed(Exception):
    """A machine did not do what it was to do."""


def wait_until(what, condition, seconds=DEADLINE_SECONDS, machine=None):
    """Waits for a condition; what it gave, once that is true."""
    deadline = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if machine and not machine.is_running():
            raise Failed(f"{machine.name} ended by itself before: {what}\n{machine.last_lines()}")
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds} s for: {what}" + (f"\n{machine.last_lines()}" if machine else ""))
        time.sleep(0.05)


def free_port():
    """A port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lan:
    """A network of machines that nobody else is in: a multicast group on loopback."""

    def __init__(self):
        self.group = f"239.{random.randrange(192, 256)}.{random.randrange(256)}.{random.randrange(1, 255)}"
        self.port = free_port()

    def card(self, number):
        """qemu's words for a machine's card."""
        return [
            "-netdev", f"socket,id=lan,mcast={self.group}:{self.port},localaddr=127.0.0.1",
            "-device", f"virtio-net-pci,netdev=lan,mac=52:54:00:00:07:{number:02x}",
        ]


class Machine:
    """A computer that can be powered on, listened to and lose its power."""

    def __init__(self, name, directory, kernel, initramfs, words=(), arguments=(), memory=512, processors=1):
        self.name = name
        self.serial = os.path.join(directory, f"{name}.serial")
        self.port = free_port()
        self.command = [
            "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max",
            "-smp", str(processors), "-m", str(memory), "-nodefaults", "-display", "none",
            "-kernel", kernel.image, "-initrd", initramfs,
            "-append", " ".join(["console=ttyS0", "quiet", "panic=-1", *words]),
            "-serial", f"file:{self.serial}",
            "-netdev", f"user,id=host,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:2379",
            "-device", "virtio-net-pci,netdev=host,mac=52:54:00:00:08:01",
            *arguments,
        ]
        self.process = None
        self.since = None

    @property
    def endpoint(self):
        """The node's API from the host."""
        return f"http://127.0.0.1:{self.port}"

    def power_on(self):
        self.since = time.monotonic()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        return self

    def seconds(self):
        """Since power-on."""
        return time.monotonic() - self.since

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def lose_power(self):
        """SIGKILL of the emulator: nothing in the machine gets to know."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def said(self):
        """Everything on the serial line until now."""
        try:
            with open(self.serial, encoding="utf-8", errors="replace") as file:
                return file.read().replace("\r", "")
        except FileNotFoundError:
            return ""

    def last_lines(self, limit=40):
        problem = ""
        if self.process and not self.is_running():
            problem = self.process.stderr.read().decode(errors="replace")
        return f"--- {self.name}\n{problem}" + "\n".join(self.said().splitlines()[-limit:])

    def wait_for(self, text, seconds=DEADLINE_SECONDS):
        """Waits for words on the serial line; their line."""
        def line():
            return next((line for line in self.said().splitlines() if text in line), None)
        return wait_until(f'"{text}" on the serial line of {self.name}', line, seconds, self)

    def wait_for_step(self, text, failure, seconds=DEADLINE_SECONDS):
        """Waits for words on the serial line, or for those that tell of a failure."""
        def outcome():
            said = self.said()
            if failure in said:
                # What follows tells why.
                wait_until(f"{self.name} is off", lambda: not self.is_running())
                raise Failed(self.last_lines(limit=140))
            return text in said
        wait_until(f'"{text}" on the serial line of {self.name}', outcome, seconds, self)

    def wait_for_end(self, seconds=DEADLINE_SECONDS):
        wait_until(f"{self.name} is off", lambda: not self.is_running(), seconds)
        if self.process.returncode != 0:
            raise Failed(f"{self.name}: the emulator ended with {self.process.returncode}\n{self.last_lines()}")

    def get(self, path):
        """JSON of the node's API; nil when it does not answer."""
        try:
            # A connection made before the machine listens is never answered.
            with urllib.request.urlopen(self.endpoint + path, timeout=1) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, OSError, ValueError, EOFError):
            return None
        except Exception as problem:  # http.client's own, which have no common parent worth naming
            if type(problem).__module__ != "http.client":
                raise
            return None

    def wait_for_health(self, seconds=DEADLINE_SECONDS):
        def healthy():
            answer = self.get("/health")
            return answer is not None and str(answer.get("health")).lower() == "true"
        wait_until(f"the API of {self.name} is up and healthy", healthy, seconds, self)
