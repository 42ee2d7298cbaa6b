# SPDX-License-Identifier: Apache-2.0
"""A mapd with a scratch folder, pins and containers of its own, removed at the end. A mapd that
serves this machine is not disturbed; its gate judges the same execs, in all that is compared."""

import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from measure.container import Container, remove_cgroups, root_folder
from measure.machine import BIN, GATE_LINK, PATIENCE, program, wait_until


class Node:
    """Use it in a `with`."""

    def __init__(self, *options, plain_loads=True):
        """plain_loads: False for the gate as kernels before 6.2 run it."""
        self.options = options
        self.plain_loads = plain_loads
        self.mapd = None

    def __enter__(self):
        # Short, for a socket's path has 108 bytes; and bpffs takes no dot in a name.
        self.folder = tempfile.mkdtemp(prefix="hf-bench-", dir="/tmp").replace(".", "_")
        self.name = os.path.basename(self.folder)
        self.pins = f"/sys/fs/bpf/{self.name}"
        self.containers = []
        for part in ("policies", "state", "bundles"):
            os.mkdir(f"{self.folder}/{part}")
        self.gate = f"{BIN}/gate.bpf.o"
        if not self.plain_loads:  # the faster object is looked for beside this one
            self.gate = shutil.copy(self.gate, self.folder)
        # In memory, as /run is.
        self.run_folder = f"/dev/shm/{self.name}"
        os.mkdir(self.run_folder)
        return self

    def __exit__(self, *_):
        with concurrent.futures.ThreadPoolExecutor(4) as removers:
            list(removers.map(Container.remove, self.containers))
        self.stop()
        self.detach()
        remove_cgroups(self.name)
        for folder in (self.folder, self.run_folder):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def hook_socket(self):
        return f"{self.run_folder}/hook.sock"

    def start(self):
        """Returns when it serves, with the seconds that this took."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, open(f"{self.folder}/mapd.log", "a") as log:
            place = f"{self.folder}/notify"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place)
            manager.bind(place)
            manager.settimeout(PATIENCE)
            begin = time.monotonic()
            self.mapd = subprocess.Popen(
                [f"{BIN}/mapd", "--run-dir", self.run_folder, "--bpffs", self.pins, "--policies",
                 f"{self.folder}/policies", "--state-dir", f"{self.folder}/state", "--gate-object",
                 self.gate, "--attach", "kill", "--state-root", f"{self.folder}/state-root",
                 "--storage-root", f"{self.folder}/storage-root", *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | {"NOTIFY_SOCKET": place})
            try:
                while b"READY=1" not in manager.recv(4096):
                    pass
            except TimeoutError:
                raise RuntimeError(f"mapd does not serve; its log ends: {self.log_end()}") from None
            return time.monotonic() - begin

    def log_end(self):
        with open(f"{self.folder}/mapd.log", errors="replace") as log:
            return log.read()[-2000:]

    def mapctl(self, *words):
        return subprocess.run([f"{BIN}/mapctl", "--socket", f"{self.run_folder}/control.sock", *words],
                              capture_output=True, text=True)

    def status(self):
        return json.loads(self.mapctl("status", "--json").stdout)

    def stop(self, how=signal.SIGTERM):
        if self.mapd:
            self.mapd.send_signal(how)
            self.mapd.wait()
        self.mapd = None

    def pin(self, name):
        return f"{self.pins}/v1/{name}"

    def gate_program(self):
        """The number of the program that is attached."""
        answer = subprocess.run(["bpftool", "-j", "link", "show", "pinned", self.pin(GATE_LINK)],
                                capture_output=True, text=True, check=True)
        link = json.loads(answer.stdout)
        return (link[0] if isinstance(link, list) else link)["prog_id"]

    def detach(self):
        """Takes the gate off, its maps with it. The link goes first: never half of the maps."""
        folder = f"{self.pins}/v1"
        if not os.path.isdir(folder):
            return
        for name in sorted(os.listdir(folder), key=lambda name: not name.startswith("link")):
            os.unlink(f"{folder}/{name}")
        os.rmdir(folder)
        os.rmdir(self.pins)

    def write_policy(self, name, mode, paths, path):
        listed = ", ".join(paths)
        text = f"""apiVersion: security.rancher.io/v1alpha1
kind: WorkloadPolicy
metadata: {{name: {name}, namespace: bench}}
spec:
  mode: {mode}
  rulesByContainer:
    app: {{executables: {{allowed: [{listed}]}}}}
"""
        with open(path, "w") as file:
            file.write(text)

    def policy(self, name, mode, *paths):
        """Puts a policy into force."""
        fresh = f"{self.folder}/{name}.new"
        self.write_policy(name, mode, paths, fresh)
        os.rename(fresh, f"{self.folder}/policies/{name}.yaml")
        if self.mapd:
            wait_until(lambda: self.in_force(name, mode), f"policy {name} is in force")

    def in_force(self, name, mode):
        lists = json.loads(self.mapctl("policies", "--json").stdout or "[]")
        lists = lists if isinstance(lists, list) else lists.get("policies", [])
        return any(name in json.dumps(one) and one.get("mode") == mode for one in lists)

    def container(self, name, policy, files, arguments, hooks=None):
        """Starts one by runc. `files`: path inside -> program that is put there."""
        rootfs = root_folder(f"{self.folder}/bundles/{name}/rootfs", files)
        container = Container(self, name, policy, arguments, rootfs, hooks)
        self.containers.append(container)
        container.start()
        return container

    def crowd(self, count, policy_of, hooks=None):
        """Starts many at once that wait to be killed; policy_of(number): the policy of each."""
        rootfs = root_folder(f"{self.folder}/crowd", {"/wait": program("wait")})
        crowd = [Container(self, f"c{n}", policy_of(n), ["/wait"], rootfs, hooks) for n in range(count)]
        self.containers += crowd
        with concurrent.futures.ThreadPoolExecutor(4) as starters:
            list(starters.map(Container.start, crowd))
        return crowd
