#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens many watches on one member and tells what each got.

usage: watchers.py many COUNT HOST PORT      COUNT long polls on /v2/keys/w, then one write
       watchers.py slow HOST PORT            a stream that is not read while 15 MB of events come

Prints one JSON object.
"""
import asyncio
import json
import socket
import sys
import time
import urllib.parse


async def put(host, port, key, value):
    reader, writer = await asyncio.open_connection(host, port)
    body = urllib.parse.urlencode({"value": value}).encode()
    head = "PUT /v2/keys%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" % key
    writer.write(("%sContent-Length: %d\r\nConnection: close\r\n\r\n" % (head, len(body))).encode() + body)
    answer = await reader.read()
    writer.close()
    return answer


async def many(count, host, port):
    connections, problems = [], []
    started = time.monotonic()

    async def watch(number):
        try:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /v2/keys/w?wait=true&recursive=true HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
            if not head.startswith(b"HTTP/1.1 200"):
                problems.append(head[:60].decode(errors="replace"))
            connections.append((reader, writer))
        except Exception as error:
            problems.append(repr(error))

    for first in range(0, count, 250):
        await asyncio.gather(*(watch(number) for number in range(first, min(count, first + 250))))
    ready = time.monotonic()
    print(json.dumps({"ready": len(connections), "problems": problems[:5]}), flush=True)

    async def event(reader):
        line = await asyncio.wait_for(reader.readuntil(b"}\n"), 120)
        return line[line.index(b"{"):]

    wrote = time.monotonic()
    answer, *events = await asyncio.gather(put(host, port, "/w/x", "1"), *(event(reader) for reader, _ in connections))
    done = time.monotonic()
    for _, writer in connections:
        writer.close()
    print(json.dumps({
        "ready": len(connections), "problems": problems[:5], "events": len(events), "kinds": len(set(events)),
        "openSeconds": ready - started, "eventSeconds": done - wrote, "status": answer[9:12].decode(),
    }))


def slow(host, port):
    stream = socket.socket()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    stream.connect((host, port))
    stream.sendall(b"GET /v2/keys/s?wait=true&stream=true&recursive=true HTTP/1.1\r\nHost: x\r\n\r\n")
    received = b""
    while b"\r\n\r\n" not in received:
        received += stream.recv(65536)
    value = "v" * 100_000
    statuses = set()
    for number in range(150):
        statuses.add(asyncio.run(put(host, port, "/s/k", "%d:%s" % (number, value)))[9:12].decode())
    stream.settimeout(60)
    closed = False
    try:
        while True:
            part = stream.recv(1 << 20)
            if not part:
                closed = True
                break
            received += part
    except ConnectionError:
        closed = True
    except socket.timeout:
        pass
    body = received[received.index(b"\r\n\r\n") + 4:]
    # Other keys take indexes too, so what counts is the number that each value begins with.
    numbers, whole = [], True
    while body:
        size, _, rest = body.partition(b"\r\n")
        size = int(size or b"0", 16)
        if size == 0 or len(rest) < size:
            whole = size != 0
            break
        numbers.append(int(json.loads(rest[:size])["node"]["value"].split(":")[0]))
        body = rest[size + 2:]
    gaps = [number for number, following in zip(numbers, numbers[1:]) if following != number + 1]
    print(json.dumps({
        "closed": closed, "events": len(numbers), "gaps": len(gaps), "endedCleanly": not whole,
        "statuses": sorted(statuses),
    }))


if sys.argv[1] == "many":
    asyncio.run(many(int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
else:
    slow(sys.argv[2], int(sys.argv[3]))
