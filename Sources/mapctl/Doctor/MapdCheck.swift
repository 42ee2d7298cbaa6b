// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Shared

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// mapd's own answer. Without it the gate goes on, and nobody binds what starts.
struct MapdCheck {
  var answer: Swift.Result<StatusReport, Failure>
  /// The file that mapd was started from is not the one in its place any more. nil: not known.
  var isReplaced: Bool?

  var findings: [Finding] {
    switch answer {
    case .failure(let failure): return [silence(failure)]
    case .success(let status): return [answers(status), version(status)] + faults(status)
    }
  }

  private func silence(_ failure: Failure) -> Finding {
    guard failure.status == .unreachable else {
      return Finding(.mapd, .error, failure, remedy: "see journalctl -u mapd")
    }
    guard !failure.message.contains("as root") else {
      return Finding(.mapd, .unknown, failure, remedy: "run mapctl as root")
    }
    var finding = Finding(.mapd, .error, failure, remedy: "start mapd (systemctl start mapd)")
    finding.text += ": what is bound stays so, and what starts now is left to the hook's fail policy"
    return finding
  }

  private func answers(_ status: StatusReport) -> Finding {
    status.gateAttached
      ? .fine(.mapd, "mapd \(status.version) runs, process \(status.pid)")
      : .error(
        .mapd, "mapd runs, but has attached no gate: \(status.degraded ?? "no reason is told")",
        "start it without --attach none; see journalctl -u mapd")
  }

  private func version(_ status: StatusReport) -> Finding {
    guard status.version == "\(Release.version)" else {
      return .warning(
        .versions, "mapd is \(status.version), mapctl is \(Release.version)",
        "install both of the same release, and restart mapd (systemctl restart mapd)")
    }
    guard isReplaced != true else {
      return .warning(
        .versions, "mapd's program was replaced since it started: the old one runs", "systemctl restart mapd")
    }
    return .fine(.versions, "mapd and mapctl are \(Release.version)")
  }

  private func faults(_ status: StatusReport) -> [Finding] {
    var findings = (status.troubles ?? []).map {
      Finding.warning(.mapd, $0, "see mapctl status and mapd's log (journalctl -u mapd)")
    }
    func add(_ count: UInt64?, _ level: Finding.Level, _ text: (UInt64) -> String, _ remedy: String) {
      guard let count, count > 0 else { return }
      findings.append(Finding(area: .mapd, level: level, text: text(count), remedy: remedy))
    }
    add(
      UInt64(max(status.policyProblems, 0)), .warning,
      { "\($0) problems in policy files: the last good versions are in force" },
      "see mapctl policies, and correct the files")
    add(
      UInt64(max(status.openFailures ?? 0, 0)), .warning,
      {
        "\($0) containers started without mapd's answer since mapd's start; the last: \(status.lastOpenFailure ?? "unknown")"
      },
      "see why mapd was not there (journalctl -u mapd); what must not start so: closedNamespaces in hook.json")
    add(
      status.eventsLost, .warning, { "\($0) reports were lost (their verdicts stood, and are counted)" },
      "see what is refused so often: mapctl top")
    add(
      status.counters["bindingsFull"], .error, { "\($0) containers could not be bound: map bindings was full" },
      "give mapd more --max-bindings, which takes mapctl uninstall before its start")
    add(
      status.counters["rulesFull"], .error, { "\($0) rule sets did not fit: map rules was full" },
      "list folders instead of single files, or give mapd more --max-rules")
    add(
      status.counters["pathKeysDiffering"], .warning, { "\($0) paths were seen under two keys by mapd and the gate" },
      "report it: a renamed file does this once, more is a fault of Holdfast")
    return findings
  }
}

extension MapdCheck {
  static func read(_ client: ControlClient) -> MapdCheck {
    do {
      guard let status = try client.ask(ControlRequest(.status)).status else {
        throw ControlClient.strange("no status")
      }
      return MapdCheck(answer: .success(status), isReplaced: isReplaced(status.pid))
    } catch {
      return MapdCheck(answer: .failure(error as? Failure ?? Failure(.refused, "\(error)")))
    }
  }

  /// What the kernel says of a program whose file was unlinked or renamed over.
  private static func isReplaced(_ pid: Int) -> Bool? {
    var target = [UInt8](repeating: 0, count: 4096)
    let count = target.withUnsafeMutableBytes {
      readlink("/proc/\(pid)/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard count > 0 else { return nil }
    return String(decoding: target[..<count], as: UTF8.self).hasSuffix(" (deleted)")
  }
}
