// SPDX-License-Identifier: Apache-2.0
import ControlMessages

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A time of mapd in the time zone of the operator; what is no time is shown as it came.
func localTime(_ text: String, milliseconds: Bool = false) -> String {
  guard let time = Timestamp(iso8601: text) else { return printable(text) }
  var seconds = time_t(time.seconds)
  var parts = tm()
  localtime_r(&seconds, &parts)
  func digits(_ value: Int32, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
  let day =
    "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
  let clock = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
  return "\(day) \(clock)" + (milliseconds ? "." + digits(time.nanoseconds / 1_000_000, 3) : "")
}

/// Seconds since 1970.
func currentSeconds() -> Int64 { Int64(time(nil)) }
