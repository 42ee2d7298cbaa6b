// SPDX-License-Identifier: Apache-2.0
import Admission
import Control
import Glibc
import NIOPosix
import ServiceLifecycle

/// The service manager's side (sd_listen_fds(3), sd_notify(3)): inherited sockets, state messages.
enum ServiceManager {
  /// The socket of this name that systemd holds open for mapd, else one made in `runDir`.
  /// - Parameter readers: a group that may open it besides root.
  static func place(_ name: String, _ runDir: String, readers: gid_t?) -> UnixServer.Place {
    if let descriptor = inherited(name) { return .inherited(descriptor: descriptor) }
    return .path("\(runDir)/\(name).sock", mode: readers == nil ? 0o600 : 0o660, group: readers)
  }

  private static func inherited(_ name: String) -> CInt? {
    guard let pid = getenv("LISTEN_PID").map({ String(cString: $0) }), Int32(pid) == getpid(),
      let names = getenv("LISTEN_FDNAMES").map({ String(cString: $0) }),
      let index = names.split(separator: ":", omittingEmptySubsequences: false).firstIndex(of: name[...])
    else { return nil }
    let first: CInt = 3  // SD_LISTEN_FDS_START
    return first + CInt(index)
  }

  /// One datagram to the service manager; without one there is nobody to tell.
  static func notify(_ state: String) {
    guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), !path.isEmpty else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
        _ = Array(state.utf8).withUnsafeBytes { sendto(descriptor, $0.baseAddress!, $0.count, 0, target, length) }
      }
    }
  }

  /// How often mapd has to say that it works, by sd_watchdog_enabled(3); nil: nobody asks.
  static var watchdogLimit: Duration? {
    guard let text = getenv("WATCHDOG_USEC").map({ String(cString: $0) }), let limit = Int64(text), limit > 0
    else { return nil }
    if let pid = getenv("WATCHDOG_PID").map({ String(cString: $0) }), pid != "\(getpid())" { return nil }
    return .microseconds(limit)
  }
}

/// Tells the service manager what becomes of mapd. It says that mapd works only after both
/// halves that answer a hook have done something: the registry, and an event loop.
struct ServiceManagerLink: Service {
  let registry: ContainerRegistry

  func run() async throws {
    try? await cancelWhenGracefulShutdown {
      guard let limit = ServiceManager.watchdogLimit else { return try await gracefulShutdown() }
      while true {
        _ = await registry.policies
        try await MultiThreadedEventLoopGroup.singleton.any().submit {}.get()
        ServiceManager.notify("WATCHDOG=1")
        // Thrice in the limit: one that is late is no failure.
        try await Task.sleep(for: limit / 3)
      }
    }
    ServiceManager.notify("STOPPING=1")
  }
}
