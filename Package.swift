// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: language mode 6 (strict concurrency), warnings are errors.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny")]

/// Targets that read hostile bytes or talk to C: every unsafe use says `unsafe`.
let memorySafe: [SwiftSetting] = strict + [.strictMemorySafety()]

let orderedCollections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")

/// A module of the house. Every module it imports is named, not only reached through another: an incremental build
/// would otherwise miss changes of it.
func room(
  _ name: String, _ modules: String..., products: [Target.Dependency] = [], settings: [SwiftSetting] = strict
) -> Target {
  .target(
    name: name, dependencies: modules.map { .init(stringLiteral: $0) } + products, swiftSettings: settings)
}

/// The tests of a module; every module they import is named, so that a change of it rebuilds them.
func tests(_ module: String, _ others: String...) -> Target {
  .testTarget(
    name: "\(module)Tests",
    dependencies: Array(Set([module, "ScopeBytes", "ScopeGraph", "ScopeStatistics", "TestSupport"] + others))
      .sorted().map { .init(stringLiteral: $0) }
      + [orderedCollections],
    swiftSettings: strict)
}

let package = Package(
  name: "neural-scope",
  products: [
    .executable(name: "neural-scope", targets: ["neural-scope"]),
    .library(name: "NeuralScope", targets: ["NeuralScope"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    // C: system libraries and declarations of our own.
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "CImageCodecs",
      linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16")]),
    .target(name: "COnnxRuntime"),
    .target(name: "COpenVINO"),
    .target(name: "CCurl"),

    // The house; see docs/architecture.md for the arrows.
    room("ScopeStatistics"),
    room(
      "ScopeBytes", "CZlib", products: [.product(name: "Crypto", package: "swift-crypto")],
      settings: memorySafe),
    room("ScopeGraph", "ScopeBytes", products: [orderedCollections]),
    room("ScopeFormats", "ScopeBytes", "ScopeGraph", products: [orderedCollections], settings: memorySafe),
    room("ScopeArchitectures", "ScopeBytes", "ScopeGraph", "ScopeFormats", products: [orderedCollections]),
    room(
      "ScopeRuntime", "COnnxRuntime", "COpenVINO", "ScopeStatistics", "ScopeBytes", "ScopeGraph",
      "ScopeFormats",
      settings: memorySafe),
    room("ScopeData", "CImageCodecs", "ScopeBytes", "ScopeGraph"),
    room(
      "ScopeAnalysis", "ScopeStatistics", "ScopeBytes", "ScopeGraph", "ScopeFormats", "ScopeRuntime",
      products: [orderedCollections]),
    room("ScopeGradients", "ScopeBytes", "ScopeGraph", products: [orderedCollections]),
    room(
      "ScopeOptimization", "ScopeStatistics", "ScopeBytes", "ScopeGraph", "ScopeFormats", "ScopeGradients",
      "ScopeRuntime",
      "ScopeData", products: [orderedCollections]),
    room(
      "ScopeRobustness", "ScopeStatistics", "ScopeBytes", "ScopeGraph", "ScopeGradients", "ScopeRuntime",
      "ScopeData"),
    room(
      "ScopeHardening", "ScopeStatistics", "ScopeBytes", "ScopeGraph", "ScopeGradients", "ScopeRuntime",
      "ScopeData",
      "ScopeOptimization", "ScopeRobustness"),
    room(
      "ScopeSecurity", "ScopeStatistics", "ScopeBytes", "ScopeGraph", "ScopeFormats",
      products: [.product(name: "Crypto", package: "swift-crypto")]),
    room("ScopePolicy", "ScopeBytes"),
    room("ScopeRemote", "CCurl", "ScopeBytes", settings: memorySafe),
    room("ScopeReport", "CZlib", "ScopeStatistics", "ScopeBytes", "ScopeGraph", "ScopePolicy"),
    room(
      "NeuralScope", "ScopeStatistics", "ScopeBytes", "ScopeGraph", "ScopeFormats", "ScopeArchitectures",
      "ScopeRuntime",
      "ScopeData", "ScopeAnalysis", "ScopeGradients", "ScopeOptimization", "ScopeRobustness",
      "ScopeHardening", "ScopeSecurity",
      "ScopePolicy", "ScopeRemote", "ScopeReport", products: [orderedCollections]),
    .executableTarget(
      name: "neural-scope",
      dependencies: [
        "NeuralScope", "ScopeBytes", "ScopeHardening", "ScopeOptimization", "ScopePolicy", "ScopeRemote",
        "ScopeReport", "ScopeSecurity",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict,
      // The Swift runtime inside the executable: it starts in a few milliseconds and runs where Swift is not installed.
      linkerSettings: [
        .unsafeFlags(
          ["-static-stdlib", "-l_FoundationCShims", "-l_FoundationCollections"],
          .when(platforms: [.linux], configuration: .release))
      ]),

    // Tests beside the modules.
    tests("ScopeStatistics"),
    tests("ScopeBytes"),
    tests("ScopeGraph", "ScopeFormats"),
    tests("ScopeFormats", "ScopeRuntime"),
    tests("ScopeArchitectures", "ScopeFormats", "ScopeData", "ScopeRuntime"),
    tests("ScopeRuntime", "ScopeFormats"),
    tests("ScopeData"),
    tests("ScopeAnalysis", "ScopeFormats", "ScopeRuntime"),
    tests("ScopeGradients", "ScopeFormats", "ScopeRuntime"),
    tests("ScopeOptimization", "ScopeArchitectures", "ScopeFormats", "ScopeData", "ScopeRuntime"),
    tests("ScopeRobustness", "ScopeFormats", "ScopeData", "ScopeGradients", "ScopeRuntime"),
    tests("ScopeHardening", "ScopeData", "ScopeRobustness", "ScopeRuntime"),
    tests("ScopeSecurity", "ScopeFormats"),
    tests("ScopePolicy"),
    tests("ScopeRemote"),
    tests("ScopeReport", "ScopePolicy"),
    tests("NeuralScope", "ScopeReport", "ScopePolicy", "ScopeFormats", "ScopeSecurity"),
    .testTarget(
      name: "CommandLineTests", dependencies: ["ScopeBytes", "TestSupport"], swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["ScopeBytes"], path: "Tests/TestSupport", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
