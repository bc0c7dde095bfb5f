// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: language mode 6 (strict concurrency), warnings are errors.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny")]

/// Targets that read hostile bytes or talk to C: every unsafe use says `unsafe`.
let memorySafe: [SwiftSetting] = strict + [.strictMemorySafety()]

let orderedCollections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")

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

    // The house; see docs/architecture.md for the arrows.
    .target(
      name: "ScopeBytes",
      dependencies: ["CZlib", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: memorySafe),
    .target(
      name: "ScopeGraph", dependencies: ["ScopeBytes", orderedCollections], swiftSettings: strict),
    .target(
      name: "ScopeFormats", dependencies: ["ScopeGraph", orderedCollections], swiftSettings: memorySafe),
    .target(
      name: "ScopeArchitectures", dependencies: ["ScopeFormats", orderedCollections], swiftSettings: strict),
    .target(
      name: "ScopeRuntime", dependencies: ["COnnxRuntime", "ScopeGraph", "ScopeFormats"],
      swiftSettings: memorySafe),
    .target(name: "ScopeData", dependencies: ["CImageCodecs", "ScopeGraph"], swiftSettings: strict),
    .target(name: "ScopeAnalysis", dependencies: ["ScopeGraph", "ScopeRuntime"], swiftSettings: strict),
    .target(name: "ScopeGradients", dependencies: ["ScopeGraph"], swiftSettings: strict),
    .target(
      name: "ScopeOptimization",
      dependencies: ["ScopeGradients", "ScopeRuntime", "ScopeData"], swiftSettings: strict),
    .target(
      name: "ScopeRobustness",
      dependencies: ["ScopeGradients", "ScopeRuntime", "ScopeData"], swiftSettings: strict),
    .target(name: "ScopeSecurity", dependencies: ["ScopeFormats"], swiftSettings: strict),
    .target(name: "ScopeReport", dependencies: ["CZlib", "ScopeGraph"], swiftSettings: strict),
    .target(
      name: "NeuralScope",
      dependencies: [
        "ScopeFormats", "ScopeArchitectures", "ScopeRuntime", "ScopeData", "ScopeAnalysis",
        "ScopeGradients", "ScopeOptimization", "ScopeRobustness", "ScopeSecurity", "ScopeReport",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "neural-scope",
      dependencies: [
        "NeuralScope", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // Tests beside the modules.
    .testTarget(name: "ScopeBytesTests", dependencies: ["ScopeBytes"], swiftSettings: strict),
    .testTarget(name: "ScopeGraphTests", dependencies: ["ScopeGraph"], swiftSettings: strict),
    .testTarget(name: "ScopeFormatsTests", dependencies: ["ScopeFormats", "ScopeGraph", "ScopeBytes", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ScopeArchitecturesTests", dependencies: ["ScopeArchitectures", "ScopeData", "ScopeRuntime", "TestSupport"],
      swiftSettings: strict),
    .testTarget(name: "ScopeRuntimeTests", dependencies: ["ScopeRuntime", "ScopeFormats", "ScopeGraph", "ScopeBytes", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "ScopeDataTests", dependencies: ["ScopeData", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "ScopeAnalysisTests", dependencies: ["ScopeAnalysis", "ScopeFormats", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ScopeGradientsTests", dependencies: ["ScopeGradients", "ScopeRuntime", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ScopeOptimizationTests", dependencies: ["ScopeOptimization", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ScopeRobustnessTests", dependencies: ["ScopeRobustness", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "ScopeSecurityTests", dependencies: ["ScopeSecurity", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "ScopeReportTests", dependencies: ["ScopeReport", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "NeuralScopeTests", dependencies: ["NeuralScope", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "CommandLineTests", dependencies: ["neural-scope", "TestSupport"], swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["ScopeBytes"], path: "Tests/TestSupport", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
