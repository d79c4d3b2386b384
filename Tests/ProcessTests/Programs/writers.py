#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes unique keys from many connections until told to stop; prints one line for each acknowledged write.

usage: writers.py WRITERS STOP-FILE ENDPOINT...        (ENDPOINT is HOST:PORT)

A write without an acknowledgement (error, 5xx, broken connection) is unknown and is not printed; its writer goes on
with the next key at the next endpoint.
"""
import http.client
import os
import sys
import threading
import time
import urllib.parse

writers, stop_file, endpoints = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
printing = threading.Lock()
give_up = time.monotonic() + 600


def write(writer):
    turn, number, connection = writer, 0, None
    while not os.path.exists(stop_file) and time.monotonic() < give_up:
        number += 1
        key = "/v2/keys/writers/%d/%d" % (writer, number)
        try:
            if connection is None:
                connection = http.client.HTTPConnection(endpoints[turn % len(endpoints)], timeout=10)
            body = urllib.parse.urlencode({"value": "%d-%d" % (writer, number)})
            connection.request("PUT", key, body, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            answer.read()
            acknowledged = answer.status in (200, 201)
        except (OSError, http.client.HTTPException):
            acknowledged = False
        if acknowledged:
            with printing:
                print("%d %d" % (writer, number), flush=True)
        else:
            turn += 1
            if connection is not None:
                connection.close()
            connection = None
            time.sleep(0.02)


threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
