#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second, independent path key, and the maker of the shared test vectors.

    path_key.py vectors    prints Tests/Fixtures/path-key-vectors.txt
    path_key.py siphash    prints Tests/Fixtures/siphash-vectors.txt
    path_key.py check      compares both files with what it computes, and SipHash
                           with OpenSSL where `openssl mac` knows it

Written from docs/path-key.md, not from the Swift or BPF code: it builds each
component's message as bytes and hashes it with a general SipHash-2-4.
"""

import os
import random
import shutil
import subprocess
import sys

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fixtures")
MASK = 2**64 - 1


def rotl(x, b):
    return (x << b | x >> (64 - b)) & MASK


def siphash(key, message):
    """SipHash-2-4, 8 bytes, for any message."""
    k = [int.from_bytes(key[i : i + 8], "little") for i in (0, 8)]
    v = [
        k[0] ^ int.from_bytes(b"uespemos", "little"),
        k[1] ^ int.from_bytes(b"modnarod", "little"),
        k[0] ^ int.from_bytes(b"arenegyl", "little"),
        k[1] ^ int.from_bytes(b"setybdet", "little"),
    ]

    def rounds(n):
        for _ in range(n):
            for a, b, c, d in ((0, 1, 2, 3), (2, 3, 0, 1)):
                # Each half round adds, rotates and mixes the two pairs.
                first, second = ((13, 16) if a == 0 else (17, 21))
                x, y = (0, 2) if a == 0 else (2, 0)
                v[x] = (v[x] + v[1]) & MASK
                v[y] = (v[y] + v[3]) & MASK
                v[1] = rotl(v[1], first) ^ v[x]
                v[3] = rotl(v[3], second) ^ v[y]
                v[x] = rotl(v[x], 32)

    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) & 0xFF])
    for i in range(0, len(padded), 8):
        word = int.from_bytes(padded[i : i + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return (v[0] ^ v[1] ^ v[2] ^ v[3]).to_bytes(8, "little")


def path_key(secret, path):
    lanes = [0, 0]
    for i, name in enumerate([c for c in path.split(b"/") if c], start=1):
        message = name + bytes(-len(name) % 8) + i.to_bytes(4, "little") + bytes([len(name), 0, 0])
        for lane in (0, 1):
            digest = siphash(secret[16 * lane : 16 * lane + 16], message)
            lanes[lane] += int.from_bytes(digest, "little")
    return b"".join((lane & MASK).to_bytes(8, "little") for lane in lanes)


def paths():
    yield from (b"/", b"/a", b"/b", b"/a/b", b"/b/a", b"/a/a", b"/ab", b"/usr/bin/psql")
    yield from (b"/usr/lib/postgresql", b"/usr/lib/postgresql/", b"//usr///bin//psql")
    yield from (b"/...", b"/.hidden", b"/a\\b", b"/with space", b"/new\nline", b"/x (deleted)")
    yield from (b"/\xff\xfe/\x80", "/späti/☃".encode())
    for n in (1, 6, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 247, 248, 249, 254, 255):
        yield b"/" + b"n" * n
        yield b"/usr/" + bytes(1 + i % 46 for i in range(n))  # bytes below the slash
    for depth in (2, 3, 31, 32, 63, 64):
        yield b"/d" * depth
        yield b"".join(b"/%d" % i for i in range(depth))
    yield b"/" + b"/".join(b"x" * 255 for _ in range(15)) + b"/" + b"y" * 254
    draw = random.Random(20261121)
    letters = [b for b in range(1, 256) if b != ord("/")]
    for _ in range(400):
        names = []
        for _ in range(draw.randint(1, 12)):
            name = bytes(draw.choice(letters) for _ in range(draw.randint(1, 40)))
            names.append(b"n" if name in (b".", b"..") else name)
        yield b"/" + b"/".join(names)


def vector_lines():
    yield "# Path keys: secret, path and key in hexadecimal; see docs/path-key.md."
    yield "# Made by Tests/Reference/path_key.py. The key is lane 0 then lane 1, little-endian."
    draw = random.Random(128)
    secrets = [bytes(range(32)), bytes(32), b"\xff" * 32]
    for n, path in enumerate(paths()):
        secret = secrets[0] if n < 80 else draw.choice(secrets + [draw.randbytes(32)])
        yield f"{secret.hex()} {path.hex()} {path_key(secret, path).hex()}"


def siphash_lines():
    yield "# SipHash-2-4 of messages of 8k+7 bytes: key, message and digest in hexadecimal."
    key = bytes(range(16))
    for k in range(8):
        message = bytes(range(8 * k + 7))
        yield f"{key.hex()} {message.hex()} {siphash(key, message).hex()}"


def openssl_agrees():
    """OpenSSL's SipHash, an implementation by others; None where it has none."""
    if not shutil.which("openssl"):
        return None
    key = bytes(range(16))
    for length in (0, 1, 7, 8, 15, 63, 64):
        message = bytes(range(length))
        run = subprocess.run(
            ["openssl", "mac", "-macopt", "hexkey:" + key.hex(), "-macopt", "size:8", "SIPHASH"],
            input=message, capture_output=True, check=False)
        if run.returncode != 0:
            return None
        if bytes.fromhex(run.stdout.decode().strip()) != siphash(key, message):
            return False
    return True


def check():
    failed = 0
    for name, lines in (("path-key-vectors.txt", vector_lines()),
                        ("siphash-vectors.txt", siphash_lines())):
        with open(os.path.join(FIXTURES, name), encoding="ascii") as file:
            same = file.read().splitlines() == list(lines)
        print(f"{name}: {'as computed' if same else 'DIFFERS'}")
        failed |= not same
    agrees = openssl_agrees()
    print("OpenSSL: " + {None: "skipped, `openssl mac` has no SipHash here",
                         True: "agrees", False: "DIFFERS"}[agrees])
    return int(failed or agrees is False)


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command == "check":
        sys.exit(check())
    lines = {"vectors": vector_lines, "siphash": siphash_lines}.get(command)
    if lines is None:
        sys.exit(__doc__)
    print("\n".join(lines()))
