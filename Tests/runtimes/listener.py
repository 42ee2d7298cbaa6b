#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""listener.py SOCKET FILE: writes each datagram as a line, as a system log would."""

import os
import socket
import sys

path, file = sys.argv[1:]
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log, open(file, "ab", buffering=0) as lines:
    if os.path.exists(path):
        os.unlink(path)
    log.bind(path)
    while True:
        lines.write(log.recv(65536) + b"\n")
