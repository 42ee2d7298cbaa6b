// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What is needed of a bundle's config.json (OCI runtime-spec).
struct BundleConfig: Decodable {
  struct Root: Decodable { var path: String }
  struct Namespace: Decodable {
    var type: String
    var path: String?
  }
  struct Linux: Decodable {
    var namespaces: [Namespace]?
    var cgroupsPath: String?
  }

  var root: Root?
  var annotations: [String: String]?
  var linux: Linux?

  /// Larger is refused: no runtime writes such a file.
  static let bytesMax = 16 << 20

  static func read(bundle: String) throws(AdmissionError) -> BundleConfig {
    let path = bundle + "/config.json"
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .current(.invalid, "open the bundle's \(path)") }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
      throw AdmissionError(.invalid, "\(path) is not a regular file of at most \(bytesMax >> 20) MiB")
    }
    do {
      let data = try file.read(upToCount: bytesMax) ?? Data()
      return try JSONDecoder().decode(BundleConfig.self, from: data)
    } catch {
      throw AdmissionError(.invalid, "\(path) is not a runtime-spec configuration: \(error)")
    }
  }

  /// Absolute path of the root filesystem on the host.
  func rootPath(bundle: String) -> String? {
    guard let path = root?.path, !path.isEmpty else { return nil }
    return path.hasPrefix("/") ? path : bundle + "/" + path
  }

  /// The runtime makes a pid namespace for this container alone.
  var makesPidNamespace: Bool {
    linux?.namespaces?.contains { $0.type == "pid" && ($0.path ?? "").isEmpty } ?? false
  }
}
