// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What is needed of a bundle's config.json (OCI runtime-spec).
struct BundleConfig: Equatable {
  struct Root: Equatable { var path: String }
  struct Namespace: Equatable {
    var type: String
    var path: String?
  }
  struct Linux: Equatable {
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
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
      throw AdmissionError(.invalid, "\(path) is not a regular file of at most \(bytesMax >> 20) MiB")
    }
    guard let text = contents(descriptor, size: Int(status.st_size)) else { throw .current(.invalid, "read \(path)") }
    do throws(BundleProblem) {
      return try BundleConfig(json: text)
    } catch {
      throw AdmissionError(.invalid, "\(path) is not a runtime-spec configuration: \(error.message)")
    }
  }

  /// One byte more than there should be is asked for: that it does not come is the end of the file.
  private static func contents(_ descriptor: Int32, size: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count <= bytesMax {
      let room = max(size - bytes.count, 0) + 1
      var count = 0
      bytes += [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
        repeat { count = Glibc.read(descriptor, buffer.baseAddress!, room) } while count < 0 && errno == EINTR
        filled = max(count, 0)
      }
      guard count >= 0 else { return nil }
      if count < room { break }
    }
    return bytes
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
