#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile.py SOCKET SECONDS: what a local user can do to a socket that takes connections, all at once.
Prints how many connections were tried, and how many answers came back whole."""
import json
import os
import resource
import socket
import sys
import threading
import time

path, seconds = sys.argv[1], float(sys.argv[2])
end = time.monotonic() + seconds
is_http = os.path.basename(path).startswith("metrics")
counts = {"tried": 0, "answered": 0}
lock = threading.Lock()
status = b'{"version":1,"command":"status"}\n'
scrape = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
change = b'{"version":1,"command":"violationsAcknowledge","id":1}\n'


def count(what):
    with lock:
        counts[what] += 1


def connect(timeout=5):
    count("tried")
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(timeout)
    one.connect(path)
    return one


def ask(bytes_):
    """Sends, and reads to the end."""
    with connect() as one:
        one.sendall(bytes_)
        answer = b""
        while part := one.recv(1 << 16):
            answer += part
            if answer.endswith(b"\n") and not is_http:
                break
    if answer:
        count("answered")


def flood():
    ask(scrape if is_http else status)


def changes():
    ask(b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" if is_http else change)


def oversized():
    ask(b"x" * (3 << 20))


def malformed():
    for frame in (b"\0" * 100, b"{" * 100_000 + b"\n", b"[" * 2_000_000 + b"\n", os.urandom(4096) + b"\n",
                  b'{"version":1,"command":"' + b"a" * 1_000_000 + b'"}\n', b"\n"):
        ask(frame)


def slow():
    """Connections that send a byte now and then."""
    held = [connect() for _ in range(50)]
    for byte in status:
        for one in held:
            one.send(bytes([byte]))
        time.sleep(0.5)
        if time.monotonic() > end:
            return


def deaf():
    """Asks for much and reads nothing."""
    held = []
    for _ in range(50):
        held.append(connect())
        held[-1].sendall(scrape if is_http else status)
    time.sleep(1)


def many():
    """As many descriptors as this process may have."""
    held = []
    try:
        while time.monotonic() < end:
            held.append(connect())
    finally:
        time.sleep(min(2, max(0, end - time.monotonic())))


def attack(way):
    while time.monotonic() < end:
        try:
            way()
        except (OSError, EOFError):
            time.sleep(0.001)


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
ways = [flood, flood, changes, oversized, malformed, slow, deaf, many]
threads = [threading.Thread(target=attack, args=(way,), daemon=True) for way in ways]
for thread in threads:
    thread.start()
time.sleep(seconds + 1)
print(json.dumps(counts))
