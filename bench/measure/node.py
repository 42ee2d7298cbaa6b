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

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("HOLDFAST_BIN", os.path.join(ROOT, "out", "bin"))
PROGRAMS = os.path.join(ROOT, "out", "bench")
GATE_LINK = "link_gate_kill"
PATIENCE = 120  # seconds; reached only when something is wrong


def rounds(full):
    """So many of `full` as QUICK leaves."""
    return max(4, full // 20) if os.environ.get("QUICK") else full


def program(name):
    """A program of bench/programs, built when it is not there or older."""
    subprocess.run(["make", "-s", "-C", os.path.join(ROOT, "bench")], check=True)
    return os.path.join(PROGRAMS, name)


def wait_until(condition, what):
    limit = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.01)


class Node:
    """Use it in a `with`."""

    def __init__(self, *options):
        self.options = options
        self.mapd = None

    def __enter__(self):
        # Short, for a socket's path has 108 bytes; and bpffs takes no dot in a name.
        self.folder = tempfile.mkdtemp(prefix="hf-bench-", dir="/tmp").replace(".", "_")
        self.name = os.path.basename(self.folder)
        self.pins = f"/sys/fs/bpf/{self.name}"
        self.containers = []
        for part in ("policies", "state", "bundles"):
            os.mkdir(f"{self.folder}/{part}")
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
                 f"{BIN}/gate.bpf.o", "--attach", "kill", "--state-root", f"{self.folder}/state-root",
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
