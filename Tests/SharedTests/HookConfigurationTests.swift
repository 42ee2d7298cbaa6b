// SPDX-License-Identifier: Apache-2.0

import Foundation
import Shared
import Testing

private let state =
  #"{"ociVersion":"1.0","id":"web-0","status":"creating","pid":7,"bundle":"/run/b","annotations":"#
  + #"{"io.kubernetes.cri.sandbox-namespace":"shop","guard":"yes"}}"#

extension HookTests {
  /// hook.json and the spool, with the real program and no mapd.
  @Suite final class HookConfigurationTests {
    private let folder = NSTemporaryDirectory() + "hook-\(UUID().uuidString.prefix(8))"

    init() throws {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func run(_ configuration: String, _ options: [String] = []) throws -> HookProgram.Ending {
      let path = folder + "/hook.json"
      try Data(configuration.utf8).write(to: URL(fileURLWithPath: path))
      return try HookProgram.run(
        ["createRuntime", "--config", path, "--socket", folder + "/none.sock"] + options, state: state)
    }

    @Test(
      arguments: [
        ("{}", 0), (#"{"fail":"open"}"#, 0), (#"{"fail":"closed"}"#, 1),
        (#"{"closedNamespaces":["other","shop"]}"#, 1), (#"{"closedNamespaces":["other"]}"#, 0),
        (#"{"closedAnnotations":["guard=yes"]}"#, 1), (#"{"closedAnnotations":["guard=no"]}"#, 0),
        (#"{"fail":"closed","exemptNamespaces":["kube-system","shop"]}"#, 0),
        (#"{"fail":"closed","exemptNamespaces":["kube-system"]}"#, 1),
      ] as [(String, Int32)])
    func `its file decides without mapd`(configuration: String, code: Int32) throws {
      #expect(try run(configuration).code == code)
    }

    @Test func `options of the command line come after the file`() throws {
      #expect(try run(#"{"fail":"closed"}"#, ["--fail", "open"]).code == 0)
      #expect(try run(#"{"fail":"open"}"#, ["--fail-closed-namespace", "shop"]).code == 1)
    }

    @Test(
      arguments: [
        ("", "not a JSON object"), ("[]", "not a value of "), (#"{"fail":"open""#, "not a JSON object"),
        (#"{"fail":"open"} x"#, "not a JSON object"), (#"{"fail":true}"#, "true or false is not a value of fail"),
        (#"{"fail":null}"#, "null is not a value of fail"), (#"{"fail":["open"]}"#, "a list is not a value of fail"),
        (#"{"closedNamespaces":"shop"}"#, "a list is expected for closedNamespaces"),
        (#"{"closedNamespaces":[["shop"]]}"#, "a list is not a value of closedNamespaces"),
        (#"{"closedNamespaces":{"a":"b"}}"#, "an object is not a value of closedNamespaces"),
        (#"{"fail":"open","fail":"closed"}"#, "twice there: fail"), (#"{"fial":"open"}"#, "unknown field fial"),
        (#"{"timeoutMilliseconds":"5"}"#, "a number is expected for timeoutMilliseconds"),
        (#"{"timeoutMilliseconds":0}"#, "not 1 to 60000"), (#"{"timeoutMilliseconds":60001}"#, "not 1 to 60000"),
        (#"{"timeoutMilliseconds":-5}"#, "not 1 to 60000"), (#"{"fail":7}"#, "a number is not a value of fail"),
        (#"{"log":"a\u0000b"}"#, "NUL in a value of log"), (#"{"spool":"relative"}"#, "not an absolute path"),
        (#"{"log":""}"#, "empty value"),
      ] as [(String, String)])
    func `a file that cannot be meant is a refusal that says why`(configuration: String, reason: String) throws {
      let ending = try run(configuration)
      #expect(ending.code == 1)
      #expect(ending.stderr.contains(reason), "\(ending.stderr)")
    }

    /// As `mapctl doctor` asks: no state, no mapd.
    private func ask(_ arguments: String...) throws -> (code: Int32, said: String) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: HookProgram.path)
      process.arguments = arguments
      process.standardInput = FileHandle.nullDevice
      let output = Foundation.Pipe()
      (process.standardOutput, process.standardError) = (output, output)
      try process.run()
      let said = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return (process.terminationStatus, String(decoding: said, as: UTF8.self))
    }

    @Test func `it says its release, and what is wrong with its configuration`() throws {
      let version = try ask("--version")
      #expect(version.code == 0 && version.said == "oci-hook \(Release.version) protocol \(Frame.version)\n")
      let path = folder + "/hook.json"
      try Data(#"{"fail":"closed"}"#.utf8).write(to: URL(fileURLWithPath: path))
      #expect(try ask("--check", "--config", path) == (0, ""))
      try Data(#"{"fial":"closed"}"#.utf8).write(to: URL(fileURLWithPath: path))
      let checked = try ask("--check", "--config", path)
      #expect(checked.code == 1 && checked.said.contains("unknown field fial"))
    }

    @Test func `the file that is shipped holds the defaults`() throws {
      let shipped = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../packaging/hook.json").standardized
      #expect(try ask("--check", "--config", shipped.path) == (0, ""))
      let fields = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: shipped)) as? [String: Any])
      #expect(fields.count == 8, "every field is in it")
      #expect(fields["timeoutMilliseconds"] as? Int == 2000 && fields["fail"] as? String == "open")
      #expect(fields["socket"] as? String == "/run/holdfast/hook.sock" && fields["log"] as? String == "/dev/log")
    }

    @Test func `a file of 64 KiB is read, one byte more is refused`() throws {
      let limit = 65536
      let padded = "{}" + String(repeating: " ", count: limit - 2)
      #expect(try run(padded).code == 0)
      let ending = try run(padded + " ")
      #expect(ending.code == 1 && ending.stderr.contains("larger than 64 KiB"))
    }

    @Test func `a file that was named must be there`() throws {
      let ending = try HookProgram.run(["createRuntime", "--config", folder + "/absent"], state: state)
      #expect(ending.code == 1 && ending.stderr.contains("cannot open the configuration"))
    }

    @Test func `an open failure is left for mapd beside the socket, a closed one is not`() throws {
      let spool = folder + "/kept"
      _ = try run(#"{"fail":"closed","spool":"\#(spool)"}"#, ["--spool", spool])
      #expect(!FileManager.default.fileExists(atPath: spool))
      _ = try run("{}", ["--spool", spool])
      _ = try run("{}", ["--spool", spool])
      let lines = try String(contentsOfFile: spool, encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 2)
      let entry = try #require(SpoolEntry(line: lines[0]))
      #expect(entry.id == "web-0" && entry.phase == .createRuntime)
      #expect(entry.message.contains("starts WITHOUT PROTECTION"))
      #expect(abs(entry.time - Int64(Date().timeIntervalSince1970)) < 3600)
    }

    @Test func `the spool does not grow beyond its limit and the container starts all the same`() throws {
      let spool = folder + "/full"
      let size = SpoolFile.bytesMax - 10
      try Data(repeating: 0x0a, count: size).write(to: URL(fileURLWithPath: spool))
      #expect(try run("{}", ["--spool", spool]).code == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: spool)).count == size)
    }

    @Test func `a spool that is a link or a pipe is not written`() throws {
      let target = folder + "/target"
      let link = folder + "/link"
      try Data().write(to: URL(fileURLWithPath: target))
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      #expect(try run("{}", ["--spool", link]).code == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: target)).isEmpty)
      mkfifo(folder + "/pipe", 0o600)
      #expect(try run("{}", ["--spool", folder + "/pipe"]).code == 0)
    }

    @Test(arguments: [
      "", "1\t5\tcreateRuntime\tid", "2\t5\tcreateRuntime\tid\tm", "1\tx\tcreateRuntime\tid\tm",
      "1\t5\tstart\tid\tm", "1\t5\tpoststart\t\tm", "1\t5\tpoststart\tid\tm\tmore",
    ])
    func `a line of the spool that is not understood is none`(line: String) {
      #expect(SpoolEntry(line: line[...]) == nil)
    }
  }
}
