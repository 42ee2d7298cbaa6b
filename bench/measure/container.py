# SPDX-License-Identifier: Apache-2.0
"""Containers of runc: their root, hooks and cgroups."""

import contextlib
import json
import os
import shutil
import subprocess

from measure.machine import BIN


def root_folder(path, files):
    for folder in ("proc", "dev", "tmp"):
        os.makedirs(f"{path}/{folder}")
    for name, source in files.items():
        os.makedirs(os.path.dirname(path + name), exist_ok=True)
        shutil.copy(source, path + name)
    return path


class Container:
    """One of runc's. Its process reads `orders` and writes `answers`."""

    def __init__(self, node, name, policy, arguments, rootfs, hooks=None):
        self.node, self.name, self.policy = node, name, policy
        self.bundle = f"{node.folder}/bundles/{name}"
        os.makedirs(self.bundle, exist_ok=True)
        with open(f"{self.bundle}/config.json", "w") as file:
            json.dump(self.config(arguments, rootfs, our_hook(node) if hooks is None else hooks), file)
        self.orders = self.answers = None

    def start(self):
        orders, self.orders = pipe()
        self.answers, answers = pipe()
        with open(f"{self.bundle}/log", "w") as log:
            code = subprocess.run(self.runc("run", "-d", "--bundle", self.bundle, self.name), stdin=orders,
                                  stdout=answers, stderr=log).returncode
        orders.close()
        answers.close()
        if code:
            with open(f"{self.bundle}/log") as log:
                raise RuntimeError(f"runc run: {log.read()}")

    def runc(self, *words):
        return ["runc", "--root", f"{self.node.folder}/runc", *words]

    def config(self, arguments, rootfs, hooks):
        annotations = {"io.kubernetes.pod.namespace": "bench", "io.kubernetes.pod.name": self.name,
                       "io.kubernetes.container.name": "app", "security.rancher.io/policy": self.policy}
        return {
            "ociVersion": "1.0.2",
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": arguments, "env": [], "cwd": "/",
                        "noNewPrivileges": True},
            "root": {"path": rootfs}, "hostname": self.name, "annotations": annotations,
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
            "hooks": {"createRuntime": hooks},
            "linux": {"cgroupsPath": f"/{self.node.name}/{self.name}",
                      "resources": {"devices": [{"allow": False, "access": "rwm"}]},
                      "namespaces": [{"type": type} for type in ("pid", "ipc", "uts", "mount", "network")]},
        }

    def state(self):
        answer = subprocess.run(self.runc("state", self.name), capture_output=True, text=True)
        return json.loads(answer.stdout) if answer.returncode == 0 else {}

    def nest(self, depth):
        """Moves its first process so many cgroups below the container's own."""
        pid = self.state()["pid"]
        with open(f"/proc/{pid}/cgroup") as file:
            lines = [line.strip().split(":", 2) for line in file]
        for _, controllers, path in lines:
            base = hierarchy(controllers)
            if base and f"/{self.node.name}/{self.name}" in path:
                folder = base + path.split("/nested")[0] + "/nested" * depth
                os.makedirs(folder, exist_ok=True)
                with open(f"{folder}/cgroup.procs", "w") as file:
                    file.write(str(pid))

    def remove(self):
        for end in (self.orders, self.answers):
            if end:
                with contextlib.suppress(OSError):
                    end.close()
        subprocess.run(self.runc("delete", "--force", self.name), capture_output=True)


def our_hook(node):
    return [{"path": f"{BIN}/oci-hook", "timeout": 60,
             "args": ["oci-hook", "--socket", node.hook_socket, "--timeout", "60000", "--fail", "closed",
                      "createRuntime"]}]


def cgroup2_hook(node, name):
    """Puts a container into a cgroup of its own in cgroup2, where runc uses cgroup v1 beside it: mapd
    binds it there. Nothing to do where cgroup2 is all that there is."""
    base = hierarchy("")
    if base in (None, "/sys/fs/cgroup"):
        return []
    folder = f"{base}/{node.name}/{name}"
    script = f"""mkdir -p {folder} && sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p' >{folder}/cgroup.procs"""
    return [{"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin"]}]


def hierarchy(controllers):
    """Where a line of /proc/PID/cgroup is mounted, for those that containers are bound by."""
    if controllers == "":
        return next((one for one in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") if
                     os.path.exists(f"{one}/cgroup.procs") and os.path.exists(f"{one}/cgroup.controllers")), None)
    place = f"/sys/fs/cgroup/{controllers}"
    return place if controllers in ("pids", "memory") and os.path.isdir(place) else None


def remove_cgroups(name):
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        if folder.endswith(f"/{name}"):
            subprocess.run(["find", folder, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], capture_output=True)


def pipe():
    """Both ends as text files, reading first."""
    reading, writing = os.pipe()
    return open(reading), open(writing, "w")
