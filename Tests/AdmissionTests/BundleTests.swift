// SPDX-License-Identifier: Apache-2.0
import Foundation
import Policy
import Testing

@testable import Admission

@Suite struct BundleConfigTests {
  @Test(arguments: Bundles.all) func everyRecordedConfigIsRead(_ name: String) throws {
    let config = try Bundles.config(name)
    #expect(config.makesPidNamespace)
    let root = try #require(config.rootPath(bundle: "/b"))
    #expect(root.hasPrefix("/"))
    #expect(config.annotations?["org.example.policy"] == "web")
  }

  @Test func theRootIsBelowTheBundleUnlessAbsolute() throws {
    #expect(try Bundles.config("crun181-v2").rootPath(bundle: "/b") == "/b/rootfs")
    #expect(try Bundles.config("crio137-runc115").rootPath(bundle: "/b")?.hasPrefix("/srv/") == true)
  }

  @Test(arguments: [
    "", "{", "[]", "null", "\"x\"", "{\"root\": {}}", "{\"root\": 5}", "{\"annotations\": {\"a\": 1}}", "{}{}",
    "{\"linux\": {\"namespaces\": [{}]}}", "{\"annotations\": {\"a\": \"b\"", "{\"root\": {\"path\": null}}",
    "{\"annotations\": {\"a\": null}}", "{\"annotations\": []}", "{\"annotations\": \"a\"}", "{\"linux\": []}",
    "{\"linux\": {\"namespaces\": {}}}", "{\"linux\": {\"namespaces\": [null]}}", "{\"linux\": {\"namespaces\": [[]]}}",
    "{\"linux\": {\"namespaces\": [{\"type\": null}]}}",
    "{\"linux\": {\"namespaces\": [{\"type\": \"pid\", \"path\": 1}]}}",
    "{\"linux\": {\"namespaces\": [{\"type\": \"pid\"}, {\"path\": \"/a\"}]}}", "{\"linux\": {\"cgroupsPath\": true}}",
    "{\"root\": {\"path\": [\"x\"]}}", "{\"root\": {\"path\": \"x\"},}", "{} x", "// c\n{}",
    "{\"annotations\": {\"a\": \"\u{1}\"}}",
    "{\"root\": {\"path\": \"x\"}, \"root\": {\"path\": \"y\"}}", "{\"root\": {\"path\": \"x\", \"path\": \"x\"}}",
    "{\"root\": null, \"root\": {\"path\": \"y\"}}", "{\"linux\": {}, \"annotations\": {}, \"linux\": {}}",
    "{\"annotations\": {\"a\": \"1\", \"a\": \"2\"}}",
    "{\"linux\": {\"namespaces\": [{\"type\": \"pid\", \"type\": \"net\"}]}}",
  ])
  func malformedConfigsAreRefused(_ text: String) throws {
    let bundle = try TemporaryDirectory()
    try bundle.write("config.json", text)
    let error = refusal { _ = try BundleConfig.read(bundle: bundle.path) }
    #expect(error?.kind == .invalid)
    #expect(error?.message.contains("\(bundle.path)/config.json") == true)
  }

  @Test func bytesThatAreNotUTF8AreRefused() throws {
    for bytes in [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]] as [[UInt8]] {
      let text = Array("{\"annotations\": {\"a\": \"".utf8) + bytes + Array("\"}}".utf8)
      #expect(throws: BundleProblem.self) { _ = try BundleConfig(json: text) }
    }
  }

  /// A runtime that is cut off on its way: never a crash, never half of the annotations.
  @Test(arguments: Bundles.all) func aConfigThatEndsEarlyIsRefused(_ name: String) throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(Bundles.folder)/\(name)/config.json")))
    let end = try #require(whole.lastIndex(of: UInt8(ascii: "}")))
    for count in Array(stride(from: 0, to: end, by: 97)) + [end] {
      #expect(throws: BundleProblem.self) { _ = try BundleConfig(json: Array(whole[..<count])) }
    }
  }

  @Test func allThatIsNeededIsFoundAmongWhatIsNot() throws {
    let text = #"""
      {"hooks": {"root": {"path": "no"}, "a": [[{"type": "pid"}]]}, "linux": {"resources": {"namespaces": [1, null]},
       "namespaces": [{"type": "pid", "path": null, "x": {"type": 1}}, {"path": "/n", "type": "network"}], "cgroupsPath":
       "a:b:c"}, "annotations": {"k\u00e9\n": "v\"\u0041", "": "", "root": "r"}, "process": {"args": ["root", 1e9, -0.5, true]},
       "root": {"readonly": true, "path": "r\/\ud83d\ude00"}, "path": "/no", "type": []}
      """#
    let config = try BundleConfig(json: Array(text.utf8))
    #expect(config.root == .init(path: "r/\u{1f600}"))
    #expect(config.annotations == ["k\u{e9}\n": "v\"A", "": "", "root": "r"])
    #expect(
      config.linux
        == .init(
          namespaces: [.init(type: "pid", path: nil), .init(type: "network", path: "/n")], cgroupsPath: "a:b:c"))
    #expect(try BundleConfig(json: Array("{\"root\": null, \"linux\": null}".utf8)) == BundleConfig())
    #expect(
      try BundleConfig(json: Array("{\"linux\": {\"namespaces\": null, \"cgroupsPath\": null}}".utf8)).linux == .init())
  }

  @Test func whatIsNotNeededMayBeMissing() throws {
    let bundle = try TemporaryDirectory()
    try bundle.write("config.json", "{\"ociVersion\": \"1.2.0\", \"annotations\": null, \"vm\": {}}")
    let config = try BundleConfig.read(bundle: bundle.path)
    #expect(config.rootPath(bundle: "/b") == nil && !config.makesPidNamespace)
  }

  @Test func aPidNamespaceOfAnotherIsNotMade() throws {
    let bundle = try TemporaryDirectory()
    try bundle.write(
      "config.json", "{\"linux\": {\"namespaces\": [{\"type\": \"pid\", \"path\": \"/proc/1/ns/pid\"}]}}")
    #expect(try !BundleConfig.read(bundle: bundle.path).makesPidNamespace)
  }

  @Test func onlyARegularFileOfModestSizeIsRead() throws {
    let bundle = try TemporaryDirectory()
    #expect(refusal { _ = try BundleConfig.read(bundle: bundle.path) }?.kind == .invalid)
    try bundle.directory("config.json")
    #expect(refusal { _ = try BundleConfig.read(bundle: bundle.path) }?.message.contains("regular file") == true)

    let pipe = try TemporaryDirectory()
    #expect(mkfifo(pipe.path + "/config.json", 0o600) == 0)
    #expect(refusal { _ = try BundleConfig.read(bundle: pipe.path) }?.message.contains("regular file") == true)

    let huge = try TemporaryDirectory()
    try huge.write("config.json", "{}")
    #expect(truncate(huge.path + "/config.json", BundleConfig.bytesMax + 1) == 0)
    #expect(refusal { _ = try BundleConfig.read(bundle: huge.path) }?.message.contains("16 MiB") == true)
  }

  @Test func deepNestingIsRefusedWithoutACrash() throws {
    let bundle = try TemporaryDirectory()
    for opening in ["[", "{\"a\":", "{\"linux\":", "{\"x\":["] {
      try bundle.write("config.json", String(repeating: opening, count: 200_000))
      #expect(refusal { _ = try BundleConfig.read(bundle: bundle.path) }?.kind == .invalid)
    }
    let deep = "{\"x\": " + String(repeating: "[", count: 600) + String(repeating: "]", count: 600) + "}"
    try bundle.write("config.json", deep)
    #expect(refusal { _ = try BundleConfig.read(bundle: bundle.path) }?.message.contains("512") == true)
  }
}

@Suite struct ContainerIdentityTests {
  private func identity(_ name: String) throws -> ContainerIdentity {
    ContainerIdentity(id: "c1", annotations: try Bundles.config(name).annotations ?? [:])
  }

  @Test(arguments: ["containerd16-cri", "containerd17-cri", "containerd21-cri", "crio137-runc115"])
  func kubernetesRuntimesNameContainerPodAndNamespace(_ name: String) throws {
    let identity = try identity(name)
    #expect(identity.name == "nginx" && identity.pod == "web-0" && identity.namespace == "shop")
    #expect(identity.podUID == "11111111-2222-3333-4444-555555555555")
    #expect(identity.image == "localhost/lab/busy:1" && !identity.isSandbox)
    #expect(identity.annotations["org.example.policy"] == "web")
    #expect(identity.workload.containerName == "nginx" && identity.workload.namespace == "shop")
  }

  @Test(arguments: ["podman431-c181", "podman431-runc115", "runc115-hyb", "crun181-v2"])
  func elsewhereTheIdIsTheName(_ name: String) throws {
    let identity = try identity(name)
    #expect(identity.name == "c1" && identity.pod == nil && identity.namespace == "default")
    #expect(!identity.isSandbox && identity.annotations["org.example.policy"] == "web")
  }

  @Test func labelsOfCRIOAreRead() throws {
    let identity = try identity("crio137-runc115")
    #expect(identity.labels["ctr.label/x"] == "y")
    #expect(identity.annotations["org.example.container"] == "c1")
    #expect(identity.annotations.keys.allSatisfy { !$0.hasPrefix("io.kubernetes.cri-o.") })
  }

  @Test(arguments: ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"])
  func sandboxesAreRecognised(_ key: String) {
    let sandbox = ContainerIdentity(id: "s", annotations: [key: "sandbox"])
    #expect(sandbox.isSandbox && sandbox.workload.containerKind == .sandbox)
    #expect(!ContainerIdentity(id: "s", annotations: [key: "container"]).isSandbox)
  }

  @Test func emptyAndMalformedAnnotationsCountForNothing() {
    let identity = ContainerIdentity(
      id: "c1",
      annotations: [
        "io.kubernetes.cri.container-name": "", "io.kubernetes.cri-o.Labels": "{",
        "io.kubernetes.cri-o.Annotations": "[1]",
        "long": String(repeating: "x", count: 5000),
      ])
    #expect(identity.name == "c1" && identity.labels.isEmpty && identity.annotations["long"] == nil)
  }

  @Test func anAnnotationAsksForAPolicy() {
    let identity = ContainerIdentity(id: "c1", annotations: ["security.rancher.io/policy": "web"])
    #expect(identity.workload.podLabels["security.rancher.io/policy"] == "web")
  }

  @Test func aPodCannotPretendToBeAnotherRuntimes() throws {
    // CRI-O hands over whatever annotations the pod's author wrote.
    var annotations = try Bundles.config("crio137-runc115").annotations ?? [:]
    annotations["io.kubernetes.cri.container-type"] = "sandbox"
    annotations["io.kubernetes.cri.sandbox-namespace"] = "kube-system"
    annotations["io.kubernetes.cri.container-name"] = "other"
    let identity = ContainerIdentity(id: "c1", annotations: annotations)
    #expect(!identity.isSandbox && identity.namespace == "shop" && identity.name == "nginx")
  }
}
