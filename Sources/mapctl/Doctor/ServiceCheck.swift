// SPDX-License-Identifier: Apache-2.0

/// mapd as a service of systemd: there at the boot, before anything that starts containers.
struct ServiceCheck {
  /// Properties of one unit, as `systemctl show` prints them.
  typealias Unit = [String: String]

  enum Manager {
    /// No systemd runs here.
    case none
    /// It does not answer, and why.
    case silent(String)
    case units([Unit])
  }

  static let own = ["mapd.service", "mapd.socket", "mapd-control.socket"]
  /// Units that start containers.
  static let runtimes = ["containerd.service", "crio.service", "docker.service", "podman.service", "kubelet.service"]

  var manager: Manager

  var findings: [Finding] {
    switch manager {
    case .none:
      [.fine(.service, "systemd does not run here: whoever starts mapd must do so before the runtimes")]
    case .silent(let reason):
      [.unknown(.service, "systemd does not tell of mapd's units: \(reason)", "systemctl status mapd says why")]
    case .units(let units): Self.own.flatMap { name in own(units.first { $0["Id"] == name }, name) } + order(units)
    }
  }

  private func own(_ unit: Unit?, _ name: String) -> [Finding] {
    guard let unit, unit["LoadState"] != "not-found" else {
      return [.warning(.service, "\(name) is not installed: mapd does not start by itself", "install Holdfast's units")]
    }
    guard unit["LoadState"] != "masked" else {
      return [.error(.service, "\(name) is masked: it cannot start", "systemctl unmask \(name)")]
    }
    var findings: [Finding] = []
    if unit["UnitFileState"] != "enabled" {
      findings.append(
        .warning(
          .service, "\(name) is \(unit["UnitFileState"] ?? "not enabled"): it does not start with the machine",
          "systemctl enable --now \(name)"))
    }
    if unit["ActiveState"] != "active" {
      findings.append(inactive(unit, name))
    }
    if unit["NeedDaemonReload"] == "yes" {
      findings.append(
        .warning(.service, "\(name) was changed on disk, and systemd uses the old one", "systemctl daemon-reload"))
    }
    return findings.isEmpty ? [.fine(.service, "\(name) is enabled and active")] : findings
  }

  private func inactive(_ unit: Unit, _ name: String) -> Finding {
    let state = unit["ActiveState"] ?? "inactive"
    guard name.hasSuffix(".socket") else {
      return .error(.service, "\(name) is \(state)", "systemctl start \(name); journalctl -u mapd says why it ended")
    }
    return .warning(
      .service, "\(name) is \(state): while mapd restarts, nobody keeps who asks waiting", "systemctl start \(name)")
  }

  /// What starts containers starts after mapd, or its containers start unknown at a boot.
  private func order(_ units: [Unit]) -> [Finding] {
    guard let mapd = units.first(where: { $0["Id"] == Self.own[0] }), mapd["LoadState"] == "loaded" else { return [] }
    let after = Set((mapd["Before"] ?? "").split(separator: " ").map(String.init))
    let installed = units.filter { Self.runtimes.contains($0["Id"] ?? "") && $0["LoadState"] == "loaded" }
    return installed.compactMap { $0["Id"] }.map { name in
      after.contains(name)
        ? .fine(.service, "\(name) starts after mapd")
        : .error(
          .service, "\(name) may start before mapd: what it starts with the machine is not protected from its start",
          "systemctl edit mapd.service, and add to [Unit]: Before=\(name)")
    }
  }
}

extension ServiceCheck {
  static func read(_ places: HookPlaces) -> ServiceCheck {
    // As sd_booted(3) finds out.
    guard places.root.isEmpty, HostFile.exists("/run/systemd/system") else { return ServiceCheck(manager: .none) }
    guard
      let answer = HostCommand.run(
        [
          "systemctl", "show", "--no-pager",
          "--property=Id,LoadState,UnitFileState,ActiveState,NeedDaemonReload,Before",
        ]
          + own + runtimes)
    else { return ServiceCheck(manager: .silent("systemctl cannot be started")) }
    guard answer.status == 0 else { return ServiceCheck(manager: .silent(answer.text)) }
    return ServiceCheck(manager: .units(units(answer.text)))
  }

  /// Blocks of `Name=value`, a blank line between them.
  static func units(_ text: String) -> [Unit] {
    text.split(separator: "\n", omittingEmptySubsequences: false).split(separator: "").map { lines in
      lines.reduce(into: [:]) { unit, line in
        let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if pair.count == 2 { unit[String(pair[0])] = String(pair[1]) }
      }
    }
  }
}
