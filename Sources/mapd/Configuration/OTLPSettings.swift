// SPDX-License-Identifier: Apache-2.0
import Policy

/// `otlp`: where violations and learned executables are sent to as log records.
public struct OTLPSettings: Hashable, Sendable {
  public static let queueRange = 65_536...1_073_741_824

  /// nil: nothing is sent.
  public var endpoint: OTLPEndpoint?
  /// Of each request, besides those of the protocol.
  public var headers: [String: String] = [:]
  /// How long records are collected before they are sent.
  public var interval = Duration.seconds(5)
  /// For an answer.
  public var timeout = Duration.seconds(10)
  /// Of the records that wait.
  public var queueBytes = 4 << 20

  /// Fields of HTTP, or nil with a problem: a line break in one would be a request of its own.
  static func headers(_ field: Field) -> [String: String]? {
    guard let headers = field.texts() else { return nil }
    let marks = Set("!#$%&'*+-.^_`|~".utf8)
    func isName(_ byte: UInt8) -> Bool {
      marks.contains(byte) || Unicode.Scalar(byte).properties.isAlphabetic && byte < 0x80
        || (0x30...0x39).contains(byte)
    }
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
      guard !name.isEmpty, name.utf8.allSatisfy(isName), value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
        field.problem("\(name) is no HTTP header of printable ASCII; correct its name or value")
        return nil
      }
    }
    return headers
  }
}

/// An OTLP/HTTP endpoint for logs: plain HTTP, or HTTP over a Unix socket.
public struct OTLPEndpoint: Hashable, Sendable {
  public enum Place: Hashable, Sendable {
    case tcp(host: String, port: Int)
    case unix(path: String)
  }

  public var place: Place
  /// Of the request.
  public var path: String
  /// As it was written.
  public var text: String

  /// For the Host field.
  public var host: String {
    switch place {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix: "localhost"
    }
  }

  /// The port and path that the protocol gives OTLP/HTTP.
  static let standardPort = 4318
  static let standardPath = "/v1/logs"

  /// `http://host[:port][/path]` or `unix:/path`, or nil with a problem.
  init?(_ field: Field) {
    guard let text = field.text() else { return nil }
    self.text = text
    if text.hasPrefix("unix:/") {
      place = .unix(path: String(text.dropFirst(5)))
      path = Self.standardPath
      return
    }
    if text.hasPrefix("https://") {
      field.problem("mapd does not speak TLS; send to a collector on this node, which does, e.g. http://127.0.0.1:4318")
      return nil
    }
    guard text.hasPrefix("http://"), let (host, port, path) = Self.split(text.dropFirst(7)) else {
      field.problem("must be http://HOST:PORT or unix:/PATH of a collector on this node")
      return nil
    }
    place = .tcp(host: host, port: port)
    self.path = path
  }

  private static func split(_ rest: Substring) -> (String, Int, String)? {
    guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "@") }) else { return nil }
    let authority = rest.prefix { $0 != "/" }
    let path = rest.dropFirst(authority.count)
    var host = authority
    var port = standardPort
    if let colon = authority.lastIndex(of: ":"), authority[colon...].contains("]") == false {
      guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else {
        return nil
      }
      port = number
      host = authority[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else { return nil }
    return (String(host), port, path.isEmpty || path == "/" ? standardPath : String(path))
  }
}
