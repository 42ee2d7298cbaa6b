// SPDX-License-Identifier: Apache-2.0

/// The hooks of the OCI runtime specification that Holdfast uses.
public enum Phase: UInt8, Sendable, Equatable {
  case createRuntime = 1
  case poststart = 2
  case poststop = 3

  public var name: StaticString {
    switch self {
    case .createRuntime: "createRuntime"
    case .poststart: "poststart"
    case .poststop: "poststop"
    }
  }

  /// Whether a container can be in `status` when its runtime runs this hook.
  ///
  /// createRuntime: runc says creating, crun created. poststart: runc says created,
  /// crun running, and a workload may have ended by then. poststop: stopped.
  public func allows(_ status: ContainerStatus) -> Bool {
    switch self {
    case .createRuntime: status == .creating || status == .created
    case .poststart: status != .creating
    case .poststop: status == .stopped
    }
  }

  /// A container that has not ended has an init process. At poststop, crun passes
  /// pid 0 and runc none.
  public func requiresPid(_ status: ContainerStatus) -> Bool {
    status != .stopped
  }
}

/// `status` of the OCI state.
public enum ContainerStatus: UInt8, Sendable, Equatable {
  case creating = 1
  case created = 2
  case running = 3
  case stopped = 4

  public var name: StaticString {
    switch self {
    case .creating: "creating"
    case .created: "created"
    case .running: "running"
    case .stopped: "stopped"
    }
  }
}

/// One annotation the caller asked for.
public struct Annotation: Sendable, Equatable {
  public var key: [UInt8]
  public var value: [UInt8]

  public init(key: [UInt8], value: [UInt8]) {
    self.key = key
    self.value = value
  }
}

/// What Holdfast reads of the state that a runtime hands to its hooks.
public struct ContainerState: Sendable, Equatable {
  /// Longer ids and bundles are refused (deny). PATH_MAX bounds the bundle; runtimes
  /// keep ids within a file name.
  public static let idBytesMax = 1024
  public static let bundleBytesMax = 4096

  public var ociVersion: [UInt8]
  public var id: [UInt8]
  public var status: ContainerStatus
  /// In the runtime's pid namespace; 0 when the container has ended.
  public var pid: Int32
  public var bundle: [UInt8]
  /// Only those the fail policy asks about.
  public var annotations: [Annotation]

  public init(
    ociVersion: [UInt8], id: [UInt8], status: ContainerStatus, pid: Int32, bundle: [UInt8],
    annotations: [Annotation]
  ) {
    self.ociVersion = ociVersion
    self.id = id
    self.status = status
    self.pid = pid
    self.bundle = bundle
    self.annotations = annotations
  }
}
