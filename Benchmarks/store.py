#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the store beside Debian's etcd (v2 API), in turn on the same disk, and prints a Markdown table.

usage: store.py CORACLE LOAD [--section NAME,…] [--rounds N] [--seconds S] [--quick]

Both sync each write before they acknowledge it; section "sync" shows it with strace. A ratio is coracle's number by
etcd's of the same round, and the median of all rounds stands in the table.
"""
import argparse
import glob
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

SECTIONS = ["sync", "start", "put", "get", "quorum-get", "cas", "post", "watch", "open", "failover", "memory", "million"]
NETWORK = "127.88.0"


class Cluster:
    """One or three members of a kind, in a directory of their own."""

    def __init__(self, kind, members, work):
        self.kind, self.count = kind, members
        self.directory = tempfile.mkdtemp(prefix=kind + ".", dir=work)
        self.processes = {}
        self.config = os.path.join(self.directory, "user-data.yaml")
        cluster = ",".join("n%d=http://%s.%d:2380" % (n, NETWORK, n) for n in self.numbers())
        self.initial = cluster
        with open(self.config, "w") as file:
            file.write("#cloud-config\ncoreos:\n  etcd2:\n    initial-cluster: %s\n" % cluster)
            for key, port in (("initial-advertise-peer-urls", 2380), ("advertise-client-urls", 2379),
                              ("listen-client-urls", 2379), ("listen-peer-urls", 2380)):
                file.write("    %s: http://$private_ipv4:%d\n" % (key, port))
            file.write("  units:\n    - name: etcd2.service\n      command: start\n")

    def numbers(self):
        return range(1, self.count + 1)

    def servers(self, without=None):
        return ",".join("%s.%d:2379" % (NETWORK, n) for n in self.numbers() if n != without)

    def spawn(self, number):
        address, data = "%s.%d" % (NETWORK, number), os.path.join(self.directory, "n%d" % number)
        if self.kind == "coracle":
            command = [arguments.coracle, "node", "--cloud-config", self.config, "--data-dir", data, "--docker", "none",
                       "--name", "n%d" % number, "--public-ip", address, "--private-ip", address]
        else:
            command = ["etcd", "--enable-v2=true", "--name", "n%d" % number, "--data-dir", data,
                       "--listen-client-urls", "http://%s:2379" % address,
                       "--advertise-client-urls", "http://%s:2379" % address,
                       "--listen-peer-urls", "http://%s:2380" % address,
                       "--initial-advertise-peer-urls", "http://%s:2380" % address,
                       "--initial-cluster", self.initial]
        log = open(os.path.join(self.directory, "n%d.log" % number), "a")
        self.processes[number] = subprocess.Popen(command, stdout=log, stderr=log)

    def start(self):
        """Starts all members; seconds until each of them answers a quorum read."""
        begin = time.monotonic()
        for number in self.numbers():
            self.spawn(number)
        for number in self.numbers():
            self.wait(number)
        return time.monotonic() - begin

    def wait(self, number, path="/v2/keys/?quorum=true"):
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.processes[number].poll() is not None:
                raise SystemExit("%s ended; see %s" % (self.kind, self.directory))
            try:
                with urllib.request.urlopen("http://%s.%d:2379%s" % (NETWORK, number, path), timeout=5) as answer:
                    answer.read(1)
                    return
            except OSError:
                time.sleep(0.002)
        raise SystemExit("%s does not serve" % self.kind)

    def leader(self):
        for number in self.numbers():
            try:
                with urllib.request.urlopen("http://%s.%d:2379/v2/stats/self" % (NETWORK, number), timeout=2) as answer:
                    if json.load(answer)["state"] == "StateLeader":
                        return number
            except OSError:
                pass
        return None

    def resident_mb(self, number=1):
        with open("/proc/%d/status" % self.processes[number].pid) as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1000

    def processor_seconds(self):
        """Processor time of all members since they were started."""
        ticks = 0
        for process in self.processes.values():
            with open("/proc/%d/stat" % process.pid) as file:
                ticks += sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self, remove=True):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = {}
        if remove:
            shutil.rmtree(self.directory, ignore_errors=True)


def load(servers, operation, connections, **options):
    command = [arguments.load, "--servers", servers, "--operation", operation, "--connections", str(connections)]
    options.setdefault("seconds", arguments.seconds)
    for name, value in options.items():
        command += ["--" + name.replace("_", "-"), str(value)]
    line = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    rate, p50, p99, p999, longest, failures = (int(part) for part in line.split("\t"))
    if failures:
        print("%s: %d failures" % (operation, failures), file=sys.stderr)
    return {"rate": rate, "p50": p50, "p99": p99, "p999": p999, "max": longest}


# What was measured: (title, unit) -> kind -> a number for each round.
results = {}


def note(kind, title, unit, number):
    results.setdefault((title, unit), {}).setdefault(kind, []).append(number)
    if arguments.verbose:
        print("%s: %s %.1f %s" % (kind, title, number, unit), file=sys.stderr)


def note_load(kind, title, measured, latencies=False):
    note(kind, title, "/s", measured["rate"])
    if latencies:
        for name, label in (("p50", "50 %"), ("p99", "99 %"), ("p999", "99.9 %")):
            note(kind, "%s, latency at %s" % (title, label), "ms", measured[name] / 1000)


class ProcessorTime:
    """Where the processor time of a load goes: to the members, or to the client that shares the machine with them."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.members, self.client = cluster.processor_seconds(), self.of_children()

    @staticmethod
    def of_children():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def note(self, kind, title, measured):
        answers = max(1, measured["rate"] * arguments.seconds)
        for who, seconds in (("members", self.cluster.processor_seconds() - self.members),
                             ("client", self.of_children() - self.client)):
            note(kind, "%s, processor time of the %s for each" % (title, who), "µs", seconds / answers * 1e6)


def traffic(kind, members):
    """Everything that needs no cluster of its own."""
    wanted = [s for s in ("put", "get", "quorum-get", "cas", "post", "watch", "open") if s in sections]
    if not wanted:
        return
    cluster = Cluster(kind, members, work)
    cluster.start()
    place = "%d member%s" % (members, "" if members == 1 else "s")
    servers = cluster.servers()
    few = [1, 64] if arguments.quick else [1, 16, 64, 256]
    load(servers, "put", 64, seconds=1)
    for section in wanted:
        if section == "put":
            for connections in few:
                title = "PUT 128 B, %s, %d connections" % (place, connections)
                note_load(kind, title, load(servers, "put", connections), latencies=connections in (1, 64))
            if not arguments.quick:
                measured = load(servers, "put", 64, value_bytes=4096)
                note_load(kind, "PUT 4 KiB, %s, 64 connections" % place, measured)
        elif section in ("get", "quorum-get"):
            name = "GET" if section == "get" else "quorum GET"
            for connections in few:
                title, time_spent = "%s, %s, %d connections" % (name, place, connections), ProcessorTime(cluster)
                measured = load(servers, section, connections)
                note_load(kind, title, measured)
                if connections in (1, 64):
                    time_spent.note(kind, title, measured)
        elif section in ("cas", "post"):
            name = "compare-and-swap" if section == "cas" else "POST"
            note_load(kind, "%s, %s, 64 connections" % (name, place), load(servers, section, 64))
        elif section == "watch":
            title, time_spent = "events to 1,000 watchers, %s" % place, ProcessorTime(cluster)
            measured = load(servers, "watch", 1000)
            note_load(kind, title, measured)
            time_spent.note(kind, title, measured)
        elif section == "open":
            measured = load(servers, "put", 256, rate=2000)
            note_load(kind, "PUT at 2,000/s, %s" % place, measured, latencies=True)
    cluster.stop()


def start(kind):
    cluster = Cluster(kind, 1, work)
    note(kind, "start-up, new member", "ms", cluster.start() * 1000)
    time.sleep(2)
    note(kind, "resident, empty", "MB", cluster.resident_mb())
    cluster.stop()


def fill(kind, keys, title):
    cluster = Cluster(kind, 1, work)
    cluster.start()
    load(cluster.servers(), "fill", 64, keys=keys)
    time.sleep(3)
    note(kind, "resident, %s keys" % title, "MB", cluster.resident_mb())
    if keys <= 100_000:
        measured = load(cluster.servers(), "list", 1)
        note(kind, "listing %s keys" % title, "ms", measured["p50"] / 1000)
        note(kind, "resident, %s keys, after listings" % title, "MB", cluster.resident_mb())
    cluster.stop(remove=False)
    begin = time.monotonic()
    cluster.spawn(1)
    cluster.wait(1, "/v2/keys/fill/key-%d?quorum=true" % keys)
    note(kind, "start-up with %s keys" % title, "ms", (time.monotonic() - begin) * 1000)
    time.sleep(2)
    note(kind, "resident, %s keys, after start-up" % title, "MB", cluster.resident_mb())
    cluster.stop()


def failover(kind):
    cluster = Cluster(kind, 3, work)
    cluster.start()
    for _ in range(1 if arguments.quick else 3):
        load(cluster.servers(), "put", 3, seconds=1)
        leader = cluster.leader()
        command = [arguments.load, "--servers", cluster.servers(without=leader), "--first-write",
                   "--kill", str(cluster.processes[leader].pid)]
        line = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        note(kind, "leader killed to next write", "ms", float(line))
        cluster.processes[leader].wait()
        cluster.spawn(leader)
        cluster.wait(leader)
    cluster.stop()


def syncs(kind):
    """The least number of syncs between two acknowledgements at one connection; 1 or more is durable."""
    cluster = Cluster(kind, 1, work)
    cluster.start()
    trace = os.path.join(work, "trace")
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-s", "12", "-e", "trace=fsync,fdatasync,write,writev,sendto,sendmsg",
                               "-o", trace, "-p", str(cluster.processes[1].pid)])
    time.sleep(1)
    load(cluster.servers(), "fill", 1, keys=200)
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    counts, since = [], 0
    for line in open(trace, errors="replace"):
        # A sync counts when it has ended; an answer when its sending begins.
        if re.search(r"\b(fsync|fdatasync)\b", line) and "unfinished" not in line:
            since += 1
        elif '"HTTP/1.1 20' in line:
            counts.append(since)
            since = 0
    note(kind, "syncs before each of 200 writes, least", "", min(counts) if len(counts) >= 200 else 0)
    cluster.stop()


WANTED = [
    (r"^PUT 128 B, . members?, (64|256) connections$", ">=", 1.5), (r"^PUT 128 B, . members?, 1 connections$", ">=", 1.0),
    (r"^(quorum )?GET.*connections$", ">=", 2), (r"^events.*members?$", ">=", 1.5), (r"^PUT 128 B, 1 .* 64 .*99 %$", "<=", 0.7),
    (r"^resident, (100 k|1 M) keys$", "<=", 0.5), (r"^start-up", "<=", 0.5), (r"^leader killed", "<=", 0.7),
]


def wanted(title, ratio):
    for pattern, relation, limit in WANTED:
        if re.search(pattern, title):
            holds = ratio >= limit if relation == ">=" else ratio <= limit
            return "%s %s%s" % ("≥" if relation == ">=" else "≤", limit, "" if holds else " **missed**")
    return ""


def table():
    rounds = max(len(numbers) for kinds in results.values() for numbers in kinds.values())
    print("\n| median of %d rounds | coracle | etcd 3.4.23 | ratio | wanted |\n|---|--:|--:|--:|---|" % rounds)
    for (title, unit), kinds in results.items():
        ours, theirs = kinds.get("coracle", []), kinds.get("etcd", [])
        if not ours or not theirs:
            continue
        ratio = statistics.median(a / b if b else 0 for a, b in zip(ours, theirs))
        numbers = ["%s %s" % (format(statistics.median(n), ",.0f" if statistics.median(n) >= 100 else ".2f"), unit)
                   for n in (ours, theirs)]
        print("| %s | %s | %s | %.2f | %s |" % (title.replace("1 connections", "1 connection"), numbers[0].strip(),
                                                numbers[1].strip(), ratio, wanted(title, ratio)))


parser = argparse.ArgumentParser()
parser.add_argument("coracle")
parser.add_argument("load")
parser.add_argument("--section", default="all", help="some of: " + ", ".join(SECTIONS))
parser.add_argument("--rounds", type=int)
parser.add_argument("--seconds", type=float)
parser.add_argument("--quick", action="store_true", help="one short round, and no million keys")
parser.add_argument("--members", default="1,3")
parser.add_argument("--kinds", default="coracle,etcd")
parser.add_argument("--verbose", action="store_true")
arguments = parser.parse_args()
arguments.coracle, arguments.load = os.path.abspath(arguments.coracle), os.path.abspath(arguments.load)
arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
arguments.seconds = arguments.seconds or (1.5 if arguments.quick else 4)
sections = SECTIONS if arguments.section == "all" else arguments.section.split(",")
if unknown := set(sections) - set(SECTIONS):
    parser.error("no such section: %s" % ", ".join(sorted(unknown)))
if arguments.quick and arguments.section == "all":
    sections = [s for s in sections if s != "million"]
work = tempfile.mkdtemp(prefix="coracle-bench.")
try:
    for number in range(arguments.rounds):
        for kind in arguments.kinds.split(","):
            if "sync" in sections and number == 0:
                syncs(kind)
            if "start" in sections:
                start(kind)
        for members in (int(m) for m in arguments.members.split(",")):
            for kind in arguments.kinds.split(","):
                traffic(kind, members)
        for kind in arguments.kinds.split(","):
            if "failover" in sections:
                failover(kind)
            if "memory" in sections:
                fill(kind, 100_000, "100 k")
            if "million" in sections and number == 0:
                fill(kind, 1_000_000, "1 M")
    table()
finally:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        # What a failed run left behind, known by its directory.
        try:
            with open(path, "rb") as file:
                if work.encode() in file.read():
                    os.kill(int(path.split("/")[2]), signal.SIGKILL)
        except OSError:
            pass
    shutil.rmtree(work, ignore_errors=True)
