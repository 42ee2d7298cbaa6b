#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cri.py launch|enter|halt: what a kubelet asks of a runtime, as far as the tests need it.

The state file has the pod's id on its first line, the container's on its second.
"""

import argparse
import sys

import grpc
import cri_pb2 as api
import cri_pb2_grpc as service

SOCKET = "unix:///run/containerd/containerd.sock"
TIMEOUT = 120


def sandbox(arguments):
    name = arguments.name
    # The host's network: no plugin for another is needed.
    namespaces = api.NamespaceOption(network=api.NODE, pid=api.CONTAINER, ipc=api.POD)
    return api.PodSandboxConfig(
        metadata=api.PodSandboxMetadata(name=f"pod-{name}", uid=f"uid-{name}", namespace="e2e", attempt=0),
        log_directory="/tmp",
        labels={"app": "runtime"},
        annotations={"security.rancher.io/policy": "runtime"},
        linux=api.LinuxPodSandboxConfig(
            cgroup_parent=arguments.cgroup,
            security_context=api.LinuxSandboxSecurityContext(namespace_options=namespaces),
        ),
    )


def launch(runtime, arguments):
    pod = sandbox(arguments)
    pod_id = runtime.RunPodSandbox(
        api.RunPodSandboxRequest(config=pod, runtime_handler=arguments.handler), timeout=TIMEOUT
    ).pod_sandbox_id
    write(arguments.state, pod_id)
    container = api.ContainerConfig(
        metadata=api.ContainerMetadata(name="app", attempt=0),
        image=api.ImageSpec(image="localhost/busybox:1"),
        command=arguments.command[:1],
        args=arguments.command[1:],
        mounts=[api.Mount(container_path="/witness", host_path=arguments.witness)],
        linux=api.LinuxContainerConfig(
            security_context=api.LinuxContainerSecurityContext(namespace_options=pod.linux.security_context.namespace_options)
        ),
    )
    container_id = runtime.CreateContainer(
        api.CreateContainerRequest(pod_sandbox_id=pod_id, config=container, sandbox_config=pod), timeout=TIMEOUT
    ).container_id
    write(arguments.state, pod_id, container_id)
    runtime.StartContainer(api.StartContainerRequest(container_id=container_id), timeout=TIMEOUT)


def enter(runtime, arguments):
    answer = runtime.ExecSync(
        api.ExecSyncRequest(container_id=read(arguments.state)[1], cmd=arguments.command, timeout=TIMEOUT),
        timeout=TIMEOUT,
    )
    sys.stdout.buffer.write(answer.stdout + answer.stderr)
    return answer.exit_code


def halt(runtime, arguments):
    ids = read(arguments.state)
    if len(ids) > 1:
        runtime.StopContainer(api.StopContainerRequest(container_id=ids[1], timeout=0), timeout=TIMEOUT)
        runtime.RemoveContainer(api.RemoveContainerRequest(container_id=ids[1]), timeout=TIMEOUT)
    runtime.StopPodSandbox(api.StopPodSandboxRequest(pod_sandbox_id=ids[0]), timeout=TIMEOUT)
    runtime.RemovePodSandbox(api.RemovePodSandboxRequest(pod_sandbox_id=ids[0]), timeout=TIMEOUT)


def write(path, *lines):
    with open(path, "w", encoding="ascii") as file:
        file.write("".join(line + "\n" for line in lines))


def read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except FileNotFoundError:
        sys.exit(f"no pod was made ({path} is not there)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["launch", "enter", "halt"])
    parser.add_argument("--state", required=True)
    parser.add_argument("--handler", default="runc")
    parser.add_argument("--cgroup", default="")
    parser.add_argument("--witness")
    arguments, words = parser.parse_known_args()
    arguments.name, arguments.command = "", words
    if arguments.verb == "launch":
        arguments.name, arguments.command = words[0], words[1:]
    with grpc.insecure_channel(SOCKET) as channel:
        runtime = service.RuntimeServiceStub(channel)
        try:
            return {"launch": launch, "enter": enter, "halt": halt}[arguments.verb](runtime, arguments)
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            return 125


if __name__ == "__main__":
    sys.exit(main())
