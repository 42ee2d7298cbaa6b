// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

struct Doctor: Action {
  static let configuration = CommandConfiguration(
    abstract: "Looks at all that protection rests on, and says what is wrong and what to do. Needs no mapd.",
    discussion: """
      The kernel, the pinned gate and how full its maps are, mapd, the hook as each runtime is told of \
      it, the service, and whether all are of one release. Changes nothing. Exits 0 when nothing is wrong, 1 \
      with a warning or what could not be looked at (run it as root), 4 with an error: containers run, \
      or will start, without protection, or do not start.
      """)

  @Option(
    help: ArgumentHelp("mapd's pin directory. Default: mapd's answer, else \(Self.standardPins).", valueName: "path"))
  var bpffs: String?
  @Option(help: ArgumentHelp("The installed BPF object, to compare the pinned program with.", valueName: "path"))
  var gateObject = "/usr/lib/holdfast/gate.bpf.o"
  @OptionGroup var rooted: Hooks.Rooted

  @ParentCommand var parent: Mapctl
  @OptionGroup var options: Options

  private static let standardPins = "/sys/fs/bpf/holdfast"

  func perform(in context: Context) throws -> ExitStatus {
    let report = DoctorReport(findings(in: context))
    let isJSON = options.json || parent.options.json
    try context.output.write(
      isJSON
        ? JSONText.pretty(report) : DoctorText.render(report, for: context.output.style(context.environment)))
    return report.status
  }

  private func findings(in context: Context) -> [Finding] {
    let mapd = MapdCheck.read(options.client(parent.options, in: context))
    let status = try? mapd.answer.get()
    let pins = bpffs ?? status.map { HostFile.folder(of: $0.bpffsPath) } ?? Self.standardPins
    let kernel = KernelCheck.read(bpffs: HostFile.folder(of: pins))
    let gate = GateCheck.read(pinRoot: pins, object: gateObject, status: status, lsmList: kernel.lsmList)
    return kernel.findings + gate.findings + mapd.findings + HookCheck.read(rooted.places).findings
      + ServiceCheck.read(rooted.places).findings
  }
}
