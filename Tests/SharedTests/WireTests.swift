// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Shared

@Suite struct WireTests {
  private let request = HookRequest(
    phase: .createRuntime, status: .creating, pid: 4711, id: .init("web-0"),
    bundle: .init("/run/b"))

  /// A frame of any content, to build what encode would not.
  private func frame(_ kind: FrameKind, _ fields: [(UInt16, [UInt8])]) -> [UInt8] {
    var frame = Frame.begin(kind)
    for (type, value) in fields { frame.append(field: type, value) }
    Frame.seal(&frame)
    return frame
  }

  private var goodFields: [(UInt16, [UInt8])] {
    [(1, [1]), (2, [1, 0, 0, 0]), (3, [1]), (4, .init("a")), (5, .init("/b"))]
  }

  @Test func `a request survives the journey`() throws {
    #expect(try HookRequest(decoding: request.encode()) == request)
    let stopped = HookRequest(
      phase: .poststop, status: .stopped, pid: 0, id: .init("x"), bundle: .init("/"))
    #expect(try HookRequest(decoding: stopped.encode()) == stopped)
  }

  @Test func `the bytes of a request are as documented`() throws {
    let expected: [UInt8] =
      [0x48, 0x46, 0x48, 0x4b, 1, 0, 1, 0, 37, 0, 0, 0]
      + [1, 0, 1, 0, 1] + [2, 0, 4, 0, 0x67, 0x12, 0, 0] + [3, 0, 1, 0, 1]
      + [4, 0, 5, 0] + .init("web-0") + [5, 0, 6, 0] + .init("/run/b")
    #expect(try request.encode() == expected)
  }

  @Test func `the largest request fits a frame`() throws {
    var large = request
    large.id = Array(repeating: 0x69, count: 1024)
    large.bundle = [0x2f] + Array(repeating: 0x62, count: 4095)
    #expect(try large.encode().count <= Frame.bytesMax)
    #expect(try HookRequest(decoding: large.encode()) == large)
  }

  @Test func `a request beyond its limits is neither sent nor read`() {
    var bad: [HookRequest] = Array(repeating: request, count: 8)
    bad[0].id = []
    bad[1].id = Array(repeating: 0x69, count: 1025)
    bad[2].id = [0x61, 0, 0x62]
    bad[3].bundle = .init("relative")
    bad[4].bundle = [0x2f] + Array(repeating: 0x62, count: 4096)
    bad[5].bundle = [0x2f, 0]
    bad[6].pid = -1
    bad[7].status = .stopped
    for request in bad { #expect(throws: WireError.invalidField) { try request.encode() } }
  }

  @Test func `the start of the process is told where it is known`() throws {
    var known = request
    known.startTicks = 1 << 40
    #expect(try HookRequest(decoding: known.encode()) == known)
    #expect(throws: WireError.invalidField) {
      try HookRequest(decoding: frame(.request, goodFields + [(6, [1])]))
    }
  }

  @Test func `fields out of order are read`() throws {
    let read = try HookRequest(decoding: frame(.request, goodFields.reversed()))
    #expect(read.pid == 1 && read.bundle == .init("/b"))
  }

  @Test func `a field that is missing, repeated, unknown or misshapen is refused`() {
    for index in goodFields.indices {
      var fields = goodFields
      let (type, value) = fields.remove(at: index)
      #expect(throws: WireError.missingField) {
        try HookRequest(decoding: frame(.request, fields))
      }
      #expect(throws: WireError.duplicateField) {
        try HookRequest(decoding: frame(.request, goodFields + [(type, value)]))
      }
      #expect(throws: WireError.invalidField) {
        try HookRequest(decoding: frame(.request, fields + [(type, [])]))
      }
    }
    #expect(throws: WireError.unknownField) {
      try HookRequest(decoding: frame(.request, goodFields + [(7, [1])]))
    }
    for (index, value) in [
      (0, [9]), (0, [1, 0]), (1, [0, 0, 0, 0]), (1, [1, 0, 0]), (2, [0]), (3, [0]),
    ]
      as [(Int, [UInt8])]
    {
      var fields = goodFields
      fields[index].1 = value
      #expect(throws: WireError.invalidField) {
        try HookRequest(decoding: frame(.request, fields))
      }
    }
  }

  @Test func `a frame cut at any byte is truncated or incomplete`() throws {
    let whole = try request.encode()
    for count in 0..<whole.count {
      let part = Array(whole[..<count])
      #expect(try Frame.bytesMissing(in: part, kind: .request) > 0)
      #expect(throws: WireError.truncated) { try HookRequest(decoding: part) }
    }
    #expect(try Frame.bytesMissing(in: whole, kind: .request) == 0)
    #expect(throws: WireError.trailingBytes) { try HookRequest(decoding: whole + [0]) }
    #expect(throws: WireError.trailingBytes) {
      try Frame.bytesMissing(in: whole + [0], kind: .request)
    }
  }

  @Test func `a reader needs the header first and then the payload`() throws {
    let whole = try request.encode()
    #expect(try Frame.bytesMissing(in: [], kind: .request) == 12)
    #expect(try Frame.bytesMissing(in: Array(whole[..<5]), kind: .request) == 7)
    #expect(try Frame.bytesMissing(in: Array(whole[..<12]), kind: .request) == whole.count - 12)
  }

  @Test func `a header of another protocol is refused at once`() throws {
    func header(_ index: Int, _ value: UInt8) throws -> [UInt8] {
      var header = Array(try request.encode()[..<12])
      header[index] = value
      return header
    }
    for (index, value, error) in [
      (0, 0x47, .badMagic), (3, 0, .badMagic), (4, 2, .unknownVersion), (5, 1, .unknownVersion),
      (6, 2, .unknownKind), (6, 3, .unknownKind), (9, 0x20, .tooLong), (11, 0xff, .tooLong),
    ] as [(Int, UInt8, WireError)] {
      let bad = try header(index, value)
      #expect(throws: error) { try Frame.bytesMissing(in: bad, kind: .request) }
      #expect(throws: error) { try HookRequest(decoding: bad) }
    }
  }

  @Test func `a field longer than the payload is refused`() {
    var whole = frame(.request, goodFields)
    whole[whole.count - 4] = 0xff
    #expect(throws: WireError.truncated) { try HookRequest(decoding: whole) }
  }

  @Test(arguments: [
    HookAnswer.Outcome.bound, .unmanaged, .confirmed, .removed, .refused, .failed,
  ])
  func `an answer survives the journey`(outcome: HookAnswer.Outcome) throws {
    let answer = HookAnswer(outcome, reason: .init("policy pgsql — protégé"))
    #expect(try HookAnswer(decoding: answer.encode()) == answer)
    #expect(try HookAnswer(decoding: HookAnswer(outcome).encode()).reason.isEmpty)
  }

  @Test func `a long reason is cut between characters`() throws {
    let long = HookAnswer(.refused, reason: .init(String(repeating: "é", count: 400) + "x"))
    #expect(try HookAnswer(decoding: long.encode()).reason.count == 512)
    let odd = HookAnswer(.refused, reason: .init("x" + String(repeating: "é", count: 400)))
    #expect(try HookAnswer(decoding: odd.encode()).reason.count == 511)
  }

  @Test func `an answer that is not one is refused`() {
    for (fields, error) in [
      ([(1, [7]), (2, [])], .invalidField), ([(1, [0]), (2, [])], .invalidField),
      ([(1, [1])], .missingField), ([(2, [])], .missingField), ([], .missingField),
      ([(1, [1]), (1, [1]), (2, [])], .duplicateField),
      ([(1, [1]), (2, []), (3, [])], .unknownField),
      ([(1, [1]), (2, [0xff])], .invalidField),
      ([(1, [1]), (2, Array(repeating: 0x61, count: 513))], .invalidField),
    ] as [([(UInt16, [UInt8])], WireError)] {
      #expect(throws: error) { try HookAnswer(decoding: frame(.answer, fields)) }
    }
  }

  @Test func `only well-formed UTF-8 is text`() {
    for good in ["", "a", "é", "☃", "🦀", "\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}"] {
      #expect(isUTF8([UInt8](good)[...]))
    }
    for bad: [UInt8] in [
      [0x80], [0xc3], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
      [0xe2, 0x98], [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5], [0xc3, 0x28],
      [0xe2, 0x28, 0xa1], [0xf0, 0x9f, 0xa6, 0x28],
    ] { #expect(!isUTF8(bad[...])) }
  }

  @Test func `outcomes answer the phases they belong to`() {
    typealias Outcome = HookAnswer.Outcome
    let all: [Outcome] = [.bound, .unmanaged, .confirmed, .removed, .refused, .failed]
    func fitting(_ phase: Phase) -> [Outcome] { all.filter { $0.answers(phase) } }
    #expect(fitting(.createRuntime) == [.bound, .unmanaged, .refused, .failed])
    #expect(fitting(.poststart) == [.bound, .unmanaged, .confirmed, .refused, .failed])
    #expect(fitting(.poststop) == [.unmanaged, .removed, .refused, .failed])
  }
}
