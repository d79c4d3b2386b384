#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures units on three hosts beside fleet's known figures and Docker's Swarm mode, and prints a Markdown table.

usage: units.py CORACLE [--sections NAME,…] [--units N] [--containers N]

Sections: processes (coracle, units that sleep), default (the same with the default agent-ttl), containers (coracle, units
that do it in a container each), swarm (replicas of that container on the same engines). fleet's figures are of fleetd
1.0.0 on etcd 2.3.8, two cores, three daemons with agent_ttl 6 s, units that are processes.
"""
import argparse
import glob
import http.client
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import hosts as computer
from engines import Engines, Swarm
from nodes import CONTAINER, PROCESS, Nodes

# What each section takes at most, in seconds.
SECTIONS = {"processes": 130, "default": 80, "containers": 240, "swarm": 240}
FEW = 60
NEVER = float("inf")

ONE = "one unit started, idle cluster, median of 5"
START_NEW, START_HTTP = "all new, over HTTP → active", "all launched, created before, over HTTP → active"
START_FLEETCTL = "all new, by fleetctl → active"
FEW_HTTP, FEW_FLEETCTL = "60 destroyed over HTTP → gone", "60 destroyed by fleetctl → gone"
ALL_HTTP, ALL_FLEETCTL = "all destroyed over HTTP → gone", "all destroyed by fleetctl → gone"
LOSS = "machine lost, 6 s of silence allowed → its units run elsewhere"
LOSS_AFTER = "the same, from noticing it on"
LEADER = "machine of the leader lost, 6 s of silence allowed"
LEADER_AFTER = "machine of the leader lost, from noticing it on"
DEFAULT = "machine lost, default settings (agent-ttl 30 s; heartbeat 5 s)"
DEFAULT_AFTER = "default settings, from noticing it on"
IDLE = "idle, processor of a host with a third of all"
# Operations in the table's order, with fleet's seconds; None where they are not known.
FLEET = {
    ONE: 2.8, START_NEW: None, START_HTTP: 4.1, START_FLEETCTL: 4.1, FEW_HTTP: 79.9, FEW_FLEETCTL: 79.9,
    ALL_HTTP: NEVER, ALL_FLEETCTL: NEVER, LOSS: 5.0, LOSS_AFTER: None, LEADER: None, LEADER_AFTER: None, DEFAULT: None,
    DEFAULT_AFTER: None, IDLE: None,
}
# What is one and the same in Swarm.
SAME_IN_SWARM = {START_HTTP: START_NEW, START_FLEETCTL: START_NEW, FEW_FLEETCTL: FEW_HTTP, ALL_FLEETCTL: ALL_HTTP}
found = {}


def record(section, operation, value):
    found[section, operation] = value
    unit = "%" if operation == IDLE else "s"
    print("%s: %s: %.2f %s" % (section, operation, value, unit), file=sys.stderr, flush=True)


def record_loss(section, operation, after, noticed, total):
    record(section, operation, total)
    record(section, after, total - noticed)


def one_after_another(start):
    times = []
    for number in range(5):
        times.append(start(number))
        time.sleep(0.5)
    return statistics.median(times)


def lose_in_turn(section, nodes, power_on):
    """Loses a host that does not lead, then the one that leads."""
    leader = nodes.leader()
    for operation, after, victim in ((LOSS, LOSS_AFTER, leader % 3 + 1), (LEADER, LEADER_AFTER, None)):
        victim = victim or nodes.leader()
        record_loss(section, operation, after, *nodes.lose(victim))
        nodes.hosts[victim].power_on()
        power_on(victim)
        nodes.start(victim)
        nodes.await_machines()
        time.sleep(3)


def measure_nodes(section, hosts, text, count, engines=None):
    """coracle's column: units over HTTP, losses; for processes by fleetctl and with the default agent-ttl too."""
    sockets = {number: engines.socket(number) for number in hosts} if engines else None
    nodes = Nodes(arguments.coracle, hosts, section, "6s", sockets)
    one, many = ["one@%d" % n for n in range(5)], ["many@%d.service" % n for n in range(count)]
    record(section, ONE, one_after_another(lambda n: nodes.start_over_http([one[n] + ".service"], text)))
    nodes.destroy_over_http([name + ".service" for name in one])
    record(section, START_NEW, nodes.start_over_http(many, text))
    record(section, IDLE, computer.idle_percent(hosts))
    record(section, FEW_HTTP, nodes.destroy_over_http(many[:FEW]))
    nodes.start_over_http(many[:FEW], text)
    lose_in_turn(section, nodes, lambda victim: engines and engines.replace(victim))
    record(section, ALL_HTTP, nodes.destroy_over_http(many))
    if not engines:
        for name in many:
            nodes.put(name, text, "inactive")
        record(section, START_HTTP, nodes.start_over_http(many, text))
        nodes.destroy_over_http(many)
        nodes.put("many@.service", text, "inactive")
        record(section, START_FLEETCTL, nodes.start_by_fleetctl(many))
        record(section, FEW_FLEETCTL, nodes.destroy_by_fleetctl(many[:FEW]))
        nodes.start_by_fleetctl(many[:FEW])
        record(section, ALL_FLEETCTL, nodes.destroy_by_fleetctl(many))
    nodes.stop()


def measure_engines(engines):
    """What the engines take for containers that nobody manages: the least that anyone can take with them."""
    started, removed = engines.run_alone(FEW)
    print("engines alone, %d containers, 4 requests at once: started in %.2f s, removed in %.2f s"
          % (FEW, started, removed), flush=True)


def measure_default(section, hosts, text, count):
    nodes = Nodes(arguments.coracle, hosts, section + "-default", "30s")
    nodes.start_over_http(["many@%d.service" % n for n in range(count)], text)
    victim = nodes.leader() % 3 + 1
    record_loss(section, DEFAULT, DEFAULT_AFTER, *nodes.lose(victim))
    hosts[victim].power_on()
    nodes.stop()


def measure_swarm(section, hosts, engines, count):
    """Swarm's column: one service of many replicas."""
    swarm = Swarm(engines)
    swarm.set_heartbeat(2)
    record(section, ONE, one_after_another(lambda n: swarm.create("one%d" % n, 1)))
    for number in range(5):
        swarm.remove("one%d" % number, 1)
    record(section, START_NEW, swarm.create("many", count))
    record(section, IDLE, computer.idle_percent(hosts))
    record(section, FEW_HTTP, swarm.scale("many", count - FEW))
    swarm.scale("many", count)
    for operation, after, leads in ((LOSS, LOSS_AFTER, False), (LEADER, LEADER_AFTER, True)):
        victim, noticed, total = swarm.lose(leads)
        record_loss(section, operation, after, noticed, total)
        hosts[victim].power_on()
        engines.start(victim)
        engines.await_answer(victim)
        swarm.await_nodes()
    swarm.set_heartbeat(5)
    victim, noticed, total = swarm.lose(False)
    record_loss(section, DEFAULT, DEFAULT_AFTER, noticed, total)
    record(section, ALL_HTTP, swarm.remove("many", count))


def cell(operation, value):
    if value is None:
        return "–"
    if value == NEVER:
        return "never"
    return "%.1f %%" % value if operation == IDLE else "%.2f s" % value


def verdict(operation, ours, others):
    """Our ratio to the best of the others, and whether what is wanted was reached."""
    if ours is None or operation == IDLE:
        return "", ""
    best = min((value for value in others if value is not None), default=None)
    if best is None:
        return "", "hit" if ours <= 1 else ""
    bound = best + 1 if operation in (LOSS, LEADER, DEFAULT) else 1
    ratio = best / ours
    return "∞" if best == NEVER else "%.1f" % ratio, "hit" if ratio >= 3 or ours <= bound else "**missed**"


def print_table():
    print("| | coracle, processes | coracle, containers | fleetd 1.0.0 | Swarm | ratio, processes | wanted |"
          " ratio, containers to Swarm | wanted |")
    print("|---|--:|--:|--:|--:|--:|---|--:|---|")
    for operation, fleet in FLEET.items():
        swarm = found.get(("swarm", SAME_IN_SWARM.get(operation, operation)))
        processes, containers = found.get(("processes", operation)), found.get(("containers", operation))
        values = [cell(operation, value) for value in (processes, containers, fleet, swarm)]
        print("| %s |" % " | ".join([operation, *values, *verdict(operation, processes, [fleet, swarm]),
                                     *verdict(operation, containers, [swarm])]))


def late(*_):
    raise computer.Late("its time is over")


def measure(sections):
    work = tempfile.mkdtemp(prefix="cb.")
    hosts = computer.make_hosts(3, work)
    engines, generation = None, 0

    def engines_once():
        nonlocal engines, generation
        if engines is None:
            generation += 1
            engines = Engines(hosts, "docker%d" % generation)
        return engines

    def containers():
        measure_engines(engines_once())
        measure_nodes("containers", hosts, CONTAINER, arguments.containers, engines)

    work_of = {
        "processes": lambda: measure_nodes("processes", hosts, PROCESS, arguments.units),
        "default": lambda: measure_default("processes", hosts, PROCESS, arguments.units),
        "containers": containers,
        "swarm": lambda: measure_swarm("swarm", hosts, engines_once(), arguments.containers),
    }
    signal.signal(signal.SIGALRM, late)
    try:
        for section in sections:
            signal.alarm(SECTIONS[section])
            try:
                work_of[section]()
                signal.alarm(0)
            except (computer.Late, OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
                signal.alarm(0)
                print("section %s ended early: %s" % (section, error), flush=True)
                engines = None
                for host in hosts.values():
                    host.power_off()
                    host.power_on()
    finally:
        signal.alarm(0)
        if arguments.keep_logs:
            keep_logs(hosts, arguments.keep_logs)
        computer.remove(hosts, work)


def keep_logs(hosts, directory):
    for host in hosts.values():
        place = os.path.join(directory, "host%d" % host.number)
        os.makedirs(place, exist_ok=True)
        for log in glob.glob(host.directory + "/*.log"):
            shutil.copy(log, place)


computer.isolate()
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("coracle", type=os.path.abspath)
parser.add_argument("--sections", default=",".join(SECTIONS))
parser.add_argument("--units", type=int, default=300, help="how many units of processes")
parser.add_argument("--containers", type=int, default=100, help="how many units of containers, and replicas")
parser.add_argument("--keep-logs", metavar="DIRECTORY", type=os.path.abspath, help="copy the logs there at the end")
arguments = parser.parse_args()
measure(arguments.sections.split(","))
print("%d units of processes, %d units of containers, %d replicas in Swarm"
      % (arguments.units, arguments.containers, arguments.containers))
print_table()
