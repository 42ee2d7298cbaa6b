// SPDX-License-Identifier: Apache-2.0
import Glibc

// Engines keep no more than a pid in their own state. It matters for containers whose
// low-level runtime keeps its state in a place that mapd does not know.
extension Discovery {
  /// containerd: `<namespace>/<id>/` is the bundle itself.
  mutating func scanTasks(_ namespace: DiscoveryFolder) throws(AdmissionError) {
    for id in try namespace.names() {
      attempt {
        guard let task = try namespace.folder(id), task.has("config.json"), let file = try task.file("init.pid")
        else { return }
        $0.add(try Self.container(id, file, bundle: task.path, owner: task.owner, source: "\(task.path)/init.pid"))
      }
    }
  }

  /// podman and CRI-O (containers/storage): `<driver>-containers/<id>/userdata/pidfile` below
  /// the run root; conmon's command line has the bundle, which lies below the graph root.
  mutating func scanStorage(_ root: DiscoveryFolder) throws(AdmissionError) {
    for driver in try root.names() where driver.hasSuffix("-containers") {
      guard let containers = try root.folder(driver) else { continue }
      for id in try containers.names() {
        attempt {
          guard let data = try containers.folder(at: [id, "userdata"]), let file = try data.file("pidfile"),
            let bundle = $0.storageBundle(driver: driver, id: id, run: data.path)
          else { return }
          $0.add(try Self.container(id, file, bundle: bundle, owner: data.owner, source: "\(data.path)/pidfile"))
        }
      }
    }
  }

  /// The run root itself where all is kept there (podman's transient store).
  private func storageBundle(driver: String, id: String, run: String) -> String? {
    (roots.storage.map { "\($0)/\(driver)/\(id)/userdata" } + [run]).first {
      access("\($0)/config.json", F_OK) == 0
    }
  }

  private static func container(
    _ id: String, _ file: (bytes: [UInt8], written: timespec), bundle: String, owner: uid_t, source: String
  ) throws(AdmissionError) -> FoundContainer {
    let text = String(decoding: file.bytes.prefix(32).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    guard let pid = Int32(text), pid > 1 else { throw AdmissionError(.invalid, "\(source) holds no process id") }
    return FoundContainer(
      id: id, bundle: bundle, pid: pid, written: Int64(file.written.tv_sec), owner: owner, source: source)
  }
}
