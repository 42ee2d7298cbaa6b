// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Admission

@Suite struct PodmanIdentityTests {
  /// A bundle as podman lays it out, with the recorded lists of containers beside it.
  private func identity(_ version: String, named name: String) throws -> ContainerIdentity {
    let folder = "\(Fixtures.folder)/podman-state/\(version)/overlay-containers"
    for id in try FileManager.default.contentsOfDirectory(atPath: folder) where !id.hasSuffix(".json") {
      let bundle = "\(folder)/\(id)/userdata"
      let identity = ContainerIdentity(id: id, bundle: bundle, config: try .read(bundle: bundle))
      if identity.name.hasSuffix(name) { return identity }
    }
    throw AdmissionError(.invalid, "no recorded container is called \(name)")
  }

  @Test(arguments: ["4.3.1", "5.4.2"]) func nameAndImageAreThoseOfTheStorage(_ version: String) throws {
    let web = try identity(version, named: "web")
    #expect(web.name == "web" && web.image == "localhost/local/busy:1" && !web.isSandbox)
    #expect(web.annotations["a"] == "b" && web.namespace == "default" && web.pod == nil)
  }

  @Test(arguments: ["4.3.1", "5.4.2"]) func soAreThoseOfContainersThatAreRemovedAtTheirEnd(_ version: String) throws {
    #expect(try identity(version, named: "webrm").image == "localhost/local/busy:1")
  }

  @Test(arguments: ["4.3.1", "5.4.2"]) func aPodsInfraContainerIsItsSandbox(_ version: String) throws {
    #expect(try identity(version, named: "-infra").isSandbox)
    #expect(try !identity(version, named: "inpod").isSandbox)
  }

  @Test func aContainerThatIsCalledLikeOneIsNone() {
    let entry = StorageEntry(name: "0123456789ab-infra", image: nil)
    #expect(entry.isInfra(cgroupsPath: "/libpod_parent/0123456789abcdef/libpod-1"))
    #expect(entry.isInfra(cgroupsPath: "machine-libpod_pod_0123456789abcdef.slice:libpod:1"))
    #expect(!entry.isInfra(cgroupsPath: "/libpod_parent/libpod-1") && !entry.isInfra(cgroupsPath: nil))
    #expect(!StorageEntry(name: "my-infra", image: nil).isInfra(cgroupsPath: "/my-infra"))
  }

  @Test(arguments: ["", "{", "[{}]", "[{\"id\": \"c1\"}]", "[{\"id\": \"c1\", \"names\": [\"\"]}]", "{\"id\": 1}"])
  func listsThatTellNothingLeaveTheId(_ text: String) throws {
    let root = try TemporaryDirectory()
    try root.write("overlay-containers/containers.json", text)
    try root.write(
      "overlay-containers/c1/userdata/config.json", "{\"annotations\": {\"io.container.manager\": \"libpod\"}}")
    let bundle = root.path + "/overlay-containers/c1/userdata"
    #expect(ContainerIdentity(id: "c1", bundle: bundle, config: try .read(bundle: bundle)).name == "c1")
  }

  @Test func anotherRuntimesAnnotationsComeFirst() throws {
    // As a pod's author could wish for under CRI-O.
    let root = try TemporaryDirectory()
    try root.write("overlay-containers/containers.json", "[{\"id\": \"c1\", \"names\": [\"other\"]}]")
    try root.write(
      "overlay-containers/c1/userdata/config.json",
      """
      {"annotations": {"io.container.manager": "libpod", "io.kubernetes.container.name": "app",
      "io.kubernetes.cri-o.SandboxID": "s"}}
      """)
    let bundle = root.path + "/overlay-containers/c1/userdata"
    #expect(ContainerIdentity(id: "c1", bundle: bundle, config: try .read(bundle: bundle)).name == "app")
  }
}

@Suite struct WorkloadOwnerTests {
  @Test(arguments: [
    ("web-5d59d67564-x2zqk", WorkloadOwner.Kind.deployment, "web"),
    ("my-app-7c6b8f9d4-bcdfg", .deployment, "my-app"),
    ("nightly-29384756-x2zqk", .cronJob, "nightly"),
  ])
  func namesThatLeaveNoDoubt(_ pod: String, _ kind: WorkloadOwner.Kind, _ name: String) {
    #expect(WorkloadOwner.of(pod: pod, labels: [:]) == WorkloadOwner(kind: kind, name: name))
  }

  @Test(arguments: [
    "web-0", "web", "node-exporter-x2zqk", "web-5d59d67564-x2zqa", "web-5d59d67564-x2zq", "web-5d59d6756a-x2zqk",
    "web-12345-x2zqk", "kube-proxy-worker-0", "-5d59d67564-x2zqk", "job-99999999-x2zqk", "", "-", "a-b-c",
    "web-production-x2zqk",
  ])
  func othersAreLeftEmpty(_ pod: String) {
    #expect(WorkloadOwner.of(pod: pod, labels: [:]) == nil)
  }

  @Test func labelsOfControllersCountWhereTheNameAgrees() {
    #expect(
      WorkloadOwner.of(pod: "db-2", labels: ["statefulset.kubernetes.io/pod-name": "db-2"])
        == WorkloadOwner(kind: .statefulSet, name: "db"))
    #expect(WorkloadOwner.of(pod: "db-2", labels: ["statefulset.kubernetes.io/pod-name": "db-1"]) == nil)
    #expect(
      WorkloadOwner.of(pod: "load-x2zqk", labels: ["job-name": "load"]) == WorkloadOwner(kind: .job, name: "load"))
    #expect(
      WorkloadOwner.of(pod: "nightly-29384756-x2zqk", labels: ["job-name": "nightly-29384756"])
        == WorkloadOwner(kind: .cronJob, name: "nightly"))
    #expect(WorkloadOwner.of(pod: "load-x2zqk", labels: ["job-name": "other"]) == nil)
  }
}
