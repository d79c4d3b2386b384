#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python-etcd's repertoire against one node; exits 1 with the first thing that is not as expected.

usage: python_etcd.py HOST PORT [CA CERTIFICATE KEY]
"""
import sys
import threading
import time

import etcd

host, port = sys.argv[1], int(sys.argv[2])
secure = {}
if len(sys.argv) > 3:
    secure = {"protocol": "https", "ca_cert": sys.argv[3], "cert": (sys.argv[4], sys.argv[5])}
client = etcd.Client(host=host, port=port, allow_reconnect=True, **secure)
root = "/python/%s" % host


def expect(what, found, wanted):
    if found != wanted:
        sys.exit("%s: %r, not %r" % (what, found, wanted))


def expect_error(what, error, call):
    try:
        call()
    except error:
        return
    sys.exit("%s: no %s" % (what, error.__name__))


# set, get, ls
written = client.write(root + "/a", "1")
expect("value after write", client.read(root + "/a").value, "1")
expect("action", client.set(root + "/a", "2").action, "set")
client.write(root + "/dir/x", "x")
client.write(root + "/dir/y", "y")
listing = sorted(child.key for child in client.read(root + "/dir", recursive=True, sorted=True).children)
expect("ls", listing, [root + "/dir/x", root + "/dir/y"])
expect("machines", len(client.machines) >= 1, True)
expect("leader", "name" in client.leader, True)

# mk, rm, update
client.write(root + "/new", "n", prevExist=False)
expect_error("mk twice", etcd.EtcdAlreadyExist, lambda: client.write(root + "/new", "n", prevExist=False))
expect("update", client.write(root + "/new", "m", prevExist=True).action, "update")
expect_error("update of nothing", etcd.EtcdKeyNotFound, lambda: client.write(root + "/none", "m", prevExist=True))
expect("rm", client.delete(root + "/new").action, "delete")
expect_error("get after rm", etcd.EtcdKeyNotFound, lambda: client.read(root + "/new"))
expect_error("rm of a full directory", etcd.EtcdDirNotEmpty, lambda: client.delete(root + "/dir", dir=True))

# CAS
expect("cas", client.test_and_set(root + "/a", "3", "2").action, "compareAndSwap")
expect_error("cas with a wrong value", etcd.EtcdCompareFailed, lambda: client.test_and_set(root + "/a", "4", "2"))
index = client.read(root + "/a").modifiedIndex
expect("cas by index", client.write(root + "/a", "5", prevIndex=index).value, "5")

# TTL
client.write(root + "/long", "l", ttl=1000)
expect("ttl", 900 < client.read(root + "/long").ttl <= 1000, True)
client.write(root + "/short", "s", ttl=1)
deadline = time.monotonic() + 60
while True:
    try:
        client.read(root + "/short")
    except etcd.EtcdKeyNotFound:
        break
    if time.monotonic() > deadline:
        sys.exit("the key outlived its time")
    time.sleep(0.05)

# watch: live, and from history
seen = []
watcher = threading.Thread(target=lambda: seen.append(client.watch(root + "/watched", timeout=60)))
watcher.start()
deadline = time.monotonic() + 60
while watcher.is_alive() and time.monotonic() < deadline:
    etcd.Client(host=host, port=port, **secure).write(root + "/watched", "now")
    watcher.join(0.1)
expect("watch", seen and seen[0].value, "now")
expect("watch from history", client.watch(root + "/a", index=written.modifiedIndex).value, "1")

# eternal watch: every change once and in order, whatever else is written
stop = threading.Event()
followed = []


def follow(start):
    for event in etcd.Client(host=host, port=port, **secure).eternal_watch(root + "/stream", index=start, recursive=True):
        followed.append((event.action, event.key[len(root):], event.value))
        if event.action == "delete":
            return


begin = client.write(root + "/stream/0", "zero").modifiedIndex
follower = threading.Thread(target=follow, args=(begin,))
follower.start()
for number in range(1, 21):
    client.write(root + "/stream/%d" % number, str(number))
    client.write(root + "/elsewhere", str(number))
client.delete(root + "/stream", recursive=True, dir=True)
follower.join(60)
changes = [("set", "/stream/0", "zero")] + [("set", "/stream/%d" % n, str(n)) for n in range(1, 21)]
expect("eternal watch", followed, changes + [("delete", "/stream", None)])

# a watch in time, and one from a cleared history
expect_error("watch that times out", etcd.EtcdWatchTimedOut, lambda: client.watch(root + "/quiet", timeout=1))

# directories
client.write(root + "/made", None, dir=True)
expect_error("dir over dir", etcd.EtcdNotFile, lambda: client.write(root + "/made", None, dir=True))
expect("is a dir", client.read(root + "/made").dir, True)
expect_error("value into a dir", etcd.EtcdNotFile, lambda: client.write(root + "/made", "x"))
expect_error("delete of a dir as a file", etcd.EtcdNotFile, lambda: client.delete(root + "/made"))
expect("rmdir", client.delete(root + "/made", dir=True).action, "delete")
expect("rm -r", client.delete(root + "/dir", recursive=True).action, "delete")
expect_error("gone", etcd.EtcdKeyNotFound, lambda: client.read(root + "/dir/x"))
expect_error("below a file", etcd.EtcdNotDir, lambda: client.write(root + "/a/b", "x"))
expect_error("root", etcd.EtcdRootReadOnly, lambda: client.write("/", "x"))

# pop, update of a result, refresh
client.write(root + "/popped", "p")
expect("pop", client.pop(root + "/popped").value, "p")
result = client.read(root + "/a")
result.value = "changed"
expect("update of what was read", client.update(result).value, "changed")
result.value = "again"
client.write(root + "/a", "meanwhile")
expect_error("update of what has changed", etcd.EtcdCompareFailed, lambda: client.update(result))
client.write(root + "/fresh", "f", ttl=5)
expect("refresh", client.refresh(root + "/fresh", ttl=300).ttl > 200, True)
expect("refreshed value", client.read(root + "/fresh").value, "f")
expect("quorum read", client.read(root + "/fresh", quorum=True).value, "f")
expect("text", client.write(root + "/t\u00e4xt", "\u65e5\u672c & <b>").value, "\u65e5\u672c & <b>")
expect("sorted children", [c.key[-1] for c in client.read(root, sorted=True).children if c.key[-2:] == "/a"], ["a"])

# stats, members, version
expect("stats", "leaderInfo" in client.stats, True)
expect("store stats", client.store_stats["setsSuccess"] > 0, True)
expect("members", len(client.members) >= 1, True)
expect("leader is a member", client.leader["id"] in client.members, True)
expect("version", client.version.count("."), 2)
expect("cluster version", client.cluster_version.count("."), 2)
try:
    expect("leader stats", "followers" in client.leader_stats, True)
except etcd.EtcdException:
    # Only the leader has them.
    expect("no leader stats", client.leader["clientURLs"][0].find(host) < 0, True)

# conditional deletes
client.write(root + "/cad", "v")
expect_error("cad with a wrong value", etcd.EtcdCompareFailed, lambda: client.delete(root + "/cad", prevValue="w"))
expect("cad", client.delete(root + "/cad", prevValue="v").action, "compareAndDelete")

# in-order keys
first = client.write(root + "/queue", "1", append=True)
second = client.write(root + "/queue", "2", append=True)
expect("order", first.key < second.key, True)

# the lock recipe
lock = etcd.Lock(client, "lock-%s" % host.replace(".", "-"))
expect("lock", lock.acquire(blocking=True, lock_ttl=30, timeout=10), True)
expect("is acquired", lock.is_acquired, True)
other = etcd.Lock(etcd.Client(host=host, port=port, **secure), "lock-%s" % host.replace(".", "-"))
expect("second lock", other.acquire(blocking=False, lock_ttl=30), False)
waiting = threading.Thread(target=lambda: seen.append(other.acquire(blocking=True, lock_ttl=30, timeout=60)))
waiting.start()
lock.release()
waiting.join(60)
expect("second lock once the first is free", seen[-1], True)
expect("first has lost it", lock.is_acquired, False)
other.release()

# election: who holds the lock leads, and the next takes over when the leader's time runs out
first = etcd.Lock(client, "election-%s" % host.replace(".", "-"))
started = time.monotonic()
expect("elected", first.acquire(blocking=True, lock_ttl=2, timeout=10), True)
second = etcd.Lock(etcd.Client(host=host, port=port, **secure), "election-%s" % host.replace(".", "-"))
expect("next leader", second.acquire(blocking=True, lock_ttl=30, timeout=60), True)
expect("not before the first leader's time was over", time.monotonic() - started > 1, True)
expect("the first leads no more", first.is_acquired, False)
second.release()
print("ok")
