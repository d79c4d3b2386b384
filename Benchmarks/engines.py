# SPDX-License-Identifier: Apache-2.0
"""A Docker Engine on each host, and Swarm mode of the same engines."""
import concurrent.futures
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
import urllib.parse

from hosts import CGROUP, Late, Refused, UnixConnection, sleeping, until

IMAGE = "bench/busybox"
MARK = 1000002


class Engines:
    """One dockerd a host, with all its files below the host's directory and no network of its own."""

    def __init__(self, hosts, name="docker"):
        self.hosts, self.name = hosts, name
        self.roots = dict.fromkeys(hosts, 0)
        for number in hosts:
            self.start(number)
        for number in hosts:
            self.await_answer(number)
            self.import_image(number)

    def replace(self, number):
        """Starts an engine that knows nothing of the containers of the one before, whose removal would take long."""
        self.roots[number] += 1
        self.start(number)
        self.await_answer(number)
        self.import_image(number)

    def directory(self, number):
        return os.path.join(self.hosts[number].directory, self.name)

    def socket(self, number):
        return os.path.join(self.directory(number), "run/docker.sock")

    def start(self, number):
        directory = self.directory(number)
        os.makedirs(directory, exist_ok=True)
        shutil.rmtree(os.path.join(directory, "run"), ignore_errors=True)  # as after a boot
        os.makedirs(os.path.join(directory, "run"))
        # Without the last variable Swarm asks an image registry before each task.
        self.hosts[number].spawn(
            ["dockerd", "--data-root", "%s/root%d" % (directory, self.roots[number]), "--exec-root", directory + "/run",
             "--pidfile", directory + "/run/pid", "-H", "unix://" + self.socket(number), "--bridge", "none",
             "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--cgroup-parent", "/" + CGROUP,
             "--exec-opt", "native.cgroupdriver=cgroupfs"],
            "dockerd.log", DOCKER_SERVICE_PREFER_OFFLINE_IMAGE="1")

    def await_answer(self, number):
        try:
            until("dockerd on host %d" % number, lambda: self.ask(number, "GET", "/_ping") == "OK", 60, 0.1)
        except Late as late:
            log = os.path.join(self.hosts[number].directory, "dockerd.log")
            end = subprocess.run(["tail", "-n", "5", log], capture_output=True, text=True, check=False).stdout
            raise Late("%s; the end of its log:\n%s" % (late, end)) from None

    def ask(self, number, method, path, body=None):
        """An answer of the engine's API; a body is JSON, or the bytes of a tar archive."""
        archive = isinstance(body, bytes)
        connection = UnixConnection(self.socket(number))
        try:
            connection.request(method, path, body if archive or body is None else json.dumps(body),
                               {"Content-Type": "application/x-tar" if archive else "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refused("dockerd %d: %s %s: %d %s" % (number, method, path, answer.status, text.strip()))
        return json.loads(text) if text.startswith(("{", "[")) and not archive else text

    def import_image(self, number):
        busybox = subprocess.run(["sh", "-c", "command -v busybox"], capture_output=True, text=True, check=True)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(os.path.realpath(busybox.stdout.strip()), "bin/busybox")
            link = tarfile.TarInfo("bin/sleep")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        self.ask(number, "POST", "/images/create?fromSrc=-&repo=%s&tag=latest" % IMAGE, packed.getvalue())

    def containers(self):
        """How many containers there are on hosts that run, ended ones included."""
        return sum(len(self.ask(number, "GET", "/containers/json?all=1"))
                   for number, host in self.hosts.items() if host.is_on)

    def run_alone(self, count, at_once=4):
        """Seconds until containers, started by that many requests at once, run, and until they are removed."""
        words = {"Image": IMAGE, "Cmd": ["/bin/sleep", str(MARK)], "HostConfig": {"NetworkMode": "host"}}
        places = [(number % len(self.hosts) + 1, "/containers/alone%d" % number) for number in range(count)]

        def start(place):
            number, path = place
            self.ask(number, "POST", "/containers/create?name=" + path.rsplit("/", 1)[1], words)
            self.ask(number, "POST", path + "/start")

        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            list(pool.map(start, places))
            middle = time.monotonic()
            list(pool.map(lambda place: self.ask(place[0], "DELETE", place[1] + "?force=true"), places))
        return middle - begin, time.monotonic() - middle


class Swarm:
    """The engines as managers of one swarm, with one service of many replicas.

    What is fastest is chosen: tasks in the host's network, no restart delay, an image that is there, and SIGKILL as the
    stop signal, since sleep as the first process of a container ignores SIGTERM for the ten seconds of grace.
    """

    def __init__(self, engines):
        self.engines, self.hosts, self.replicas = engines, engines.hosts, 0
        self.asked = 1
        here = self.endpoint(1)
        engines.ask(1, "POST", "/swarm/init", {"ListenAddr": here, "AdvertiseAddr": here, "Spec": {}})
        token = engines.ask(1, "GET", "/swarm")["JoinTokens"]["Manager"]
        for number in list(self.hosts)[1:]:
            there = self.endpoint(number)
            engines.ask(number, "POST", "/swarm/join", {
                "ListenAddr": there, "AdvertiseAddr": there, "RemoteAddrs": [here], "JoinToken": token})
        self.await_nodes()

    def endpoint(self, number):
        return self.hosts[number].address + ":2377"

    def ask(self, method, path, body=None):
        return self.engines.ask(self.asked, method, path, body)

    def nodes(self):
        return self.ask("GET", "/nodes")

    def await_nodes(self):
        until("%d nodes ready" % len(self.hosts),
              lambda: [node["Status"]["State"] for node in self.nodes()] == ["ready"] * len(self.hosts), 90, 0.2)

    def set_heartbeat(self, seconds):
        """A node counts as lost after three heartbeats (swarmkit's grace period)."""
        swarm = self.ask("GET", "/swarm")
        swarm["Spec"]["Dispatcher"]["HeartbeatPeriod"] = seconds * 10**9
        self.ask("POST", "/swarm/update?version=%d" % swarm["Version"]["Index"], swarm["Spec"])
        time.sleep(6)  # nodes hear of it with their next heartbeat

    def create(self, name, replicas):
        """Seconds from the request until that many replicas run."""
        begin = time.monotonic()
        self.ask("POST", "/services/create", {
            "Name": name,
            "TaskTemplate": {
                "ContainerSpec": {"Image": IMAGE + ":latest", "Command": ["/bin/sleep", str(MARK)],
                                  "StopSignal": "SIGKILL"},
                "Networks": [{"Target": "host"}],
                "RestartPolicy": {"Condition": "any", "Delay": 0},
            },
            "Mode": {"Replicated": {"Replicas": replicas}}})
        self.replicas += replicas
        self.await_running(name, replicas)
        return time.monotonic() - begin

    def await_running(self, name, replicas):
        filters = urllib.parse.quote(json.dumps({"name": [name]}))

        def running():
            service, = self.ask("GET", "/services?status=true&filters=" + filters)
            return service["ServiceStatus"]["RunningTasks"] == replicas
        until("%d replicas run" % replicas, running, 240, 0.05)

    def scale(self, name, replicas):
        """Seconds from the request until the replicas are there, or the containers of the rest are gone."""
        begin = time.monotonic()
        service = self.ask("GET", "/services/" + name)
        more = replicas - service["Spec"]["Mode"]["Replicated"]["Replicas"]
        service["Spec"]["Mode"]["Replicated"]["Replicas"] = replicas
        self.ask("POST", "/services/%s/update?version=%d" % (name, service["Version"]["Index"]),
                         service["Spec"])
        self.replicas += more
        self.await_running(name, replicas) if more > 0 else self.await_gone()
        return time.monotonic() - begin

    def remove(self, name, replicas):
        begin = time.monotonic()
        self.ask("DELETE", "/services/" + name)
        self.replicas -= replicas
        self.await_gone()
        return time.monotonic() - begin

    def await_gone(self):
        until("%d processes left" % self.replicas, lambda: sleeping(MARK) == self.replicas, 240, 0.05)
        until("%d containers left" % self.replicas, lambda: self.engines.containers() == self.replicas, 240, 0.05)

    def lose(self, is_leader):
        """Powers a manager off: its number, seconds until it counts as down and until its replicas run elsewhere."""
        victim = next(node for node in self.nodes() if node["ManagerStatus"].get("Leader", False) == is_leader)
        number = int(victim["ManagerStatus"]["Addr"].split(":")[0].split(".")[-1])
        self.asked = number % len(self.hosts) + 1
        begin = time.monotonic()
        self.hosts[number].power_off()
        until("the node is down", lambda: any(
            node["ID"] == victim["ID"] and node["Status"]["State"] == "down" for node in self.nodes()), 120, 0.05)
        noticed = time.monotonic() - begin
        filters = urllib.parse.quote(json.dumps({"desired-state": ["running"]}))
        until("its replicas run elsewhere", lambda: sum(
            task["Status"]["State"] == "running" and task["NodeID"] != victim["ID"]
            for task in self.ask("GET", "/tasks?filters=" + filters)) == self.replicas, 240, 0.1)
        return number, noticed, time.monotonic() - begin
