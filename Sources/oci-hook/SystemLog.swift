// SPDX-License-Identifier: Apache-2.0

import CPosix

/// Hands a line to the system log (journald or syslogd behind /dev/log).
///
/// Runtimes show a hook's stderr only when it fails, so a container that starts without
/// protection would go unseen. Best effort: without a log, or with a full one, the line
/// stays on stderr alone and the exit code is the same (allow).
func sendToSystemLog(_ line: [UInt8], socketPath: [UInt8]) {
  let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { return }
  // Facility daemon, severity error.
  let message = bytes("<27>") + line
  withUnixAddress(socketPath) { address, size in
    _ = message.withUnsafeBytes {
      sendto(
        descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL), address,
        size)
    }
  }
  close(descriptor)
}
