// SPDX-License-Identifier: Apache-2.0
import Admission
import Policy
import Testing

@testable import Learning

@Suite struct WorkloadNameTests {
  @Test(
    arguments: [
      ("web-7d4b9c6f5-x2x9z", [:], "web"), ("web-7d4b9c6f5-x2x9z", ["pod-template-hash": "7d4b9c6f5"], "web"),
      ("my-web-abc-x2x9z", ["pod-template-hash": "abc"], "my-web"), ("db-0", [:], "db"), ("db-12", [:], "db"),
      ("agent-x2x9z", [:], "agent"), ("agent-bcdfg", ["controller-revision-hash": "1"], "agent"),
      ("db-pgsql", [:], "db-pgsql"), ("web-proxy", [:], "web-proxy"), ("web", [:], "web"), ("7", [:], "7"),
      ("report-28412345-x2x9z", ["job-name": "report-28412345"], "report"),
    ] as [(String, [String: String], String)])
  func allPodsOfAWorkloadShareItsName(_ pod: String, _ labels: [String: String], _ name: String) {
    #expect(WorkloadName.withoutSuffix(pod, labels: labels) == name)
  }

  private func name(_ annotations: [String: String], id: String = "c1") -> PolicyName? {
    WorkloadName.of(ContainerIdentity(id: id, annotations: annotations))
  }

  @Test func theNameThatIsAskedForComesFirst() {
    #expect(
      name(["security.rancher.io/policy": "mine", "io.kubernetes.cri.sandbox-name": "web-0"])
        == PolicyName(namespace: "default", name: "mine"))
    #expect(
      name(["io.kubernetes.cri.sandbox-name": "web-0", "io.kubernetes.cri.sandbox-namespace": "shop"])?.description
        == "shop/web")
    #expect(name([:], id: "my_Container")?.name == "my-container")
    let id = String(repeating: "0123456789abcdef", count: 4)
    #expect(name(["io.kubernetes.cri.image-name": "host:5000/team/app:1@sha256:0"], id: id)?.name == "app")
    #expect(name([:], id: id)?.name == "0123456789ab")
    #expect(name(["io.kubernetes.cri.sandbox-namespace": "No Namespace"]) == nil)
    #expect(name(["security.rancher.io/policy": "../../etc"])?.name == "etc")
  }
}
