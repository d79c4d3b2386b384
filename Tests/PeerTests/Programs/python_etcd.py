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
client.write(root + "/short", "s", ttl=1)
expect("ttl", client.read(root + "/short").ttl, 1)
deadline = time.monotonic() + 5
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
watcher = threading.Thread(target=lambda: seen.append(client.watch(root + "/watched", timeout=20)))
watcher.start()
deadline = time.monotonic() + 20
while watcher.is_alive() and time.monotonic() < deadline:
    etcd.Client(host=host, port=port, **secure).write(root + "/watched", "now")
    watcher.join(0.1)
expect("watch", seen and seen[0].value, "now")
expect("watch from history", client.watch(root + "/a", index=written.modifiedIndex).value, "1")

# in-order keys
first = client.write(root + "/queue", "1", append=True)
second = client.write(root + "/queue", "2", append=True)
expect("order", first.key < second.key, True)

# the lock recipe
lock = etcd.Lock(client, "lock-%s" % host.replace(".", "-"))
expect("lock", lock.acquire(blocking=True, lock_ttl=30, timeout=10), True)
lock.release()
print("ok")
