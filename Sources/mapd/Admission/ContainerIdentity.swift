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

  /// CRI-O, containerd's CRI plugin, podman, and plain OCI annotations.
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
        "io.kubernetes.cri.container-name", "io.kubernetes.container.name", "io.podman.annotations.container-name",
        "org.opencontainers.image.ref.name") ?? id
    pod = first("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name")
    namespace = first("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace") ?? "default"
    podUID = first("io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid")
    image = first("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", "io.podman.annotations.image")
    let type = first("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")
    isSandbox = type == "sandbox"
    var labels = Self.object(annotations["io.kubernetes.cri-o.Labels"])
    if let value = annotations["security.rancher.io/policy"] { labels["security.rancher.io/policy"] = value }
    self.labels = labels
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
