// SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser

/// Where containers are looked for that run when mapd starts.
struct DiscoveryOptions: ParsableArguments {
  @Option(help: "Folder of the runtimes' state: runc, crun, containerd, containers/storage.")
  var stateRoot = "/run"
  @Option(help: "Graph root of podman and CRI-O.")
  var storageRoot = "/var/lib/containers/storage"
  @Option(help: "A further --root of runc or crun; may be repeated.")
  var ociRoot: [String] = []

  var roots: DiscoveryRoots { DiscoveryRoots(run: stateRoot, storage: [storageRoot], further: ociRoot) }
}
