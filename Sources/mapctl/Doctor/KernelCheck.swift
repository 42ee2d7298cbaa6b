// SPDX-License-Identifier: Apache-2.0
import Enforcement

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What the gate needs of the kernel, and of what is mounted.
struct KernelCheck {
  enum CgroupLayout: String {
    case v2, v1, hybrid, none
  }

  var release: String
  var machine: String
  var hasBTF: Bool
  /// nil: it cannot be read.
  var lsmList: [String]?
  /// /sys/kernel/security/lockdown; nil: the kernel has none, or it cannot be read.
  var lockdown: String?
  /// The folder of the pin directory.
  var bpffs: String
  var isBPFFS: Bool
  var cgroups: CgroupLayout

  /// The oldest that has all that the gate uses.
  static let oldest = (5, 10)

  var findings: [Finding] {
    [version, architecture, btf, lsms, lockdownMode, filesystem, cgroupLayout].compactMap(\.self)
  }

  private var version: Finding {
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    guard numbers.count == 2 else {
      return .unknown(.kernel, "Linux \(release): the version is not understood", "use Linux 5.10 or later")
    }
    guard (numbers[0], numbers[1]) >= Self.oldest else {
      return .error(
        .kernel, "Linux \(release) is older than 5.10: the gate cannot be loaded", "use Linux 5.10 or later")
    }
    return .fine(.kernel, "Linux \(release)")
  }

  private var architecture: Finding? {
    machine == "x86_64"
      ? nil
      : .warning(.kernel, "the machine is \(machine); only x86_64 is tested", "run the tests (make test) there first")
  }

  private var btf: Finding {
    hasBTF
      ? .fine(.kernel, "BTF is there")
      : .error(
        .kernel, "/sys/kernel/btf/vmlinux cannot be read: the gate cannot be loaded",
        "use a kernel built with CONFIG_DEBUG_INFO_BTF, and mount sysfs")
  }

  private var lsms: Finding {
    guard let lsmList else {
      return .unknown(
        .kernel, "the LSM list cannot be read: attach point lsm is not used then",
        "mount securityfs on /sys/kernel/security")
    }
    let list = lsmList.joined(separator: ",")
    return .fine(
      .kernel,
      lsmList.contains("bpf")
        ? "LSMs \(list): attach point lsm can be used" : "LSMs \(list): without bpf, attach point lsm cannot be used")
  }

  private var lockdownMode: Finding? {
    guard let lockdown, lockdown.contains("[confidentiality]") else { return nil }
    return .error(
      .kernel, "the kernel's lockdown mode is confidentiality: BPF programs may not read what the gate must read",
      "use lockdown=integrity on the kernel command line")
  }

  private var filesystem: Finding {
    isBPFFS
      ? .fine(.kernel, "\(bpffs) is a bpf filesystem")
      : .error(
        .kernel, "\(bpffs) is not a bpf filesystem: nothing can be pinned there",
        "mount -t bpf bpf \(bpffs), or systemctl start sys-fs-bpf.mount")
  }

  private var cgroupLayout: Finding {
    switch cgroups {
    case .none:
      .error(
        .kernel, "no cgroup hierarchy is mounted: containers cannot be told apart", "mount cgroup2 on /sys/fs/cgroup")
    case .hybrid: .fine(.kernel, "cgroup layout hybrid (v1 beside v2), in which crun runs nothing")
    case .v1, .v2: .fine(.kernel, "cgroup layout \(cgroups.rawValue)")
    }
  }
}

extension KernelCheck {
  /// - Parameter bpffs: the folder of the pin directory.
  static func read(bpffs: String) -> KernelCheck {
    let features = KernelFeatures.read()
    return KernelCheck(
      release: features.release, machine: machine(), hasBTF: features.hasBTF,
      lsmList: features.lsmList.isEmpty ? nil : features.lsmList,
      lockdown: text("/sys/kernel/security/lockdown"), bpffs: bpffs, isBPFFS: KernelFeatures.isBPFFS(bpffs),
      cgroups: cgroupLayout(ofMounts: text("/proc/self/mounts") ?? ""))
  }

  static func cgroupLayout(ofMounts mounts: String) -> CgroupLayout {
    let types = Set(mounts.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst(2).first })
    switch (types.contains("cgroup"), types.contains("cgroup2")) {
    case (true, true): return .hybrid
    case (true, false): return .v1
    case (false, true): return .v2
    case (false, false): return .none
    }
  }

  private static func text(_ path: String) -> String? {
    guard let bytes = try? HostFile.read(path) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func machine() -> String {
    var name = utsname()
    uname(&name)
    return withUnsafeBytes(of: &name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
