// SPDX-License-Identifier: Apache-2.0
import Policy
import Testing

/// A manifest that must be refused, and what the refusal must say.
struct Bad: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var text: String
  var line: Int
  var field: String
  var says: String

  init(_ what: String, _ text: String, line: Int, field: String = "", says: String) {
    self.testDescription = what
    self.text = text
    self.line = line
    self.field = field
    self.says = says
  }

  /// A path in the list of container nginx, in line 12.
  static func path(_ what: String, _ path: String, says: String) -> Bad {
    let spec = "rulesByContainer:\n  nginx:\n    executables:\n      allowed:\n      - \(path)"
    return Bad(
      what, manifest(spec: spec), line: 12,
      field: "spec.rulesByContainer.nginx.executables.allowed[0]", says: says)
  }
}

private let deep = String(repeating: "[", count: 20_000)
private let rules = "rulesByContainer:\n  nginx:\n    executables:\n      allowed: [/bin/sh]"

private let bad: [Bad] = [
  .path(
    "relative path", "bin/sh",
    says: "\"bin/sh\" is not an absolute path; write it from the root, e.g. /bin/sh"),
  .path("dotted relative path", "./run", says: "e.g. /run"),
  .path("NUL in a path", #""/bin/s\0h""#, says: "contains NUL"),
  .path("component .", "/usr/./bin/x", says: "component . or .."),
  .path("component ..", "/usr/../bin/x", says: "component . or .."),
  .path("ends in ..", "/usr/bin/..", says: "component . or .."),
  .path("empty component", "/usr//bin/x", says: "empty component (//)"),
  .path("two slashes at the end", "/usr/bin//", says: "empty component (//)"),
  .path("the root", "/", says: "would allow every file"),
  .path("empty path", "''", says: "is empty; write the absolute path"),
  .path(
    "path of 5000 bytes", String(repeating: "/abcdefghi", count: 500),
    says: "5000 bytes long and the kernel takes 4095"),
  .path("path of 4096 bytes", String(repeating: "/abcdefg", count: 512), says: "4096 bytes long"),
  .path(
    "component of 256 bytes", "/" + String(repeating: "x", count: 256),
    says: "component of 256 bytes"),
  .path(
    "65 components", String(repeating: "/a", count: 65),
    says: "has 65 components and the gate follows 64"),
  .path(
    "directory of 64 components", String(repeating: "/a", count: 64) + "/",
    says: "has 64 components and the gate follows 63"),
  .path("number as path", "12", says: "is a number and must be text; put it in quotes"),
  .path("null as path", "~", says: "is empty and must be text"),
  .path("mapping as path", "{path: /bin/sh}", says: "is a mapping and must be text"),
  .path("alias as path", "*shell", says: "is the alias \"*shell\", which policies do not take"),
  Bad(
    "unknown field of spec", manifest(spec: "rules2: []"), line: 8, field: "spec.rules2",
    says: "is not a known field; correct or remove it (fields known here: mode, selector"),
  Bad(
    "field of an older kind", manifest(spec: "severity: 3"), line: 8, field: "spec.severity",
    says: "belongs to WorkloadSecurityPolicy"),
  Bad(
    "unknown field of metadata",
    "apiVersion: security.rancher.io/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: x, nam: y}\nspec: {mode: learn}\n",
    line: 3, field: "metadata.nam", says: "not a known field"),
  Bad(
    "unknown top field", manifest() + "extra: 1\n", line: 9, field: "extra",
    says: "not a known field"),
  Bad(
    "unknown field of executables",
    manifest(spec: "rulesByContainer: {a: {executables: {alowed: []}}}"), line: 8,
    field: "spec.rulesByContainer.a.executables.alowed",
    says: "fields known here: allowed, interpreters"),
  Bad(
    "unknown field of a container", manifest(spec: "rulesByContainer: {a: {files: []}}"), line: 8,
    field: "spec.rulesByContainer.a.files", says: "not a known field"),
  Bad(
    "unknown field of selector", manifest(spec: "selector: {matchFields: []}"), line: 8,
    field: "spec.selector.matchFields", says: "not a known field"),
  Bad(
    "unknown relaxation", manifest(spec: "rulesByContainer: {a: {allow: [everything]}}"), line: 8,
    field: "spec.rulesByContainer.a.allow[0]",
    says: "write nestedNamespaces, writableLayer, anonymousFiles or laterMounts"),
  Bad(
    "unknown interpreters",
    manifest(spec: "rulesByContainer: {a: {executables: {interpreters: all}}}"), line: 8,
    field: "spec.rulesByContainer.a.executables.interpreters", says: "write implied or listed"),
  Bad(
    "image policy",
    manifest(spec: "rulesByContainer: {a: {executables: {imagePolicyRef: {name: x}}}}"), line: 8,
    field: "spec.rulesByContainer.a.executables.imagePolicyRef", says: "is not supported"),
  Bad(
    "prefixes", manifest(spec: "rulesByContainer: {a: {executables: {allowedPrefixes: [/usr]}}}"),
    line: 8, field: "spec.rulesByContainer.a.executables.allowedPrefixes", says: "with a trailing /"
  ),
  Bad(
    "unknown mode", manifest(mode: "Protect"), line: 7, field: "spec.mode",
    says: "\"Protect\" is not known here; write learn, monitor or protect"),
  Bad("no mode", manifest(mode: nil), line: 7, field: "spec", says: "has no mode"),
  Bad("boolean mode", manifest(mode: "on"), line: 7, field: "spec.mode", says: "is a boolean"),
  Bad(
    "unknown runningProcesses", manifest(spec: "runningProcesses: stop"), line: 8,
    field: "spec.runningProcesses", says: "write report or kill"),
  Bad(
    "unknown otherContainers", manifest(spec: "otherContainers: learn"), line: 8,
    field: "spec.otherContainers", says: "write ignore, monitor or protect"),
  Bad(
    "list of containers", manifest(spec: "rulesByContainer:\n- nginx"), line: 9,
    field: "spec.rulesByContainer", says: "is a list and must be a mapping"),
  Bad(
    "text as list", manifest(spec: "rulesByContainer: {a: {executables: {allowed: /bin/sh}}}"),
    line: 8, field: "spec.rulesByContainer.a.executables.allowed",
    says: "is text and must be a list"),
  Bad(
    "list as spec",
    "apiVersion: security.rancher.io/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: x}\nspec: []\n",
    line: 4, field: "spec", says: "is a list and must be a mapping"),
  Bad("list as document", "- a\n", line: 1, says: "is a list and must be a mapping"),
  Bad(
    "mapping as key", manifest(spec: "? {a: b}\n: 1"), line: 8, field: "spec",
    says: "has a mapping as a key"),
  Bad(
    "number as label", manifest(spec: "selector: {matchLabels: {app: 1}}"), line: 8,
    field: "spec.selector.matchLabels.app", says: "put it in quotes: \"1\""),
  Bad(
    "unknown operator", manifest(spec: "selector: {matchExpressions: [{key: a, operator: Gt}]}"),
    line: 8, field: "spec.selector.matchExpressions[0].operator",
    says: "write In, NotIn, Exists or DoesNotExist"),
  Bad(
    "operator without values",
    manifest(spec: "selector: {matchExpressions: [{key: a, operator: In}]}"), line: 8,
    field: "spec.selector.matchExpressions[0]", says: "has no values"),
  Bad(
    "operator with values",
    manifest(spec: "selector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}"),
    line: 8, field: "spec.selector.matchExpressions[0].values", says: "takes none"),
  Bad(
    "empty container name", manifest(spec: "rulesByContainer: {'': {}}"), line: 8,
    field: "spec.rulesByContainer[\"\"]", says: "is not the name of a container"),
  Bad(
    "container name of spaces", manifest(spec: "rulesByContainer: {'a b': {}}"), line: 8,
    field: "spec.rulesByContainer[\"a b\"]", says: "is not the name of a container"),
  Bad(
    "empty name", manifest(name: "''"), line: 4, field: "metadata.name",
    says: "is not a name; write 1 to 253"),
  Bad(
    "no name",
    "apiVersion: security.rancher.io/v1alpha1\nkind: WorkloadPolicy\nmetadata: {}\nspec: {mode: learn}\n",
    line: 3, field: "metadata", says: "has no name"),
  Bad(
    "name with a slash", manifest(name: "a/b"), line: 4, field: "metadata.name",
    says: "is not a name"),
  Bad(
    "namespace in capitals", manifest(namespace: "Shop"), line: 5, field: "metadata.namespace",
    says: "is not a name"),
  Bad(
    "no metadata",
    "apiVersion: security.rancher.io/v1alpha1\nkind: WorkloadPolicy\nspec: {mode: learn}\n",
    line: 1, says: "has no metadata"),
  Bad(
    "no spec",
    "apiVersion: security.rancher.io/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: x}\n",
    line: 1, says: "has no spec"),
  Bad("no kind", "apiVersion: security.rancher.io/v1alpha1\n", line: 1, says: "has no"),
  Bad(
    "another kind", "apiVersion: apps/v1\nkind: Deployment\n", line: 2, field: "kind",
    says: "\"Deployment\" is not a policy"),
  Bad(
    "the kind before this one",
    "apiVersion: security.rancher.io/v1alpha1\nkind: WorkloadSecurityPolicy\n", line: 2,
    field: "kind", says: "was replaced by WorkloadPolicy"),
  Bad(
    "another version", "apiVersion: security.rancher.io/v2\nkind: WorkloadPolicy\n", line: 1,
    field: "apiVersion", says: "write security.rancher.io/v1alpha1 or"),
  Bad(
    "same container twice", manifest(spec: rules + "\n  other: {}\n  nginx: {}"), line: 13,
    field: "spec.rulesByContainer.nginx", says: "is already written at line 9; keep one of the two"),
  Bad(
    "same container twice, once quoted", manifest(spec: rules + "\n  \"nginx\": {}"), line: 12,
    field: "spec.rulesByContainer.nginx", says: "already written at line 9"),
  Bad(
    "same key twice in braces", manifest(spec: "rulesByContainer: {a: {}, b: {}, a: {}}"), line: 8,
    field: "spec.rulesByContainer.a", says: "already written at line 8"),
  Bad(
    "same key twice, windows line ends", "a:\r\n  b: 1\r\n  b: 2\r\n", line: 3, field: "a.b",
    says: "already written at line 2"),
  Bad(
    "same key twice beside an alias", "a: &x [1]\nb: *x\nc: 1\nc: 2\n", line: 4, field: "c",
    says: "already written at line 3"),
  Bad(
    "same policy twice", manifest() + "---\n" + manifest(), line: 10, field: "metadata.name",
    says: "WorkloadPolicy shop/web is already defined at line 1"),
  Bad(
    "merge",
    "apiVersion: security.rancher.io/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: x}\nspec: {<<: {mode: learn}, mode: learn}\n",
    line: 4, field: "spec[\"<<\"]", says: "is a YAML merge"),
  Bad(
    "cut in the middle of a list", String(manifest(spec: "rulesByContainer: {a: [").dropLast(1)),
    line: 9, says: "is not YAML"),
  Bad("tab as indentation", manifest(spec: "a:\n\t- b"), line: 9, says: "is not YAML"),
  Bad("undefined alias", "a: *nothing\n", line: 1, field: "a", says: "is the alias"),
  Bad("nothing", "", line: 0, says: "holds no policy"),
  Bad("only comments", "# later\n---\n", line: 0, says: "holds no policy"),
  Bad("NUL in the file", "a: 1\nb: \0\n", line: 2, says: "contains the NUL"),
  Bad("escape in the file", "a: 1\nb: \u{1b}[2J\n", line: 2, says: "control character 0x1b"),
  Bad("nested too deep", deep, line: 1, says: "is not YAML"),
]

@Suite struct BadInputTests {
  @Test(arguments: bad) func isRefusedWithItsPlace(_ bad: Bad) throws {
    let found = problems(bad.text)
    let first = try #require(found.first)
    #expect(first.file == "web.yaml")
    #expect(first.line == bad.line, "\(first)")
    #expect(first.field == bad.field, "\(first)")
    #expect(first.message.contains(bad.says), "\(first)")
    #expect(first.message.contains("; ") || bad.says.hasPrefix("has "), "no remedy: \(first)")
    #expect(!first.description.contains("\n"))
    #expect(policies(bad.text).isEmpty)
  }

  @Test func aMessageReadsAsOneLineWithItsPlaceFirst() {
    let text = manifest(
      spec:
        "rulesByContainer:\n  nginx:\n    executables:\n      allowed:\n        - /bin/a\n        - bin/sh"
    )
    #expect(
      problems(text).map(\.description) == [
        "web.yaml:13:13: spec.rulesByContainer.nginx.executables.allowed[1]: \"bin/sh\" is not an absolute path; write it from the root, e.g. /bin/sh"
      ])
  }

  @Test func allProblemsOfAFileAreToldUpToALimit() {
    let two = problems(
      manifest(mode: "fast", spec: "rulesByContainer: {a: {executables: {allowed: [x, y]}}}"))
    #expect(two.count == 3)
    let many = problems(
      manifest(
        spec:
          "rulesByContainer: {a: {executables: {allowed: [\(Array(repeating: "x", count: 100).joined(separator: ","))]}}}"
      ))
    #expect(many.count == 20)
    #expect(many.last?.message.hasPrefix("81 more problems") == true)
  }

  @Test func invalidUTF8NamesItsLine() {
    let bytes = Array("a: 1\nb: ä".utf8).dropLast() + Array("\nc: 2\n".utf8)
    let found = PolicyParser.parse(Array(bytes), file: "web.yaml").problems
    #expect(found.map(\.line) == [2])
    #expect(found.first?.message == "is not valid UTF-8; save the file as UTF-8")
    #expect(
      PolicyParser.parse([0xff, 0xfe, 0x61, 0], file: "web.yaml").problems.map(\.line) == [1])
  }

  @Test func aFileOverOneMebibyteIsRefused() {
    let text = manifest() + String(repeating: "#", count: 1 << 20)
    #expect(problems(text).first?.message.contains("more than 1048576; split it") == true)
  }

  @Test func aFileOfOneMebibyteIsRead() {
    let head = manifest(spec: "rulesByContainer:\n  a:\n    executables:\n      allowed:")
      .dropLast()
    let line = "\n        - /usr/bin/some-program-0123456789"
    let text =
      String(head)
      + String(repeating: line, count: ((1 << 20) - head.utf8.count - 1) / line.utf8.count) + "\n"
    #expect(problems(text) == [])
    #expect(policies(text).first?.rulesByContainer["a"]?.allowed.count == 1)
  }

  /// Nine levels of nine aliases each would be 387 million nodes.
  @Test(arguments: ["", "? *i : x\n"]) func nestedAliasesAreRefusedWithoutExpandingThem(
    _ key: String
  ) {
    var text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for (name, before) in zip("bcdefghi", "abcdefgh") {
      text +=
        "\(name): &\(name) [\(Array(repeating: "*\(before)", count: 9).joined(separator: ","))]\n"
    }
    let found = problems(text + key)
    #expect(found.first?.line == 2)
    #expect(found.first?.message.hasPrefix("is the alias \"*a\"") == true)
  }

  /// As deep as the parser goes, with an alias at the bottom so that the tree is walked.
  @Test func theDeepestNestingFitsTheStack() {
    let text =
      "a: " + String(repeating: "[", count: 990) + "*x" + String(repeating: "]", count: 990) + "\n"
    #expect(problems(text).first?.message.hasPrefix("is the alias") == true)
  }

  @Test func wordsThatLookLikeAliasesInTextAreTaken() {
    let text = manifest(spec: "selector: {matchLabels: {a: 'x *y', b: \"*z\", c: a*b}} # *comment")
    #expect(policies(text).first?.selector?.matchLabels == ["a": "x *y", "b": "*z", "c": "a*b"])
  }

  /// Any prefix and any single changed byte of a good manifest is read or refused, never a crash,
  /// and a refusal always says something.
  @Test func mutilatedManifestsAreReadOrRefused() {
    let whole = Array(
      manifest(spec: rules + "\n    allow: [writableLayer]\nselector: {matchLabels: {a: \"b\"}}")
        .utf8)
    var random = SeededGenerator(seed: 7)
    for length in whole.indices {
      let cut = PolicyParser.parse(Array(whole[..<length]), file: "f")
      #expect(cut.policies.isEmpty != cut.problems.isEmpty)
      var changed = whole
      changed[length] = UInt8.random(in: 0...255, using: &random)
      let result = PolicyParser.parse(changed, file: "f")
      #expect(result.policies.isEmpty != result.problems.isEmpty)
    }
  }
}
