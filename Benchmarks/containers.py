#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what a unit's container costs beside the same calls of the Engine API, and beside the docker program.

usage: containers.py CORACLE [--containers N] [--rounds N]

On one engine of its own (root, Tests/PeerTests/start-dockerd.sh), N containers (100) are started at once and, when all of
them run, stopped at once, until none is left: by raw calls (create, start; stop, wait, remove, a thread for each
container), by the docker program (run --rm, stop) and by units of a single coracle node. The median of the rounds is
printed, in turns, so that a busy computer is busy for all of them.
"""
import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Tests", "PeerTests", "start-dockerd.sh")
COMMAND = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=300)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def call(connection, method, path, body=None):
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status >= 400:
        raise RuntimeError("%s %s: %s %s" % (method, path, answer.status, data[:300]))
    return json.loads(data) if data.strip() and b"{" in data[:2] + b"[" else None


class Engine:
    def __init__(self, directory):
        self.directory = directory
        self.socket = directory + "/docker.sock"

    def script(self, verb, *words):
        subprocess.run([SCRIPT, verb, self.directory, *words], check=True, stdout=subprocess.DEVNULL)

    def count(self, every):
        connection = UnixConnection(self.socket)
        connection.request("GET", "/containers/json?all=%d" % every)
        rows = json.loads(connection.getresponse().read())
        connection.close()
        return len(rows)

    def wait(self, number, every):
        end = time.monotonic() + 600
        while self.count(every) != number:
            if time.monotonic() > end:
                raise RuntimeError("there are %d containers and not %d" % (self.count(every), number))
            time.sleep(0.02)


def at_once(number, body):
    failures = []

    def run(index):
        try:
            body(index)
        except Exception as error:  # told below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Raw:
    name = "raw API calls"

    def __init__(self, engine):
        self.engine = engine

    def start(self, number):
        def one(index):
            connection = UnixConnection(self.engine.socket)
            name = urllib.parse.quote("bench-%d" % index)
            call(connection, "POST", "/containers/create?name=" + name, {"Image": "busybox", "Cmd": COMMAND})
            call(connection, "POST", "/containers/%s/start" % name)

        at_once(number, one)

    def stop(self, number):
        def one(index):
            connection = UnixConnection(self.engine.socket)
            call(connection, "POST", "/containers/bench-%d/kill?signal=SIGTERM" % index)
            call(connection, "POST", "/containers/bench-%d/wait" % index)
            call(connection, "DELETE", "/containers/bench-%d?v=1" % index)

        at_once(number, one)


class Program:
    name = "docker program"

    def __init__(self, engine):
        self.engine = engine

    def start(self, number):
        words = ["docker", "-H", "unix://" + self.engine.socket, "run", "--rm"]
        self.runs = [
            subprocess.Popen(words + ["--name", "bench-%d" % index, "busybox"] + COMMAND, stdout=subprocess.DEVNULL)
            for index in range(number)
        ]

    def stop(self, number):
        # As systemd does: the signal goes to the program, which hands it on.
        for run in self.runs:
            run.send_signal(signal.SIGTERM)
        for run in self.runs:
            run.wait()


class Units:
    name = "units of coracle"

    def __init__(self, engine, node):
        self.engine, self.node = engine, node

    def options(self, index):
        quoted = "docker run --rm --name bench-%d busybox /bin/sh -c \"trap 'exit 0' TERM; sleep 100000 & wait\"" % index
        return [{"section": "Service", "name": "ExecStart", "value": "/usr/bin/" + quoted}]

    def put(self, index, state, options=None):
        body = {"desiredState": state}
        if options:
            body["options"] = options
        call(self.node.connection, "PUT", "/fleet/v1/units/bench-%d.service" % index, body)

    def prepare(self, number):
        for index in range(number):
            self.put(index, "loaded", self.options(index))
        self.node.wait_loaded(number)

    def start(self, number):
        for index in range(number):
            self.put(index, "launched")

    def stop(self, number):
        for index in range(number):
            self.put(index, "loaded")


class Node:
    def __init__(self, binary, directory, engine):
        data = directory + "/node"
        os.makedirs(data)
        with open(directory + "/user-data", "w") as file:
            file.write(
                "#cloud-config\ncoreos:\n  etcd2:\n    listen-client-urls: http://127.0.0.1:23790\n"
                "    advertise-client-urls: http://127.0.0.1:23790\n    listen-peer-urls: http://127.0.0.1:23800\n"
                "    initial-advertise-peer-urls: http://127.0.0.1:23800\n"
                "    initial-cluster: bench=http://127.0.0.1:23800\n  units:\n"
                "    - { name: etcd2.service, command: start }\n    - { name: fleet.service, command: start }\n"
            )
        self.log = open(directory + "/node.log", "w")
        self.process = subprocess.Popen(
            [binary, "node", "--cloud-config", directory + "/user-data", "--data-dir", data, "--name", "bench",
             "--public-ip", "127.0.0.1", "--private-ip", "127.0.0.1", "--docker", "unix://" + engine.socket],
            stdout=self.log, stderr=self.log,
        )
        end = time.monotonic() + 60
        while True:
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", 23790, timeout=60)
                if call(self.connection, "GET", "/fleet/v1/machines").get("machines"):
                    return
            except (OSError, RuntimeError, AttributeError, http.client.HTTPException):
                pass
            if time.monotonic() > end:
                raise RuntimeError("the node did not come up: see its log in " + directory)
            time.sleep(0.1)

    def wait_loaded(self, number):
        end = time.monotonic() + 120
        while True:
            count, token = 0, ""
            while True:
                page = call(self.connection, "GET", "/fleet/v1/state" + token) or {}
                count += len(page.get("states") or [])
                if not page.get("nextPageToken"):
                    break
                token = "?nextPageToken=" + urllib.parse.quote(page["nextPageToken"])
            if count == number:
                return
            if time.monotonic() > end:
                raise RuntimeError("%d of %d units are loaded" % (count, number))
            time.sleep(0.1)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


def measure(contestant, engine, number):
    begin = time.monotonic()
    contestant.start(number)
    engine.wait(number, False)
    started = time.monotonic()
    contestant.stop(number)
    engine.wait(0, True)
    return started - begin, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("coracle")
    parser.add_argument("--containers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="cb-", dir="/tmp")
    engine = Engine(directory + "/e")
    node = None
    try:
        engine.script("start", "--private-net")
        engine.script("import", "busybox")
        node = Node(os.path.abspath(options.coracle), directory, engine)
        units = Units(engine, node)
        units.prepare(options.containers)
        contestants = [Raw(engine), Program(engine), units]
        times = {contestant.name: [] for contestant in contestants}
        for _ in range(options.rounds):
            for contestant in contestants:
                times[contestant.name].append(measure(contestant, engine, options.containers))
        print("| %d containers | started | stopped | together | beside raw calls |" % options.containers)
        print("|---|---|---|---|---|")
        base = statistics.median(sum(pair) for pair in times[Raw.name])
        for contestant in contestants:
            pairs = times[contestant.name]
            total = statistics.median(sum(pair) for pair in pairs)
            print("| %s | %.2f s | %.2f s | %.2f s | %+.0f %% |" % (
                contestant.name, statistics.median(pair[0] for pair in pairs),
                statistics.median(pair[1] for pair in pairs), total, (total / base - 1) * 100))
    finally:
        if node:
            node.stop()
        engine.script("stop")
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
