// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Environment variables; tests bring their own.
struct Environment {
  var variables: [String: String] = [:]

  /// An empty variable counts as none.
  subscript(name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

  static var process: Environment {
    var environment = Environment()
    for name in ["HOLDFAST_SOCKET", "NO_COLOR", "TERM", "COLUMNS"] {
      if let value = getenv(name) { environment.variables[name] = String(cString: value) }
    }
    return environment
  }
}

/// A file descriptor that text is written to, unbuffered.
struct Output {
  /// Nobody reads any more.
  struct Closed: Error {}

  let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// - Throws: `Closed`, or a `Failure` when the text could not be written, e.g. to a full disk.
  func write(_ text: String) throws {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { writeBytes(descriptor, $0) }
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EPIPE { throw Closed() }
      guard count > 0 else {
        throw Failure(
          .refused,
          "cannot write the output: \(String(cString: strerror(errno))); see where it is sent")
      }
      written += count
    }
  }

  /// How text is to look there.
  func style(_ environment: Environment) -> Style {
    guard isatty(descriptor) == 1 else { return Style() }
    var size = winsize()
    var width = environment["COLUMNS"].flatMap { Int($0) }
    if width == nil, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      width = Int(size.ws_col)
    }
    return Style(
      width: width ?? 80,
      isColoured: environment["NO_COLOR"] == nil && environment["TERM"] != "dumb",
      isTerminal: true)
  }
}

/// Outside the type, where `write` is the C function.
private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}

/// How text is to look: what the pure renderers need to know of a terminal.
struct Style {
  /// nil: as wide as it gets.
  var width: Int?
  var isColoured = false
  var isTerminal = false

  enum Colour: String {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case bold = "1"
  }

  func paint(_ text: String, _ colour: Colour?) -> String {
    guard isColoured, let colour else { return text }
    return "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m"
  }
}
