#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures units on three nodes: one start on an idle cluster, 300 starts at once, and a machine that loses power.

usage: units.py CORACLE
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

coracle = os.path.abspath(sys.argv[1])
work = tempfile.mkdtemp(prefix="coracle-bench-units.")
network = "127.88.1"
nodes = {}
UNIT = "[Service]\nExecStart=/bin/sleep 1000000\nRestart=always\n"


def endpoint(number):
    return "http://%s.%d:2379" % (network, number)


def user_data():
    members = ",".join("n%d=http://%s.%d:2380" % (n, network, n) for n in (1, 2, 3))
    path = os.path.join(work, "user-data.yaml")
    with open(path, "w") as file:
        file.write("""#cloud-config
coreos:
  etcd2:
    initial-cluster: %s
    initial-advertise-peer-urls: http://$private_ipv4:2380
    advertise-client-urls: http://$private_ipv4:2379
    listen-client-urls: http://$private_ipv4:2379
    listen-peer-urls: http://$private_ipv4:2380
  fleet: { public-ip: $private_ipv4, agent-ttl: 3s, listen-urls: "http://$private_ipv4:49153" }
  units:
    - name: etcd2.service
      command: start
    - name: fleet.service
      command: start
""" % members)
    return path


def start(number, config):
    data = os.path.join(work, "node%d/" % number)
    os.makedirs(data, exist_ok=True)
    log = open(os.path.join(work, "node%d.log" % number), "w")
    address = "%s.%d" % (network, number)
    nodes[number] = subprocess.Popen(
        [coracle, "node", "--cloud-config", config, "--data-dir", data, "--name", "n%d" % number, "--docker", "none",
         "--public-ip", address, "--private-ip", address], stderr=log)


def processes(number):
    mark = os.path.join(work, "node%d/" % number).encode()
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        for file in ("environ", "cmdline"):
            try:
                with open("/proc/%s/%s" % (name, file), "rb") as text:
                    if mark in text.read() and int(name) != os.getpid():
                        found.append(int(name))
                        break
            except OSError:
                pass
    return found


def power_off(number):
    for process in processes(number):
        try:
            os.kill(process, signal.SIGKILL)
        except OSError:
            pass
    nodes.pop(number).wait()


def states(number):
    found, token = [], ""
    while True:
        page = json.load(urllib.request.urlopen(endpoint(number) + "/fleet/v1/state" + token, timeout=5))
        found += page.get("states", [])
        if not page.get("nextPageToken"):
            return found
        token = "?nextPageToken=" + page["nextPageToken"]


def until(what, condition, seconds=30):
    begin = time.monotonic()
    while True:
        try:
            if condition():
                return time.monotonic() - begin
        except OSError:
            pass
        if time.monotonic() - begin > seconds:
            sys.exit("waited %d s for: %s" % (seconds, what))
        time.sleep(0.005)


def run(*words):
    return subprocess.run([coracle, *words], env=dict(os.environ, CORACLE_ENDPOINT=endpoint(1)), check=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def active(number, prefix):
    return sum(s["name"].startswith(prefix) and s["systemdActiveState"] == "active" for s in states(number))


def main():
    config = user_data()
    for number in (1, 2, 3):
        start(number, config)
    machines = endpoint(1) + "/fleet/v1/machines"
    until("three machines", lambda: len(json.load(urllib.request.urlopen(machines)).get("machines", [])) == 3)
    for name in ("one@.service", "many@.service"):
        path = os.path.join(work, name)
        with open(path, "w") as file:
            file.write(UNIT)
        run("unit", "submit", path)
    time.sleep(4)

    times = []
    for instance in range(5):
        begin = time.monotonic()
        run("unit", "start", "one@%d" % instance)
        until("one more is active", lambda: active(2, "one@") == instance + 1)
        times.append(time.monotonic() - begin)
        time.sleep(0.5)
    print("unit start to active, idle cluster      median %4.0f ms  (most %.0f ms; fleet: 2800 to 7000 ms)"
          % (sorted(times)[2] * 1000, max(times) * 1000))

    begin = time.monotonic()
    run("unit", "start", *["many@%d" % instance for instance in range(300)])
    until("300 are active", lambda: active(2, "many@") == 300)
    print("300 unit starts to active               %.2f s  (fleet: 4.1 s)" % (time.monotonic() - begin))

    leader = json.load(urllib.request.urlopen(endpoint(1) + "/v2/members/leader"))["name"]
    victim = int(leader[1:])
    witness = victim % 3 + 1
    with open(os.path.join(work, "node%d/machine-id" % victim)) as file:
        lost = file.read().strip()
    begin = time.monotonic()
    power_off(victim)
    until("all run elsewhere", lambda: sum(
        s["machineID"] != lost and s["systemdActiveState"] == "active" for s in states(witness)) == 305)
    print("power off of the leader's machine       %.2f s until its hundred units run elsewhere  (agent-ttl 3 s)"
          % (time.monotonic() - begin))


try:
    main()
finally:
    for remaining in list(nodes):
        power_off(remaining)
    subprocess.run(["rm", "-rf", work], check=False)
