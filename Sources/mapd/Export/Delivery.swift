// SPDX-License-Identifier: Apache-2.0
import NIOHTTP1

/// What becomes of a batch after an attempt to deliver it. Decides, and does no I/O.
enum Delivery: Equatable {
  /// Taken, but for so many records.
  case taken(rejected: UInt64)
  /// Tried again, not before so long.
  case again(after: Duration)
  /// The collector will never take it.
  case refused

  static let retryFirst = Duration.seconds(1)
  static let retryMax = Duration.seconds(64)
  /// A collector that asks for more patience than this is asked again all the same.
  static let retryAfterMax = Duration.seconds(300)

  /// - Parameter failures: attempts before this one that failed in a row.
  init(_ response: HTTPAnswer, failures: Int) {
    switch response.status.code {
    case 200..<300: self = .taken(rejected: LogRecord.rejected(response.body))
    // Those that the protocol calls worth another try.
    case 429, 502, 503, 504: self = .again(after: response.retryAfter ?? Self.backoff(failures))
    default: self = .refused
    }
  }

  /// Doubles with each failure, and is spread by half: a thousand nodes are not to come at once.
  static func backoff(_ failures: Int) -> Duration {
    let longest = min(retryFirst * (1 << min(failures, 10)), retryMax)
    return longest / 2 + longest / 2 * Double.random(in: 0...1)
  }
}

/// A collector's answer.
struct HTTPAnswer {
  var status: HTTPResponseStatus
  var headers = HTTPHeaders()
  var body: [UInt8] = []

  /// Retry-After in seconds. Its other form, a date, would need the collector's clock: not followed.
  var retryAfter: Duration? {
    guard let text = headers.first(name: "Retry-After"), let seconds = Int64(text), seconds >= 0 else { return nil }
    return min(.seconds(seconds), Delivery.retryAfterMax)
  }
}
