// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// containerd's config.toml, which is read and never written: it is the operator's, and
/// importing a part replaces more of it than is written there.
struct ContainerdConfiguration {
  private let lines: [Substring]

  init(_ places: HookPlaces) throws {
    let bytes = try HostFile.read(places(HookPlaces.containerdConfiguration)) ?? []
    lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
      $0.drop(while: \.isWhitespace)
    }.filter { !$0.hasPrefix("#") }
  }

  var namesBaseSpec: Bool {
    lines.contains { $0.hasPrefix("base_runtime_spec") && $0.contains(HookPlaces.baseSpec) }
  }

  /// A base spec of the operator's, which the hooks are to be merged into.
  var otherBaseSpec: String? {
    lines.lazy.filter { $0.hasPrefix("base_runtime_spec") }.compactMap { line in
      line.split(whereSeparator: { $0 == "\"" || $0 == "'" }).dropFirst().first.map(String.init)
    }.first { $0.hasPrefix("/") && $0 != HookPlaces.baseSpec }
  }

  /// config.toml's own version: 3 has another name for the plugin.
  private var isVersion3: Bool {
    lines.contains { $0.hasPrefix("version") && $0.split(separator: "=").last?.contains("3") == true }
  }

  var advice: String {
    let plugin = isVersion3 ? "io.containerd.cri.v1.runtime" : "io.containerd.grpc.v1.cri"
    return """
      still to do, in \(HookPlaces.containerdConfiguration):
        [plugins."\(plugin)".containerd.runtimes.runc]
          runtime_type = "io.containerd.runc.v2"
          base_runtime_spec = "\(HookPlaces.baseSpec)"
          pod_annotations = ["security.rancher.io/*"]
      """
  }

  /// What `ctr oci spec` prints: the spec that containerd starts from when it is told of none.
  static func standardSpec() throws -> [UInt8] {
    guard let stream = popen("ctr oci spec 2>&1", "r") else {
      throw Failure(.refused, "cannot run ctr: \(String(cString: strerror(errno)))")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&chunk, 1, chunk.count, stream)
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    guard pclose(stream) == 0 else {
      let said = String(decoding: bytes.prefix(300), as: UTF8.self)
      throw Failure(
        .refused,
        "ctr oci spec failed: \(printable(said)); it comes with containerd, or name a file with --base-spec")
    }
    return bytes
  }
}

enum ContainerdProcess {
  /// A containerd that started before the file was last written.
  static func olderThan(_ path: String) -> Int32? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    for name in HostFile.names(in: "/proc") {
      guard let pid = Int32(name), let comm = try? HostFile.read("/proc/\(pid)/comm"),
        String(decoding: comm, as: UTF8.self) == "containerd\n", let started = started(pid)
      else { continue }
      if started < Int64(status.st_mtim.tv_sec) { return pid }
    }
    return nil
  }

  /// Seconds since 1970.
  private static func started(_ pid: Int32) -> Int64? {
    guard let bytes = try? HostFile.read("/proc/\(pid)/stat") else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    // field 22 of proc_pid_stat(5), in 1/100 s since the boot; after the name comes field 3
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = Int64(fields[19]) else { return nil }
    var boot = timespec()
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &boot)
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) - Int64(boot.tv_sec) + ticks / 100
  }
}
