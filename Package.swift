// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny")]

/// The hook is one module of Embedded Swift, linked statically: it starts as fast as a program
/// that does nothing. An embedded module cannot import an ordinary one, so the sources that it
/// shares with mapd are compiled into it again (the links in Sources/oci-hook).
let embedded: [SwiftSetting] = [
  .enableExperimentalFeature("Embedded"), .define("ONE_MODULE"),
  .unsafeFlags(["-wmo", "-no-static-stdlib"]),
]
let staticLibc: [LinkerSetting] = [
  .linkedLibrary("yajl_s"),
  .unsafeFlags([
    "-no-static-stdlib", "-Xclang-linker", "-static", "-Xclang-linker",
    "-Wno-unused-command-line-argument",
  ]),
]

let package = Package(
  name: "holdfast",
  products: [
    .executable(name: "mapd", targets: ["mapd"]),
    .executable(name: "mapctl", targets: ["mapctl"]),
    .executable(name: "oci-hook", targets: ["oci-hook"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "Contract", path: "bpf"),
    .systemLibrary(name: "CBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CYajl"),
    .target(name: "StateParser", dependencies: ["Shared", "CYajl"], swiftSettings: strict),
    .executableTarget(
      name: "oci-hook", dependencies: ["CPosix", "CYajl"], swiftSettings: embedded, linkerSettings: staticLibc),
    .target(name: "CPosix"),
    .target(name: "Shared", swiftSettings: strict),
    .target(name: "ControlMessages", swiftSettings: strict),
    .target(
      name: "Policy", dependencies: [.product(name: "Yams", package: "Yams")],
      path: "Sources/mapd/Policy", swiftSettings: strict),
    .target(
      name: "Enforcement", dependencies: ["Contract", "CBPF", "Shared"],
      path: "Sources/mapd/Enforcement", swiftSettings: strict),
    .target(
      name: "Admission",
      dependencies: [
        "CLinux", "CYajl", "Enforcement", "Policy", "Shared", .product(name: "Logging", package: "swift-log"),
      ],
      path: "Sources/mapd/Admission", swiftSettings: strict),
    .target(
      name: "Observation",
      dependencies: [
        "Admission", "Enforcement", "ControlMessages", .product(name: "Logging", package: "swift-log"),
      ],
      path: "Sources/mapd/Observation", swiftSettings: strict),
    .target(
      name: "Learning",
      dependencies: [
        "Admission", "ControlMessages", "Enforcement", "Observation", "Policy",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Sources/mapd/Learning", swiftSettings: strict),
    .target(
      name: "Configuration", dependencies: ["Policy"], path: "Sources/mapd/Configuration", swiftSettings: strict),
    .target(
      name: "Control",
      dependencies: [
        "Admission", "CLinux", "Configuration", "ControlMessages", "Enforcement", "Learning", "Observation", "Policy",
        "Shared",
        .product(name: "Yams", package: "Yams"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      path: "Sources/mapd/Control", swiftSettings: strict),
    .target(
      name: "Export",
      dependencies: [
        "Admission", "Configuration", "Control", "ControlMessages", "Enforcement", "Observation", "Shared",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      path: "Sources/mapd/Export", swiftSettings: strict),
    .executableTarget(
      name: "mapd",
      dependencies: [
        "Admission", "CLinux", "Configuration", "Control", "Enforcement", "Export", "Learning", "Observation", "Policy",
        "Shared",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      path: "Sources/mapd/Main", swiftSettings: strict),
    .executableTarget(
      name: "mapctl",
      dependencies: [
        "Admission", "ControlMessages", "Enforcement", "Policy", "Shared",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .testTarget(name: "SharedTests", dependencies: ["Shared", "StateParser"], swiftSettings: strict),
    .testTarget(
      name: "EnforcementTests", dependencies: ["CBPF", "Contract", "Enforcement", "Shared"], swiftSettings: strict),
    .testTarget(
      name: "AdmissionTests",
      dependencies: [
        "Admission", "Enforcement", "Policy", "Shared", .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ], swiftSettings: strict),
    .testTarget(
      name: "ObservationTests",
      dependencies: ["ControlMessages", "Enforcement", "Observation", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .testTarget(
      name: "LearningTests",
      dependencies: ["Admission", "Configuration", "ControlMessages", "Enforcement", "Learning", "Policy"],
      swiftSettings: strict),
    .testTarget(
      name: "ControlTests",
      dependencies: [
        "CLinux", "Control", "Policy", "Shared", .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
      ], swiftSettings: strict),
    .testTarget(
      name: "ExportTests",
      dependencies: [
        "Control", "ControlMessages", "Enforcement", "Export", "Observation",
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(name: "PolicyTests", dependencies: ["Policy"], swiftSettings: strict),
    .testTarget(name: "MapctlTests", dependencies: ["mapctl", "ControlMessages"], swiftSettings: strict),
  ]
)
