// SPDX-License-Identifier: Apache-2.0
import Glibc

/// mapd itself, under the names that every exporter uses.
enum ProcessMetrics {
  static func add(to text: inout MetricsText) {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    text.single(
      "process_cpu_seconds_total", .counter, "User and system time of mapd.",
      seconds(usage.ru_utime) + seconds(usage.ru_stime))
    if let pages = statm() {
      text.single(
        "process_resident_memory_bytes", .gauge, "Resident memory of mapd.", Double(pages * Int(getpagesize())))
    }
    if let open = descriptors() { text.single("process_open_fds", .gauge, "Open descriptors of mapd.", Double(open)) }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      text.single("process_max_fds", .gauge, "Descriptors that mapd may have open.", Double(limit.rlim_cur))
    }
  }

  /// Resident pages: the second number of /proc/self/statm.
  private static func statm() -> Int? {
    guard let file = fopen("/proc/self/statm", "re") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, Int32(line.count), file) != nil else { return nil }
    let words = line.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }.split(separator: " ")
    return words.count > 1 ? Int(words[1]) : nil
  }

  /// Without the one that counts them, and `.` and `..`.
  private static func descriptors() -> Int? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var count = -3
    while readdir(folder) != nil { count += 1 }
    return count
  }
}
