// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Limits of a path in a policy. They mirror the gate's (HF_PATH_COMPONENTS_MAX and HF_NAME_MAX of
/// bpf/contract.h): a rule that the gate could never match is refused when the policy is read.
public enum PathLimits {
  /// PATH_MAX without its NUL.
  public static let bytes = 4095
  public static let componentBytes = 255
  public static let components = 64
  /// The gate keeps one bit for each depth at which a directory is listed, bit 0 is not used.
  public static let directoryComponents = 63
}

/// A path of `executables.allowed`: a file, or with a trailing `/` a directory and all below it.
public struct ExecutablePath: Hashable, Sendable, Comparable {
  /// Absolute and plain: no `.`, no `..`, no `//`, no trailing `/`.
  public let path: String
  public let isDirectory: Bool

  /// As a policy writes it.
  public var written: String { isDirectory ? path + "/" : path }

  // Compared byte by byte, as the kernel does. Swift's strings are equal when they look equal:
  // "é" as one scalar and as two are two files.
  public static func == (a: ExecutablePath, b: ExecutablePath) -> Bool {
    a.isDirectory == b.isDirectory && compareBytes(a.path, b.path) == 0
  }

  public func hash(into hasher: inout Hasher) {
    var path = path
    path.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(isDirectory)
  }

  public static func < (a: ExecutablePath, b: ExecutablePath) -> Bool {
    let order = compareBytes(a.path, b.path)
    return order == 0 ? !a.isDirectory && b.isDirectory : order < 0
  }

  /// As memcmp(3) and then by length. Lists are sorted at each change of a policy.
  private static func compareBytes(_ a: String, _ b: String) -> Int {
    var (a, b) = (a, b)
    return a.withUTF8 { a in
      b.withUTF8 { b in
        let common = min(a.count, b.count)
        let order = common == 0 ? 0 : Int(memcmp(a.baseAddress!, b.baseAddress!, common))
        return order == 0 ? a.count - b.count : order
      }
    }
  }

  /// - Throws: `PathError` with what is wrong and what to do.
  public init(_ text: String) throws(PathError) {
    let bytes = Array(text.utf8)
    var shown: String { PathError.quoted(text) }
    guard let first = bytes.first else {
      throw PathError("is empty; write the absolute path of an executable, or remove the entry")
    }
    guard !bytes.contains(0) else {
      throw PathError("\(shown) contains NUL, which no path can; remove it")
    }
    guard first == UInt8(ascii: "/") else {
      throw PathError(
        "\(shown) is not an absolute path; write it from the root, e.g. /\(Self.example(text))")
    }
    guard bytes.count <= PathLimits.bytes else {
      throw PathError(
        "is \(bytes.count) bytes long and the kernel takes \(PathLimits.bytes); list a directory above it, with a trailing /"
      )
    }
    guard bytes.count > 1 else {
      throw PathError("\"/\" would allow every file; list the directories that the container needs")
    }
    var components = bytes.dropFirst().split(
      separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isDirectory = components.last!.isEmpty
    if isDirectory { components.removeLast() }
    for component in components {
      if component.isEmpty {
        throw PathError("\(shown) has an empty component (//); write each / once")
      }
      if component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) {
        throw PathError("\(shown) has a component . or ..; write the path without it")
      }
      if component.count > PathLimits.componentBytes {
        throw PathError(
          "has a component of \(component.count) bytes and the kernel takes \(PathLimits.componentBytes); correct it"
        )
      }
    }
    let most = isDirectory ? PathLimits.directoryComponents : PathLimits.components
    guard components.count <= most else {
      throw PathError(
        "has \(components.count) components and the gate follows \(most); list a directory nearer to the root, with a trailing /"
      )
    }
    self.isDirectory = isDirectory
    self.path = isDirectory ? String(decoding: bytes.dropLast(), as: UTF8.self) : text
  }

  /// What the operator may have meant by a relative path.
  private static func example(_ text: String) -> String {
    let rest = text.drop { $0 == "." || $0 == "/" }
    return rest.isEmpty || rest.utf8.count > 60 ? "bin/sh" : String(rest)
  }
}

/// What is wrong with a path, and what to do.
public struct PathError: Error, Hashable, Sendable {
  public let message: String
  init(_ message: String) { self.message = message }

  /// In quotes, at most 80 characters: a message stays one readable line.
  static func quoted(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(80) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        shown += "\\u{\(String(scalar.value, radix: 16))}"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return "\"" + shown + (text.unicodeScalars.count > 80 ? "…" : "") + "\""
  }
}
