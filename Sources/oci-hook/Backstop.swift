// SPDX-License-Identifier: Apache-2.0

// Ends the process should a call block past the deadline, such as a write to a full
// stderr. Every wait of the hook is bounded by poll; this is for what is not a wait.

import CPosix

/// What the process exits with when the alarm rings. Until the state is read nobody
/// knows which container it is: 1 (deny).
nonisolated(unsafe) private var exitCode: Int32 = 1

/// Rings somewhat after the deadline, so that in the ordinary case poll comes first
/// and the log line is written.
func armBackstop(afterMilliseconds milliseconds: Int32) {
  posix_alarm_after(Int(milliseconds) + 100, onAlarm)
}

func setBackstopExit(_ code: Int32) {
  exitCode = code
}

private func onAlarm(_ signal: Int32) {
  _exit(exitCode)
}
