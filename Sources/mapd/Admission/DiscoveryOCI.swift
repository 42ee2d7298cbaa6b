// SPDX-License-Identifier: Apache-2.0
import Foundation

/// state.json of runc (libcontainer's State), as far as it is needed.
private struct RuncState: Decodable {
  struct Config: Decodable { var labels: [String]? }
  var id: String
  var init_process_pid: Int32
  var init_process_start: UInt64
  var cgroup_paths: [String: String]?
  var config: Config
}

/// `status` of crun.
private struct CrunStatus: Decodable {
  enum CodingKeys: String, CodingKey {
    case pid, bundle
    case start = "process-start-time"
    case cgroup = "cgroup-path"
  }
  var pid: Int32
  var bundle: String
  var start: UInt64
  var cgroup: String?
}

extension Discovery {
  /// A folder of runc's or crun's containers, `<root>/<id>/`.
  mutating func scanOCI(_ root: DiscoveryFolder) throws(AdmissionError) {
    for id in try root.names() {
      attempt {
        guard let folder = try root.folder(id) else { return }
        if let file = try folder.file("state.json") {
          $0.add(try Self.runc(id, file.bytes, folder))
        } else if let file = try folder.file("status") {
          $0.add(try Self.crun(id, file.bytes, folder))
        }
      }
    }
  }

  private static func runc(
    _ id: String, _ bytes: [UInt8], _ folder: DiscoveryFolder
  ) throws(AdmissionError) -> FoundContainer {
    let source = "\(folder.path)/state.json"
    let state: RuncState = try decode(bytes, source)
    // runc appends it to the annotations, one of which could have the same name.
    guard let label = state.config.labels?.last(where: { $0.hasPrefix("bundle=") }) else {
      throw AdmissionError(.invalid, "\(source) names no bundle")
    }
    return FoundContainer(
      id: id, bundle: try bundle(String(label.dropFirst("bundle=".count)), source), pid: state.init_process_pid,
      initStartTicks: state.init_process_start, cgroups: state.cgroup_paths ?? [:], owner: folder.owner, source: source)
  }

  private static func crun(
    _ id: String, _ bytes: [UInt8], _ folder: DiscoveryFolder
  ) throws(AdmissionError) -> FoundContainer {
    let source = "\(folder.path)/status"
    let status: CrunStatus = try decode(bytes, source)
    let cgroups = status.cgroup.flatMap { $0.isEmpty ? nil : ["": $0] } ?? [:]
    return FoundContainer(
      id: id, bundle: try bundle(status.bundle, source), pid: status.pid, initStartTicks: status.start,
      cgroups: cgroups, owner: folder.owner, source: source)
  }

  static func decode<State: Decodable>(_ bytes: [UInt8], _ source: String) throws(AdmissionError) -> State {
    do { return try JSONDecoder().decode(State.self, from: Data(bytes)) } catch {
      throw AdmissionError(.invalid, "\(source) is not the state of a container: \(error)")
    }
  }

  static func bundle(_ path: String, _ source: String) throws(AdmissionError) -> String {
    guard path.hasPrefix("/"), path.utf8.count <= 4096, !path.utf8.contains(0) else {
      throw AdmissionError(.invalid, "\(source) names no absolute path as its bundle")
    }
    return path
  }
}
