// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

enum HookRuntime: String, CaseIterable, ExpressibleByArgument {
  case podman, crio, containerd
}

/// Where everything is, below a root that images and tests choose.
struct HookPlaces {
  /// Empty for this system.
  var root: String

  /// As runtimes are told of it, without the root.
  static let program = "/usr/libexec/holdfast/oci-hook"
  static let baseSpec = "/etc/containerd/holdfast-base-spec.json"
  /// Read by podman and CRI-O as they are installed.
  static let hooks = "/usr/share/containers/oci/hooks.d"
  /// The operator's, in which podman takes a file of the same name instead.
  static let operatorHooks = "/etc/containers/oci/hooks.d"
  static let containerdConfiguration = "/etc/containerd/config.toml"
  static let hookConfiguration = "/etc/holdfast/hook.json"

  func callAsFunction(_ path: String) -> String { root + path }

  func hookFile(_ stage: String) -> String { root + Self.hooks + "/" + HookFile.name(stage) }
}
