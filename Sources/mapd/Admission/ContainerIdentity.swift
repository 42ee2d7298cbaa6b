// SPDX-License-Identifier: Apache-2.0
import Foundation
import Policy

/// Who a container is, as its runtime tells in annotations. Only the runtime writes them.
public struct ContainerIdentity: Codable, Hashable, Sendable {
  public var id: String
  /// The container's name in its pod; the id where the runtime gives none.
  public var name: String
  public var pod: String?
  public var namespace: String
  public var podUID: String?
  public var image: String?
  /// The pod's pause container.
  public var isSandbox: Bool
  /// What the pod was made for, where that is certain.
  public var owner: WorkloadOwner?
  public var labels: [String: String]
  public var annotations: [String: String]

  public var workload: WorkloadIdentity {
    WorkloadIdentity(
      namespace: namespace, podLabels: labels, annotations: annotations, containerName: name,
      containerKind: isSandbox ? .sandbox : .container)
  }
}

extension ContainerIdentity {
  private static let crioMarker = "io.kubernetes.cri-o.SandboxID"
  private static let containerdMarker = "io.kubernetes.cri.sandbox-id"

  /// Annotations of two runtimes at once: some of them are forged, and which cannot be told.
  static func isAmbiguous(_ annotations: [String: String]) -> Bool {
    annotations[crioMarker] != nil && annotations[containerdMarker] != nil
  }

  /// From all that a bundle and what lies beside it tell.
  init(id: String, bundle: String, config: BundleConfig) {
    self.init(id: id, annotations: config.annotations ?? [:])
    guard config.annotations?["io.container.manager"] == "libpod",
      let entry = StorageEntry.read(id: id, bundle: bundle)
    else { return }
    if name == id { name = entry.name }
    image = image ?? entry.image
    isSandbox = isSandbox || entry.isInfra(cgroupsPath: config.linux?.cgroupsPath)
  }

  /// CRI-O, containerd's CRI plugin, and plain OCI annotations.
  public init(id: String, annotations: [String: String]) {
    // Under CRI-O a pod's author chooses all annotations but CRI-O's own.
    let isCRIO = annotations[Self.crioMarker] != nil
    func first(_ keys: String...) -> String? {
      keys.lazy.filter { !isCRIO || !$0.hasPrefix("io.kubernetes.cri.") }.compactMap { annotations[$0] }
        .first { !$0.isEmpty }
    }
    self.id = id
    name =
      first(
        "io.kubernetes.cri.container-name", "io.kubernetes.container.name") ?? id
    pod = first("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name")
    namespace = first("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace") ?? "default"
    podUID = first("io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid")
    image = first("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName")
    let type = first("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")
    isSandbox = type == "sandbox"
    var labels = Self.object(annotations["io.kubernetes.cri-o.Labels"])
    if let value = annotations["security.rancher.io/policy"] { labels["security.rancher.io/policy"] = value }
    self.labels = labels
    owner = WorkloadOwner.of(pod: pod, labels: labels)
    // CRI-O passes the pod's annotations as JSON text in one of its own.
    self.annotations = Self.object(annotations["io.kubernetes.cri-o.Annotations"])
      .merging(annotations) { _, own in own }
      .filter { key, value in !key.hasPrefix("io.kubernetes.cri-o.") && value.utf8.count <= 4096 }
  }

  private static func object(_ json: String?) -> [String: String] {
    guard let json else { return [:] }
    return (try? JSONDecoder().decode([String: String].self, from: Data(json.utf8))) ?? [:]
  }
}
