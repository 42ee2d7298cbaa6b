// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What podman writes down of a container beside its bundle: it tells the runtime neither the
/// container's name nor its image. Not for CRI-O, whose annotations have both.
struct StorageEntry: Equatable {
  var name: String
  var image: String?

  /// containers/storage keeps all containers of a driver in one file, and those of `--rm` in
  /// another. Larger ones are not read: the id is the name then.
  static let bytesMax = 64 << 20

  private struct Entry: Decodable {
    var id: String
    var names: [String]?
    var metadata: String?
  }
  private struct Metadata: Decodable {
    enum CodingKeys: String, CodingKey {
      case image = "image-name"
      case name
    }
    var image: String?
    var name: String?
  }

  /// - Parameter bundle: `<graph root>/<driver>-containers/<id>/userdata`; nil for any other.
  static func read(id: String, bundle: String) -> StorageEntry? {
    let parts = bundle.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count > 3, parts[parts.count - 1] == "userdata", parts[parts.count - 2] == id,
      parts[parts.count - 3].hasSuffix("-containers")
    else { return nil }
    let folder = parts.dropLast(2).joined(separator: "/")
    for file in ["containers.json", "volatile-containers.json"] {
      guard let data = contents("\(folder)/\(file)"),
        let entries = try? JSONDecoder().decode([Entry].self, from: data),
        let entry = entries.first(where: { $0.id == id })
      else { continue }
      let metadata = entry.metadata.flatMap { try? JSONDecoder().decode(Metadata.self, from: Data($0.utf8)) }
      guard let name = entry.names?.first ?? metadata?.name, !name.isEmpty else { return nil }
      return StorageEntry(name: name, image: metadata?.image.flatMap { $0.isEmpty ? nil : $0 })
    }
    return nil
  }

  private static func contents(_ path: String) -> Data? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
      return nil
    }
    return try? file.read(upToCount: bytesMax)
  }

  /// The container that holds a pod's namespaces: podman names it after the pod's id.
  func isInfra(cgroupsPath: String?) -> Bool {
    guard name.utf8.count == 18, name.hasSuffix("-infra") else { return false }
    let pod = name.dropLast("-infra".count)
    return pod.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
      && (cgroupsPath.map { path in path.split { $0 == "/" || $0 == "_" || $0 == ":" }.contains { $0.hasPrefix(pod) } }
        ?? false)
  }
}
