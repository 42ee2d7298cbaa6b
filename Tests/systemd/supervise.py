#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""supervise FOLDER COMMAND...: does for COMMAND what systemd does for a service with sockets.

It listens on FOLDER/control.sock and FOLDER/hook.sock, hands both over by name, control
first, asks for a sign of life three times a second, and writes what it is told to
FOLDER/notified, a line each. COMMAND starts when FOLDER/start is there. Its process id is
written to FOLDER/pid.
"""
import os
import socket
import sys
import time

folder, command = sys.argv[1], sys.argv[2:]
listeners = []
for name in ("control", "hook"):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/{name}.sock")
    listener.listen(64)
    listeners.append(listener)
notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notified.bind(f"{folder}/notify.sock")
while not os.path.exists(f"{folder}/start"):
    time.sleep(0.05)

child = os.fork()
if child == 0:
    # Out of the way first: 3 and 4 may be taken.
    high = [os.dup(listener.fileno()) for listener in listeners]
    for number, descriptor in enumerate(high, start=3):
        os.dup2(descriptor, number, inheritable=True)
    environment = dict(
        os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="control:hook",
        NOTIFY_SOCKET=f"{folder}/notify.sock", WATCHDOG_USEC="1000000", WATCHDOG_PID=str(os.getpid()))
    os.execve(command[0], command, environment)
with open(f"{folder}/pid", "w") as file:
    file.write(str(child))
for listener in listeners:
    listener.close()
notified.settimeout(0.2)
with open(f"{folder}/notified", "w", buffering=1) as file:
    while True:
        try:
            file.write(notified.recv(4096).decode() + "\n")
        except TimeoutError:
            # What was sent before the end has been read by now.
            if os.waitpid(child, os.WNOHANG)[0]:
                break
