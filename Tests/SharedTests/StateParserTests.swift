// SPDX-License-Identifier: Apache-2.0

import Shared
import StateParser
import Testing

private let phases: [(Phase, String)] = [
  (.createRuntime, "createRuntime"), (.poststart, "poststart"), (.poststop, "poststop"),
]

@Suite struct StateParserTests {
  private func parse(
    _ json: String, _ phase: Phase = .createRuntime, wanted: [String] = []
  ) throws(StateError) -> ContainerState {
    try ContainerState(
      json: Array(json.utf8), phase: phase, wantedAnnotations: wanted.map { Array($0.utf8) })
  }

  private func state(
    version: String = "\"1.0\"", id: String = "\"c\"", status: String = "\"creating\"",
    pid: String = "7", bundle: String = "\"/b\"", more: String = ""
  ) -> String {
    "{\"ociVersion\":\(version),\"id\":\(id),\"status\":\(status),\"pid\":\(pid),\"bundle\":\(bundle)\(more)}"
  }

  @Test(arguments: Fixtures.runtimes)
  func `the states of real runtimes are read`(runtime: String) throws {
    for (phase, name) in phases {
      let read = try ContainerState(json: Fixtures.state(runtime, name), phase: phase)
      #expect(!read.id.isEmpty && read.bundle.first == UInt8(ascii: "/"))
      #expect(phase == .poststop ? read.pid == 0 : read.pid > 0)
      let early: [ContainerStatus] = [.creating, .created]
      #expect(phase != .createRuntime || early.contains(read.status))
      #expect(phase != .poststop || read.status == .stopped)
    }
  }

  @Test func `every field of a recorded state has its value`() throws {
    let read = try ContainerState(
      json: Fixtures.state("containerd16-cri", "createRuntime"), phase: .createRuntime,
      wantedAnnotations: [.init("io.kubernetes.cri.sandbox-namespace"), .init("absent")])
    let id = "ff175126a3e2f81e2a2580495f0338463f46bea97fa348f26ec26f52ce413e7f"
    #expect(read.ociVersion.text == "1.0.2-dev" && read.id.text == id && read.pid == 12746)
    #expect(
      read.bundle.text
        == "/srv/lab/ctd/16/state/io.containerd.runtime.v2.task/k8s.io/" + id)
    #expect(
      read.annotations == [
        Annotation(key: .init("io.kubernetes.cri.sandbox-namespace"), value: .init("shop"))
      ])
  }

  @Test(arguments: Fixtures.runtimes)
  func `a state cut at any byte is refused`(runtime: String) throws {
    for (phase, name) in phases {
      var json = try Fixtures.state(runtime, name)
      while json.last == UInt8(ascii: "\n") { json.removeLast() }
      for count in 0..<json.count {
        #expect(throws: StateError.self) {
          try ContainerState(json: Array(json[..<count]), phase: phase)
        }
      }
    }
  }

  @Test(arguments: ["", " ", "\n\t ", "\r\n"])
  func `no state at all is said to be that`(json: String) {
    #expect(throws: StateError.empty) { try parse(json) }
  }

  @Test(arguments: ["[]", "1", "\"x\"", "null", "true", "[{}]"])
  func `a state that is no object is refused`(json: String) {
    #expect(throws: StateError.notAnObject) { try parse(json) }
  }

  @Test func `what follows the state is refused`() throws {
    _ = try parse(state() + " \n")
    for tail in ["x", "{}", ",", "\0", state(), "/* */", "\u{1f}"] {
      #expect(throws: StateError.self) { try parse(state() + tail) }
    }
  }

  @Test(arguments: [
    "{", "{\"id\"}", "{\"id\":}", "{id:1}", "{'id':1}", "{\"id\":\"a\",}", "nul", "\u{feff}{}",
    "{\"a\":01}",
    "{\"a\":+1}", "{\"a\":1.}", "{\"a\":NaN}", "{\"a\":\"\\x\"}", "{\"a\":\"\n\"}",
    "{\"a\":\"\\u12\"}", "// x\n{}",
  ])
  func `what is not JSON is refused`(json: String) {
    #expect(throws: StateError.self) { try parse(json) }
  }

  @Test func `a missing field is named`() {
    let whole = state()
    for (part, field) in [
      ("\"ociVersion\":\"1.0\",", .ociVersion), ("\"id\":\"c\",", .id),
      ("\"status\":\"creating\",", .status), ("\"pid\":7,", .pid), (",\"bundle\":\"/b\"", .bundle),
    ] as [(String, StateField)] {
      let json = whole.replacing(part, with: "")
      #expect(throws: StateError.missing(field)) { try parse(json) }
    }
  }

  @Test func `a field given twice is refused even when both agree`() {
    for (part, field) in [
      ("\"ociVersion\":\"1.0\"", .ociVersion), ("\"id\":\"c\"", .id),
      ("\"status\":\"creating\"", .status), ("\"pid\":7", .pid), ("\"bundle\":\"/b\"", .bundle),
    ] as [(String, StateField)] {
      #expect(throws: StateError.duplicate(field)) { try parse(state(more: "," + part)) }
    }
    #expect(throws: StateError.duplicate(.annotations)) {
      try parse(state(more: ",\"annotations\":{},\"annotations\":{}"))
    }
    // The escaped spelling is the same key.
    #expect(throws: StateError.duplicate(.id)) { try parse(state(more: ",\"\\u0069d\":\"d\"")) }
  }

  @Test func `a field of the wrong type or out of range is named`() {
    let long = String(repeating: "x", count: 5000)
    for (json, field) in [
      (state(version: "1"), .ociVersion), (state(version: "\"\(long)\""), .ociVersion),
      (state(id: "1"), .id), (state(id: "\"\""), .id), (state(id: "null"), .id),
      (state(id: "[\"c\"]"), .id), (state(id: "\"a\\u0000b\""), .id),
      (state(id: "\"\(long)\""), .id),
      (state(status: "\"paused\""), .status), (state(status: "1"), .status),
      (state(status: "\"\""), .status),
      (state(bundle: "\"b\""), .bundle), (state(bundle: "\"\""), .bundle),
      (state(bundle: "{}"), .bundle),
      (state(bundle: "\"/\(long)\""), .bundle), (state(bundle: "\"/a\\u0000\""), .bundle),
      (state(pid: "-1"), .pid), (state(pid: "0"), .pid), (state(pid: "1.0"), .pid),
      (state(pid: "1e3"), .pid),
      (state(pid: "-0"), .pid), (state(pid: "2147483648"), .pid), (state(pid: "\"7\""), .pid),
      (state(pid: "99999999999999999999999999"), .pid), (state(pid: "true"), .pid),
      (state(pid: String(repeating: "9", count: 100_000)), .pid),
      (state(more: ",\"annotations\":[]"), .annotations),
      (state(more: ",\"annotations\":\"x\""), .annotations),
    ] as [(String, StateField)] {
      #expect(throws: StateError.invalid(field), "\(json.prefix(120))") { try parse(json) }
    }
  }

  @Test func `limits hold to the byte`() throws {
    let id = String(repeating: "i", count: 1024)
    let bundle = "/" + String(repeating: "b", count: 4095)
    let read = try parse(state(id: "\"\(id)\"", pid: "2147483647", bundle: "\"\(bundle)\""))
    #expect(read.id.count == 1024 && read.bundle.count == 4096 && read.pid == .max)
    #expect(throws: StateError.invalid(.id)) { try parse(state(id: "\"\(id)i\"")) }
    #expect(throws: StateError.invalid(.bundle)) { try parse(state(bundle: "\"\(bundle)b\"")) }
  }

  @Test func `a status that does not fit the hook is refused`() {
    for (phase, status, fits) in [
      (.createRuntime, "creating", true), (.createRuntime, "created", true),
      (.createRuntime, "running", false), (.createRuntime, "stopped", false),
      (.poststart, "creating", false), (.poststart, "created", true), (.poststart, "running", true),
      (.poststart, "stopped", true), (.poststop, "creating", false), (.poststop, "created", false),
      (.poststop, "running", false), (.poststop, "stopped", true),
    ] as [(Phase, String, Bool)] {
      let read = try? parse(state(status: "\"\(status)\""), phase)
      #expect((read != nil) == fits, "\(phase) \(status)")
    }
  }

  @Test func `an ended container needs no pid`() throws {
    for pid in ["0", "null"] {
      #expect(try parse(state(status: "\"stopped\"", pid: pid), .poststop).pid == 0)
    }
    #expect(throws: StateError.missing(.pid)) { try parse(state(pid: "null")) }
  }

  @Test func `deep nesting ends at the limit and not on the stack`() throws {
    func nested(_ depth: Int) -> String {
      state(
        more: ",\"x\":" + String(repeating: "[", count: depth)
          + String(repeating: "]", count: depth))
    }
    _ = try parse(nested(31))
    #expect(throws: StateError.tooDeep) { try parse(nested(32)) }
    #expect(throws: StateError.tooDeep) { try parse(String(repeating: "{\"a\":", count: 200_000)) }
    #expect(throws: StateError.tooDeep) {
      try parse("{\"a\":" + String(repeating: "[", count: 1_000_000))
    }
  }

  @Test func `a state of up to 1 MiB is read and one byte more is refused`() throws {
    let rest = state(more: ",\"x\":\"\"").utf8.count
    func padded(_ size: Int) -> String {
      state(more: ",\"x\":\"" + String(repeating: "x", count: size - rest) + "\"")
    }
    #expect(try parse(padded(1 << 20)).pid == 7)
    #expect(throws: StateError.tooLarge) { try parse(padded(1 << 20 + 1)) }
  }

  @Test func `invalid UTF-8 is refused wherever it stands`() {
    for bytes: [UInt8] in [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0x80]] {
      for (head, tail) in [
        ("{\"id\":\"", "\"}"), ("{\"", "\":1}"), ("{\"annotations\":{\"a\":\"", "\"}}"),
      ] {
        #expect(throws: StateError.self) {
          try ContainerState(json: .init(head) + bytes + .init(tail), phase: .createRuntime)
        }
      }
    }
  }

  @Test func `only the annotations asked for are kept and checked`() throws {
    let read = try parse(
      state(
        more:
          ",\"annotations\":{\"a\":\"1\",\"b\":{\"a\":\"2\",\"id\":\"x\"},\"c\":[\"a\"],\"d\":5,\"d\":6,\"e\":\"\"}"
      ),
      wanted: ["a", "e"])
    #expect(
      read.annotations == [
        Annotation(key: .init("a"), value: .init("1")), Annotation(key: .init("e"), value: []),
      ])
    for annotations in [
      "{\"a\":1}", "{\"a\":{}}", "{\"a\":[]}", "{\"a\":null}", "{\"a\":\"\\u0000\"}",
    ] {
      #expect(throws: StateError.invalid(.annotations)) {
        try parse(state(more: ",\"annotations\":" + annotations), wanted: ["a"])
      }
    }
    #expect(throws: StateError.duplicate(.annotations)) {
      try parse(state(more: ",\"annotations\":{\"a\":\"1\",\"a\":\"1\"}"), wanted: ["a"])
    }
    #expect(try parse(state(more: ",\"annotations\":null"), wanted: ["a"]).annotations.isEmpty)
  }

  @Test func `fields of the same name deeper down are not the state's`() throws {
    let read = try parse(
      state(
        more:
          ",\"x\":{\"id\":\"evil\",\"pid\":1,\"annotations\":{\"a\":\"1\"}},\"y\":[{\"bundle\":1}]"),
      wanted: ["a"])
    #expect(read.id.text == "c" && read.pid == 7 && read.annotations.isEmpty)
  }
}
