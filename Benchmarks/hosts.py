# SPDX-License-Identifier: Apache-2.0
"""Hosts on this computer: a network namespace for each, joined by a bridge, and what runs on them.

All of it lives in network, process and mount namespaces of the measuring program's own (`isolate`), so that nothing is
left when that program ends, however it ends. Needs root.
"""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

INSIDE = "CORACLE_BENCH_INSIDE"
CGROUP = "coracle-bench"


class Late(Exception):
    """Something did not happen in the time that it was given."""


class Refused(OSError):
    """An answer that is no success."""


def isolate():
    """Runs this program again as the first process of namespaces of its own, if it is not there yet."""
    if os.environ.get(INSIDE):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
        return
    if os.geteuid() != 0:
        sys.exit("units: needs root, for network namespaces and Docker Engines")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
                          sys.executable, *sys.argv])


def until(what, condition, seconds=60, pause=0.02):
    """Seconds until a condition holds; it is asked every `pause` seconds, and an answer that fails counts as no."""
    begin = time.monotonic()
    while True:
        problem = ""
        try:
            if condition():
                return time.monotonic() - begin
        except (OSError, http.client.HTTPException) as error:
            problem = " (%r)" % error
        if time.monotonic() - begin > seconds:
            raise Late("waited %d s for: %s%s" % (seconds, what, problem))
        time.sleep(pause)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Host:
    """A network namespace, kept by a process that sleeps; every process in it belongs to the host."""

    def __init__(self, number, directory):
        self.number, self.directory = number, directory
        self.address = "10.88.77.%d" % number
        self.is_on = True
        os.makedirs(directory)
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], start_new_session=True)
        ours = os.readlink("/proc/self/ns/net")
        until("a network namespace", lambda: self.namespace() != ours, 10)
        ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        ip("link", "set", self.port, "master", "bench", "up")
        for words in (["link", "set", "lo", "up"], ["address", "add", self.address + "/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"]):
            subprocess.run([*self.enter(), "ip", *words], check=True)

    @property
    def port(self):
        return "port%d" % self.number

    def namespace(self):
        return os.readlink("/proc/%d/ns/net" % self.holder.pid)

    def enter(self):
        return ["nsenter", "--target", str(self.holder.pid), "--net"]

    def spawn(self, command, log, **variables):
        with open(os.path.join(self.directory, log), "a") as file:
            return subprocess.Popen([*self.enter(), *command], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                    env=dict(os.environ, **variables), start_new_session=True)

    def processes(self):
        """The ids of all processes on this host, those in containers with the host's network included."""
        mine, found = self.namespace(), []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/ns/net" % name) == mine and int(name) != self.holder.pid:
                    found.append(int(name))
            except OSError:
                pass
        return found

    def kill(self, which=lambda process: True):
        """Kills all of the host's processes that are meant, and what they start meanwhile."""
        deadline = time.monotonic() + 20
        while True:
            reap()
            remaining = [process for process in self.processes() if which(process)]
            if not remaining:
                return
            if time.monotonic() > deadline:
                raise Late("%d processes of host %d do not die" % (len(remaining), self.number))
            for process in remaining:
                try:
                    os.kill(process, signal.SIGKILL)
                except OSError:
                    pass
            time.sleep(0.02)

    def power_off(self):
        """Cuts the host off, then kills all that runs on it, so that nobody hears of its end."""
        ip("link", "set", self.port, "down")
        self.is_on = False
        self.kill()

    def power_on(self):
        """Joins the host to the others again, without the mounts that it had; nothing runs on it yet."""
        unmount(self.directory)
        ip("link", "set", self.port, "up")
        self.is_on = True

    def processor_seconds(self):
        """Processor time, user and system, that the host's processes have taken since they started."""
        ticks = 0
        for process in self.processes():
            try:
                with open("/proc/%d/stat" % process) as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return ticks / os.sysconf("SC_CLK_TCK")


def reap():
    """Collects ended orphans, which are this program's as it is the first process here."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def unmount(directory):
    with open("/proc/mounts") as file:
        places = [line.split()[1] for line in file]
    for place in places:
        if place.startswith(directory + "/"):
            subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def make_hosts(count, work):
    ip("link", "set", "lo", "up")
    ip("link", "add", "bench", "type", "bridge")
    ip("address", "add", "10.88.77.254/24", "dev", "bench")
    ip("link", "set", "bench", "up")
    return {number: Host(number, os.path.join(work, "h%d" % number)) for number in range(1, count + 1)}


def command_line(process):
    """The words of a process's command line, each followed by a zero byte; empty when it has ended."""
    try:
        with open("/proc/%s/cmdline" % process) as file:
            return file.read()
    except OSError:
        return ""


def sleeping(mark):
    """How many processes sleep for that many seconds: the units and replicas that are measured."""
    return sum(command_line(name).endswith("sleep\0%d\0" % mark) for name in os.listdir("/proc") if name.isdigit())


def idle_percent(hosts, seconds=10):
    """Processor time that the hosts take in rest, in percent of one processor and per host."""
    time.sleep(5)
    before = sum(host.processor_seconds() for host in hosts.values())
    time.sleep(seconds)
    return (sum(host.processor_seconds() for host in hosts.values()) - before) / seconds / len(hosts) * 100


def remove(hosts, work):
    """Ends everything, then removes mounts, control groups and files."""
    for host in hosts.values():
        host.power_off()
        host.holder.kill()
        host.holder.wait()
    unmount(work)
    with open("/proc/mounts") as file:
        mounts = [line.split()[1:3] for line in file]
    for place in (place for place, kind in mounts if kind in ("cgroup", "cgroup2")):
        for directory, _, _ in os.walk(os.path.join(place, CGROUP), topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                pass
    shutil.rmtree(work, ignore_errors=True)
