// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Admission

@Suite struct RootFilesystemTests {
  @Test func linksAreFollowedInsideTheRoot() throws {
    let directory = try TemporaryDirectory()
    try directory.write("usr/bin/tool")
    try directory.link("bin", to: "usr/bin")
    try directory.link("absolute", to: "/usr/bin/tool")
    try directory.link("usr/bin/relative", to: "../bin/tool")
    try directory.link("chain", to: "/absolute")
    let root = try RootFilesystem(directory.path)
    for path in ["/usr/bin/tool", "/bin/tool", "/absolute", "/usr/bin/relative", "/chain", "/bin/relative"] {
      #expect(root.resolve(path)?.path == "/usr/bin/tool", "\(path)")
    }
    #expect(root.resolve("/bin")?.isDirectory == true && root.resolve("/bin")?.path == "/usr/bin")
    #expect(root.resolve("/chain")?.isDirectory == false)
  }

  @Test func nothingLeadsOut() throws {
    let outer = try TemporaryDirectory()
    try outer.write("secret")
    try outer.write("root/secret")
    try outer.link("root/up", to: "../secret")
    try outer.link("root/far", to: "../../../../../../../../etc/passwd")
    try outer.link("root/absolute", to: "\(outer.path)/secret")
    try outer.link("root/slash", to: "/")
    let root = try RootFilesystem(outer.path + "/root")
    #expect(root.resolve("/up")?.path == "/secret")
    #expect(root.resolve("/../secret")?.path == "/secret")
    #expect(root.resolve("/far") == nil && root.resolve("/absolute") == nil)
    #expect(root.resolve("/slash") == nil, "the root itself is no rule")
  }

  @Test func magicLinksAreNotFollowed() throws {
    let root = try RootFilesystem("/")
    #expect(root.resolve("/proc/self/exe") == nil)
    #expect(root.resolve("/proc/self/cwd/x") == nil)
  }

  @Test func whatIsMissingOrLoopsIsNil() throws {
    let directory = try TemporaryDirectory()
    try directory.link("a", to: "b")
    try directory.link("b", to: "a")
    try directory.link("dangling", to: "/none")
    try directory.write("file")
    let root = try RootFilesystem(directory.path)
    for path in ["/a", "/dangling", "/none", "/file/x", "/" + String(repeating: "x", count: 5000)] {
      #expect(root.resolve(path) == nil, "\(path.prefix(20))")
    }
  }

  @Test func aRootThatIsNoDirectoryIsRefused() throws {
    let directory = try TemporaryDirectory()
    try directory.write("file")
    #expect(refusal { _ = try RootFilesystem(directory.path + "/file") }?.kind == .invalid)
    #expect(refusal { _ = try RootFilesystem(directory.path + "/none") }?.kind == .invalid)
  }

  @Test func scriptsNameTheirInterpreter() throws {
    let directory = try TemporaryDirectory()
    try directory.write("script", "#!/bin/sh -e\necho\n")
    try directory.write("program")
    try directory.link("link", to: "script")
    try directory.directory("folder")
    #expect(mkfifo(directory.path + "/pipe", 0o600) == 0)
    let root = try RootFilesystem(directory.path)
    #expect(root.resolve("/script")?.interpreter == "/bin/sh")
    #expect(root.resolve("/link")?.interpreter == "/bin/sh")
    #expect(root.resolve("/program")?.interpreter == nil && root.resolve("/folder")?.interpreter == nil)
    #expect(root.resolve("/pipe")?.path == "/pipe", "it is not opened for reading")
  }

  @Test(
    arguments: [
      ("#!/bin/sh\n", "/bin/sh"), ("#! \t /bin/sh \t-x y\n", "/bin/sh"), ("#!/bin/sh", "/bin/sh"),
      ("#!/bin/sh\0x\n", "/bin/sh"), ("#!python\n", "python"), ("#!\n/bin/sh", nil), ("#!", nil), ("#!  \t\n", nil),
      ("# !/bin/sh\n", nil), ("", nil), ("#", nil), ("\u{7f}ELF#!/bin/sh", nil), ("\n#!/bin/sh", nil),
      ("#!/bin/sh\r\n", "/bin/sh\r"),
    ] as [(String, String?)])
  func theFirstLineIsReadAsTheKernelDoes(_ head: String, _ interpreter: String?) {
    #expect(RootFilesystem.interpreter(of: Array(head.utf8)) == interpreter)
  }

  @Test func bytesThatAreNoTextAreNoInterpreter() {
    #expect(RootFilesystem.interpreter(of: Array("#!/bin/".utf8) + [0xff, 0x0a]) == nil)
  }

  @Test func anInterpreterThatTheKernelWouldCutOffIsNone() {
    let head = Array(("#!/" + String(repeating: "x", count: 300)).utf8).prefix(256)
    #expect(RootFilesystem.interpreter(of: head) == nil, "the kernel says ENOEXEC")
  }
}
