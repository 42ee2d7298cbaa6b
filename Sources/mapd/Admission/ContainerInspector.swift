// SPDX-License-Identifier: Apache-2.0
import CLinux
import Enforcement
import Glibc

/// A container as procfs and its bundle show it at one moment.
struct Inspection {
  var identity: ContainerIdentity
  var config: BundleConfig
  var rootPath: String?
  var initStartTicks: UInt64
  var cgroup: CgroupLocation
}

/// Finds out what the gate must know of a container. Reads; decides nothing.
struct ContainerInspector: Sendable {
  let proc: ProcFS

  /// - Parameters:
  ///   - caller: the process that runs the hook, outside of the container.
  ///   - toldTicks: when the process had started that the hook saw; 0: it could not tell.
  ///   - knownCgroup: where the container's cgroup is known; else found by the process.
  func inspect(
    id: String, bundle: String, pid: Int32, toldTicks: UInt64, caller: Int32?, knownCgroup: CgroupLocation? = nil
  ) throws(AdmissionError) -> Inspection {
    guard let ticks = proc.startTicks(pid) else {
      throw AdmissionError(.invalid, "process \(pid) of container \(id) is gone")
    }
    guard toldTicks == 0 || ticks == toldTicks else {
      throw AdmissionError(
        .invalid, "process \(pid) is not that of container \(id) any more: its number was given to another one")
    }
    let config = try BundleConfig.read(bundle: bundle)
    guard !ContainerIdentity.isAmbiguous(config.annotations ?? [:]) else {
      throw AdmissionError(
        .invalid,
        "\(bundle)/config.json has the annotations of CRI-O and of containerd: who the container is cannot be told")
    }
    let cgroup: CgroupLocation
    if let knownCgroup { cgroup = knownCgroup } else { cgroup = try proc.containerCgroup(of: pid, notOf: caller) }
    // Everything above is of this process only if it still is this process.
    guard proc.startTicks(pid) == ticks else {
      throw AdmissionError(.invalid, "process \(pid) of container \(id) is gone")
    }
    return Inspection(
      identity: ContainerIdentity(id: id, bundle: bundle, config: config), config: config,
      rootPath: config.rootPath(bundle: bundle), initStartTicks: ticks, cgroup: cgroup)
  }

  /// - Parameters:
  ///   - root: as `root(pid:rootPath:isRunning:)` gives it.
  ///   - isRunning: the workload has started: its root is in place.
  func binding(
    pid: Int32, initStartTicks: UInt64, cgroup: CgroupLocation, rootPath: String?, root: RootFilesystem?,
    makesPidNamespace: Bool, isRunning: Bool
  ) throws(AdmissionError) -> NewBinding {
    let mountNamespace = try proc.namespace(pid, "mnt")
    guard !proc.host.mountNamespaces.contains(mountNamespace) else {
      throw AdmissionError(
        .unsupported,
        "the container shares the host's mount namespace, in which paths cannot be judged; "
          + "give it a mount namespace (linux.namespaces)")
    }
    let pidNamespace = try proc.namespace(pid, "pid")
    guard let hostPidNamespace = proc.host.pidNamespace else {
      throw AdmissionError(.system, "the host's pid namespace cannot be read in \(proc.root)")
    }
    let rootPoint = isRunning ? "/" : overlayPoint(root, rootPath)
    let mount = try rootPoint.flatMap { point throws(AdmissionError) in try proc.mount(pid, at: point) }
    let started = isRunning ? startTime(ticks: initStartTicks) : now()
    return NewBinding(
      cgroup: cgroup.key, level: cgroup.level, controller: cgroup.bindingController,
      mountNamespace: mountNamespace, pidNamespace: pidNamespace,
      hasOwnPidNamespace: makesPidNamespace && pidNamespace != hostPidNamespace, initPid: pid,
      initStartTicks: initStartTicks, overlay: mount.flatMap(overlay), runningRootMount: isRunning ? mount?.id : nil,
      startedSeconds: Int64(started.tv_sec), startedNanoseconds: UInt32(started.tv_nsec))
  }

  /// Where the container's root is mounted, if it may be an overlay: only then the mount table tells more.
  private func overlayPoint(_ root: RootFilesystem?, _ rootPath: String?) -> String? {
    if let root, !root.isOverlay { return nil }
    return rootPath.flatMap(realPath)
  }

  /// The container's root as the container sees it, for looking up listed paths.
  func root(pid: Int32, rootPath: String?, isRunning: Bool) -> RootFilesystem? {
    if isRunning { return try? RootFilesystem(proc.path(pid, "root")) }
    guard let rootPath else { return nil }
    // In the container's mount namespace, where its volumes are mounted already.
    return try? RootFilesystem(proc.path(pid, "root") + rootPath)
  }

  private func overlay(_ mount: MountLine) -> NewBinding.Overlay? {
    guard mount.type == "overlay", let upper = mount.options["upperdir"], let work = mount.options["workdir"]
    else { return nil }
    var upperStatus = stat()
    var workStatus = stat()
    guard stat(upper, &upperStatus) == 0, stat(work, &workStatus) == 0 else { return nil }
    return NewBinding.Overlay(
      device: hf_kernel_device(upperStatus.st_dev), upperInode: UInt64(upperStatus.st_ino),
      workInode: UInt64(workStatus.st_ino))
  }

  private func realPath(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  private func now() -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time
  }

  private func startTime(ticks: UInt64) -> timespec {
    var boot = timespec()
    clock_gettime(CLOCK_BOOTTIME, &boot)
    var time = now()
    let age = Int64(boot.tv_sec) * 100 + Int64(boot.tv_nsec) / 10_000_000 - Int64(ticks)
    time.tv_sec -= Int(age / 100)
    return time
  }
}
