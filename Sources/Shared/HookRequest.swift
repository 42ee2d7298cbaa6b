// SPDX-License-Identifier: Apache-2.0

/// What oci-hook asks of mapd, once per connection.
public struct HookRequest: Sendable, Equatable {
  public var phase: Phase
  public var status: ContainerStatus
  /// The container's init in the runtime's pid namespace; 0 when it has ended.
  public var pid: Int32
  /// 1 to ``ContainerState/idBytesMax`` bytes, no NUL.
  public var id: [UInt8]
  /// An absolute path of at most ``ContainerState/bundleBytesMax`` bytes, no NUL.
  public var bundle: [UInt8]

  /// When the hook saw that process, it had started then: field 22 of /proc/<pid>/stat, in
  /// 1/100 s after boot. Its number may be another's when mapd looks. 0: not known.
  public var startTicks: UInt64

  public init(
    phase: Phase, status: ContainerStatus, pid: Int32, id: [UInt8], bundle: [UInt8], startTicks: UInt64 = 0
  ) {
    self.phase = phase
    self.status = status
    self.pid = pid
    self.id = id
    self.bundle = bundle
    self.startTicks = startTicks
  }

  private enum Field {
    static let phase: UInt16 = 1
    static let pid: UInt16 = 2
    static let status: UInt16 = 3
    static let id: UInt16 = 4
    static let bundle: UInt16 = 5
    /// Optional.
    static let startTicks: UInt16 = 6
  }

  /// The whole frame. Throws `invalidField` rather than send what decode would refuse.
  public func encode() throws(WireError) -> [UInt8] {
    try check()
    var frame = Frame.begin(.request)
    frame.append(field: Field.phase, UInt64(phase.rawValue), count: 1)
    frame.append(field: Field.pid, UInt64(UInt32(bitPattern: pid)), count: 4)
    frame.append(field: Field.status, UInt64(status.rawValue), count: 1)
    frame.append(field: Field.id, id)
    frame.append(field: Field.bundle, bundle)
    if startTicks != 0 { frame.append(field: Field.startTicks, startTicks, count: 8) }
    Frame.seal(&frame)
    return frame
  }

  /// Reads exactly one frame; anything unknown, missing, repeated or left over is an error.
  public init(decoding frame: [UInt8]) throws(WireError) {
    var phase: Phase?
    var pid: Int32?
    var status: ContainerStatus?
    var id: [UInt8]?
    var bundle: [UInt8]?
    var startTicks: UInt64?
    var fields = try Frame.fields(of: frame, kind: .request)
    while let (type, value) = try fields.next() {
      switch type {
      case Field.phase:
        guard let known = Phase(rawValue: UInt8(try value.integer(1))) else {
          throw .invalidField
        }
        try setOnce(&phase, known)
      case Field.pid:
        try setOnce(&pid, Int32(bitPattern: UInt32(try value.integer(4))))
      case Field.status:
        guard let known = ContainerStatus(rawValue: UInt8(try value.integer(1))) else {
          throw .invalidField
        }
        try setOnce(&status, known)
      case Field.id: try setOnce(&id, Array(value))
      case Field.bundle: try setOnce(&bundle, Array(value))
      case Field.startTicks: try setOnce(&startTicks, try value.integer(8))
      default: throw .unknownField
      }
    }
    guard let phase, let pid, let status, let id, let bundle else { throw .missingField }
    self.init(phase: phase, status: status, pid: pid, id: id, bundle: bundle, startTicks: startTicks ?? 0)
    try check()
  }

  private func check() throws(WireError) {
    guard phase.allows(status) else { throw .invalidField }
    guard phase.requiresPid(status) ? pid > 0 : pid >= 0 else { throw .invalidField }
    guard (1...ContainerState.idBytesMax).contains(id.count), !id.contains(0) else {
      throw .invalidField
    }
    guard (1...ContainerState.bundleBytesMax).contains(bundle.count), !bundle.contains(0),
      bundle[0] == UInt8(ascii: "/")
    else { throw .invalidField }
  }
}
