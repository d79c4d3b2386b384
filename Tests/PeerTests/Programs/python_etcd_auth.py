#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python-etcd's users and roles against a cluster; exits 1 with the first thing that is not as expected.

usage: python_etcd_auth.py HOST...
"""
import sys
import time

import etcd
from etcd.auth import Auth, EtcdRole, EtcdUser

hosts = sys.argv[1:]


def expect(what, found, wanted):
    if found != wanted:
        sys.exit("%s: %r, not %r" % (what, found, wanted))


def expect_error(what, error, call):
    try:
        call()
    except error:
        return
    sys.exit("%s: no %s" % (what, error.__name__))


def client(host, username=None, password=None):
    return etcd.Client(host=host, port=2379, username=username, password=password, allow_reconnect=False)


plain = client(hosts[0])

# Users and roles, made, read, changed.
root = EtcdUser(plain, "root")
root.password = "pw"
root.write()
role = EtcdRole(plain, "app")
role.grant("/app/*", "RW")
role.grant("/one", "R")
role.write()
role.read()
expect("acls", role.acls, {"/app/*": "RW", "/one": "R"})
role.grant("/two", "W")
role.write()
role.revoke("/two", "W")
role.write()
role.read()
expect("acls after revoke", role.acls, {"/app/*": "RW", "/one": "R"})
user = EtcdUser(plain, "app")
user.password = "secret"
user.roles = ["app"]
user.write()
expect("roles", user.roles, {"app"})
expect("users", [entry["user"] for entry in EtcdUser(plain, "root").names], ["app", "root"])
expect("names of roles", [entry["role"] for entry in EtcdRole(plain, "app").names], ["app", "root"])
expect_error("read of nobody", etcd.EtcdKeyNotFound, EtcdUser(plain, "nobody").read)
plain.write("/one", "1")

# On, and nothing for guests.
Auth(plain).active = True
expect("enabled", Auth(plain).active, True)
boss = client(hosts[0], "root", "pw")
guest = EtcdRole(boss, "guest")
guest.read()
expect("guest", guest.acls, {"/*": "RW"})
guest.revoke("/*", "RW")
guest.write()

for host in hosts:
    anyone, app, wrong = client(host), client(host, "app", "secret"), client(host, "app", "guess")
    deadline = time.monotonic() + 60
    while True:
        try:
            anyone.read("/one")
        except etcd.EtcdInsufficientPermissions:
            break
        if time.monotonic() > deadline:
            sys.exit("guests may still read on %s" % host)
        time.sleep(0.05)
    key = "/app/%s" % host
    expect_error("guest's write", etcd.EtcdInsufficientPermissions, lambda: anyone.write(key, "x"))
    expect_error("wrong password", etcd.EtcdInsufficientPermissions, lambda: wrong.read("/one"))
    expect("write", app.write(key, "x").value, "x")
    expect("read", app.read("/one").value, "1")
    expect_error("write beyond", etcd.EtcdInsufficientPermissions, lambda: app.write("/one", "2"))
    expect_error("recursive read", etcd.EtcdInsufficientPermissions, lambda: app.read("/", recursive=True))
    expect("recursive read below", len(list(app.read("/app/", recursive=True).children)) >= 1, True)
    expect_error("users of a stranger", etcd.EtcdInsufficientPermissions, EtcdUser(app, "root").read)
    expect_error("change by a stranger", etcd.EtcdInsufficientPermissions, EtcdRole(app, "mine").write)
    expect("root reads all", client(host, "root", "pw").read("/", recursive=True).dir, True)

Auth(boss).active = False
expect("disabled", Auth(plain).active, False)
expect("read", client(hosts[0]).read("/one").value, "1")
print("ok")
