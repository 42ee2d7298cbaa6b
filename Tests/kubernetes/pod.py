#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pod.py MANIFEST CONTAINER ROOT [HOSTPATH=FOLDER...] [-- ARGUMENT...]: a bundle's config.json.

What a runtime makes of a container of a DaemonSet: its mounts with their propagation, host namespaces,
privileges. HOSTPATH=FOLDER puts another folder in the place of a host path, or of a volume by its name;
ARGUMENTs are added to the command.
"""
import json
import pathlib
import sys

import yaml

# In the order of their numbers, from 0 on.
CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()


def privileged():
    """All capabilities that this machine gives to root."""
    status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    (bounding,) = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd")]
    return ["CAP_" + name for number, name in enumerate(CAPABILITIES) if bounding >> number & 1]


def bind(mount, volume, instead):
    source = instead.get(volume["name"]) or volume["hostPath"]["path"]
    propagation = "rslave" if mount.get("mountPropagation") == "HostToContainer" else "rprivate"
    access = "ro" if mount.get("readOnly") else "rw"
    return {
        "destination": mount["mountPath"], "type": "bind", "source": instead.get(source, source),
        "options": ["rbind", access, propagation],
    }


def config(pod, container, root, instead, arguments):
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    security = container["securityContext"]
    assert security["privileged"] and pod["hostPID"], "only privileged containers in the host's pid namespace"
    names = privileged()
    own = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs"},
    ]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": container["command"] + arguments, "cwd": "/",
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
            + [f"{one['name']}={one['value']}" for one in container.get("env", [])],
            "capabilities": {kind: names for kind in ("bounding", "effective", "permitted")},
        },
        "root": {"path": root, "readonly": security.get("readOnlyRootFilesystem", False)},
        "mounts": own + [bind(mount, volumes[mount["name"]], instead) for mount in container["volumeMounts"]],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("mount", "ipc", "uts", "network")],
            "resources": {"devices": [{"allow": True, "access": "rwm"}]},
        },
    }


def main():
    manifest, name, root, *rest = sys.argv[1:]
    split = rest.index("--") if "--" in rest else len(rest)
    pod = yaml.safe_load(pathlib.Path(manifest).read_text(encoding="utf-8"))["spec"]["template"]["spec"]
    (container,) = [one for one in pod["initContainers"] + pod["containers"] if one["name"] == name]
    instead = dict(pair.split("=", 1) for pair in rest[:split])
    json.dump(config(pod, container, root, instead, rest[split + 1 :]), sys.stdout, indent=1)


main()
