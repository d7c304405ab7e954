// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

// MARK: - Build settings

/// The vector kernels need compiler flags that the package manager calls unsafe and refuses in a package that another
/// depends on by version. So they are set only where this package is the root, or where the builder asks for them.
let isDependency = ["/checkouts/", "/registry/downloads/"].contains { Context.packageDirectory.contains($0) }
let vectorKernels =
    switch Context.environment["SWIFTNET_KERNELS"] {
    case "portable": false
    case "all": true
    default: !isDependency
    }
#if arch(x86_64)
let hasVectorLevels = vectorKernels
#else
let hasVectorLevels = false
#endif

let strict: [SwiftSetting] =
    Context.environment["SWIFTNET_WARNINGS_AS_ERRORS"] == "1" ? [.treatAllWarnings(as: .error)] : []
let kernelSettings: [SwiftSetting] = strict + [.enableUpcomingFeature("ExistentialAny")]
/// 'Tools/test' tests the release, and some tests look inside a room. Not the kernels: what can be looked at is linked weakly.
let testable: [SwiftSetting] =
    !isDependency && Context.environment["SWIFTNET_ENABLE_TESTING"] == "1"
    ? [.unsafeFlags(["-enable-testing"], .when(configuration: .release))] : []
let settings = kernelSettings + testable

/// What a program built with `--static-swift-stdlib` loads at each start: not C++'s library, which Swift's runtime needs a few
/// functions of and which is linked in, and no table of its own symbols: both make a start longer. By the toolchain's own linker:
/// another one keeps names of what it leaves out, and with them the need for a newer C library.
let linking: [LinkerSetting] =
    isDependency
    ? []
    : [
        .unsafeFlags(
            [
                "-use-ld=lld", "-L", "\(Context.packageDirectory)/Packaging/linking",
                "-Xclang-linker", "-static-libgcc", "-Xlinker", "--no-export-dynamic",
            ], .when(configuration: .release))
    ]

/// One folder of kernel sources, compiled once per instruction set. `march` is a compiler name of a CPU.
///
/// A debug build has the portable level only, optimised all the same: its vector targets compile to nothing, so that the
/// linker has no second level to mix in.
///
/// - Parameters:
///   - features: Compiler options for instructions that the CPU of that name lacks.
///   - family: "Int8" for the kernels of integers, whose levels are others.
func kernelLevel(_ level: String, march: String?, features: [String] = [], family: String = "") -> Target {
    // The tiles are loops over registers: they must be unrolled whole.
    let optimised = ["-Ounchecked", "-wmo", "-Xllvm", "-unroll-threshold=4000"]
    // All files go into one object: between several, what they share is weak, and the linker could take it from another
    // level.
    let release =
        optimised + ["-Xfrontend", "-enable-single-module-llvm-emission"]
        + (march.map { ["-Xcc", "-march=\($0)"] } ?? []) + features.flatMap { ["-Xcc", $0] }
    // The index of a debug build wants an object for each file.
    let debug = optimised + ["-num-threads", "2", "-disable-batch-mode"]

    var levelSettings: [SwiftSetting] = [
        .define("KERNELS_\(level.uppercased())"),
        .define("KERNELS_ENABLED", march == nil ? nil : .when(configuration: .release)),
    ]
    if march != nil {
        // The vector levels need one instruction that no module offers: a prefetch.
        levelSettings.append(.enableExperimentalFeature("BuiltinModule"))
    }
    if vectorKernels {
        levelSettings.append(.unsafeFlags(release, .when(configuration: .release)))
        if march == nil { levelSettings.append(.unsafeFlags(debug, .when(configuration: .debug))) }
    }
    return .target(
        name: "\(family)Kernels\(level)",
        dependencies: ["KernelInterface"],
        path: "Sources/\(family)KernelLevels/\(level)",
        swiftSettings: kernelSettings + levelSettings)
}

let kernelLevels: [Target] =
    [kernelLevel("Portable", march: nil), kernelLevel("Portable", march: nil, family: "Int8")]
    + (hasVectorLevels
        ? [
            kernelLevel("AVX2", march: "haswell"), kernelLevel("AVX512", march: "skylake-avx512"),
            kernelLevel("AVX2", march: "haswell", family: "Int8"),
            kernelLevel("VNNI", march: "cascadelake", family: "Int8"),
            kernelLevel("VBMI", march: "cascadelake", features: ["-mavx512vbmi"], family: "Int8"),
        ] : [])

/// The tests of one room, in the folder that bears its name.
func tests(_ room: String, _ dependencies: [String]? = nil, goldens: Bool = false) -> Target {
    .testTarget(
        name: "\(room)Tests",
        dependencies: (dependencies ?? [room]).map { .init(stringLiteral: $0) } + ["TestSupport"],
        exclude: goldens ? ["Goldens"] : [],
        swiftSettings: settings)
}

// MARK: - Package

let package = Package(
    name: "SwiftNet",
    products: [
        .library(name: "SwiftNet", targets: ["SwiftNet"]),
        .executable(name: "swiftnet", targets: ["swiftnet"]),
        .executable(name: "weight-extract", targets: ["weight-extract"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
    ],
    targets: [
        // MARK: System libraries (module maps only)
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CHeif"),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CSpng", pkgConfig: "spng", providers: [.apt(["libspng-dev"])]),
        .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // Opened when it is first needed: nothing is linked, so no pkg-config.
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),

        // MARK: Foundations
        .target(name: "SystemCalls", dependencies: ["CLinux"], swiftSettings: settings),
        .target(name: "KernelInterface", swiftSettings: settings),
        .target(
            name: "Kernels",
            dependencies: ["KernelInterface", "SystemCalls"]
                + kernelLevels.map { .init(stringLiteral: $0.name) },
            swiftSettings: settings
                + (hasVectorLevels ? [.define("KERNELS_HAS_VECTOR_LEVELS", .when(configuration: .release))] : [])),
        .target(name: "BLAS", dependencies: ["COpenBLAS", "SystemCalls"], swiftSettings: settings),
        .target(name: "Tensors", dependencies: ["SystemCalls"], swiftSettings: settings),

        // MARK: Networks
        .target(name: "Graphs", dependencies: ["Tensors"], swiftSettings: settings),
        .target(name: "Operators", dependencies: ["Graphs", "SystemCalls", "Tensors"], swiftSettings: settings),
        .target(
            name: "Runtime", dependencies: ["BLAS", "Graphs", "Kernels", "Operators", "SystemCalls", "Tensors"],
            swiftSettings: settings),
        .target(
            name: "Layers", dependencies: ["BLAS", "Graphs", "Kernels", "Operators", "Runtime", "Tensors"],
            swiftSettings: settings),
        .target(name: "Models", dependencies: ["Layers", "Tensors"], swiftSettings: settings),
        .target(
            name: "Quantization", dependencies: ["Graphs", "Operators", "Runtime", "SystemCalls", "Tensors"],
            swiftSettings: settings),

        // MARK: Files
        .target(name: "Release", swiftSettings: settings),
        .target(name: "Text", swiftSettings: settings),
        .target(name: "JSON", dependencies: ["Text"], swiftSettings: settings),
        .target(name: "Protobuf", swiftSettings: settings),
        .target(name: "Compression", dependencies: ["CDeflate", "CZlib"], swiftSettings: settings),
        .target(
            name: "ONNX", dependencies: ["Graphs", "Operators", "Protobuf", "SystemCalls", "Tensors"],
            swiftSettings: settings),
        .target(
            name: "Checkpoints",
            dependencies: ["Compression", "JSON", "SystemCalls", "Tensors", "Text"],
            swiftSettings: settings),
        .target(
            name: "TorchExport",
            dependencies: ["Checkpoints", "Graphs", "JSON", "Operators", "Tensors"],
            swiftSettings: settings),
        .target(
            name: "Images", dependencies: ["CHeif", "CSpng", "CTurboJPEG", "Compression", "SystemCalls"],
            swiftSettings: settings),

        // MARK: Pixels to predictions
        .target(
            name: "Inference",
            dependencies: [
                "Checkpoints", "Graphs", "Images", "JSON", "Layers", "Models", "ONNX", "Operators", "SystemCalls",
                "Tensors", "TorchExport",
            ],
            swiftSettings: settings),
        .target(
            name: "SwiftNet",
            dependencies: ["Checkpoints", "Images", "Inference", "JSON", "Layers", "Models", "Tensors"],
            swiftSettings: settings),

        // MARK: Serving
        .target(name: "HTTP", dependencies: ["Text"], swiftSettings: settings),
        .target(name: "Client", dependencies: ["HTTP", "JSON", "SystemCalls", "Text"], swiftSettings: settings),
        .target(name: "HTTP2", dependencies: ["CNghttp2", "HTTP", "Text"], swiftSettings: settings),
        .target(
            name: "Protocols", dependencies: ["Compression", "HTTP", "JSON", "Protobuf", "Tensors", "Text"],
            swiftSettings: settings),
        .target(
            name: "GRPC", dependencies: ["HTTP", "JSON", "Protobuf", "Protocols", "Text"], swiftSettings: settings),
        .target(
            name: "Transport", dependencies: ["HTTP", "HTTP2", "JSON", "Protobuf", "Protocols", "SystemCalls", "Text"],
            swiftSettings: settings),
        .target(
            name: "API",
            dependencies: [
                "GRPC", "HTTP", "JSON", "Protobuf", "Protocols", "Release", "SystemCalls", "Text", "Transport",
            ],
            resources: [.embedInCode("Page")],
            swiftSettings: settings),
        .target(name: "Fleet", dependencies: ["SystemCalls", "Transport"], swiftSettings: settings),
        .target(
            name: "Serving",
            dependencies: [
                "API", "Fleet", "HTTP", "Images", "Inference", "Protocols", "SystemCalls", "Text", "Transport",
            ],
            swiftSettings: settings),

        // MARK: Commands
        .target(name: "CommandSupport", dependencies: ["SystemCalls", "Text"], swiftSettings: settings),
        .executableTarget(
            name: "swiftnet",
            dependencies: [
                "API", "BLAS", "Checkpoints", "Client", "CommandSupport", "Fleet", "Graphs", "Images", "Inference",
                "JSON", "Kernels", "Models", "ONNX", "Protobuf", "Quantization", "Release", "Serving", "SwiftNet",
                "SystemCalls", "Tensors", "Text", "TorchExport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/SwiftNetCommand",
            swiftSettings: settings,
            linkerSettings: linking),
        .executableTarget(
            name: "weight-extract",
            dependencies: [
                "Checkpoints", "CommandSupport", "Inference", "JSON", "Models", "Release", "SystemCalls", "Tensors",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/WeightExtractCommand",
            swiftSettings: settings,
            linkerSettings: linking),

        // MARK: Tests
        .target(
            name: "TestSupport", dependencies: ["BLAS", "CNghttp2", "CZlib", "Protobuf", "SystemCalls"],
            path: "Tests/TestSupport",
            swiftSettings: settings),
        .target(
            name: "StubModels", dependencies: ["Protocols", "SystemCalls"], path: "Tests/StubModels",
            swiftSettings: settings),
        .target(
            name: "ONNXCases", dependencies: ["Graphs", "ONNX", "Operators", "Protobuf", "Tensors"],
            path: "Tests/ONNXCases", swiftSettings: settings),
        .executableTarget(
            name: "onnx-runner", dependencies: ["ONNXCases", "SystemCalls"], path: "Tools/onnx/runner",
            swiftSettings: settings),
        .executableTarget(
            name: "zoo-runner",
            dependencies: [
                "Checkpoints", "Inference", "JSON", "Layers", "Models", "Runtime", "SystemCalls", "Tensors",
            ],
            path: "Tools/zoo/runner", swiftSettings: settings),
        .executableTarget(
            name: "allocation-probe", dependencies: ["Layers", "Models", "Tensors"], path: "Tests/AllocationProbe",
            swiftSettings: settings),
        tests("SystemCalls", ["CLinux", "SystemCalls"]),
        tests("Kernels", ["KernelInterface", "Kernels"]),
        tests("BLAS"),
        tests("Tensors"),
        tests("Operators", ["Graphs", "Operators", "Tensors"]),
        tests("Runtime", ["BLAS", "Graphs", "KernelInterface", "Kernels", "Operators", "Runtime", "Tensors"]),
        tests(
            "Quantization", ["Graphs", "Kernels", "ONNX", "Operators", "Quantization", "Runtime", "Tensors"],
            goldens: true),
        tests("Layers", ["BLAS", "Graphs", "Kernels", "Layers", "Runtime", "SystemCalls", "Tensors"], goldens: true),
        tests("Models", ["BLAS", "Kernels", "Layers", "Models", "Checkpoints", "Tensors"], goldens: true),
        tests("Checkpoints", ["Checkpoints", "Compression", "CZlib", "SystemCalls", "Tensors"], goldens: true),
        tests("Images", ["Checkpoints", "Images"], goldens: true),
        tests(
            "Inference",
            [
                "Checkpoints", "Graphs", "Images", "Inference", "JSON", "Kernels", "Layers", "Models", "ONNX",
                "Operators",
                "Protobuf", "Tensors",
            ],
            goldens: true
        ),
        tests("Text"),
        tests("HTTP", ["HTTP", "Text"]),
        tests("HTTP2", ["CNghttp2", "HTTP", "HTTP2", "Text"]),
        tests("JSON", ["JSON", "Text"]),
        tests("Protobuf"),
        tests(
            "ONNX", ["Graphs", "ONNX", "ONNXCases", "Operators", "Protobuf", "SystemCalls", "Tensors"], goldens: true),
        tests(
            "TorchExport", ["Graphs", "JSON", "Operators", "Runtime", "Tensors", "TorchExport"], goldens: true),
        tests("Protocols", ["CZlib", "HTTP", "JSON", "Protobuf", "Protocols", "Text"]),
        tests("GRPC", ["GRPC", "HTTP", "Protobuf", "Protocols", "Text"]),
        tests(
            "API",
            ["API", "GRPC", "HTTP", "JSON", "Protobuf", "Protocols", "StubModels", "SystemCalls", "Text", "Transport"]),
        tests(
            "Transport",
            [
                "API", "HTTP", "HTTP2", "JSON", "Protocols", "Serving", "StubModels", "SystemCalls", "Text",
                "Transport",
            ]),
        tests("Fleet", ["Fleet", "SystemCalls", "Transport"]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Images", "Protobuf", "SystemCalls", "TestSupport", "allocation-probe", "swiftnet", "weight-extract",
            ],
            exclude: ["Goldens"],
            swiftSettings: settings),
    ] + kernelLevels
)

// MARK: - Tests of some rooms

// 'Tools/unit' names rooms: targets that their tests do not need are left out, so that an edit is tested in seconds.
if let rooms = Context.environment["SWIFTNET_TEST_ROOMS"] {
    let targets = Dictionary(uniqueKeysWithValues: package.targets.map { ($0.name, $0) })
    var needed = Set<String>()
    var waiting = rooms.split(separator: ",").map { "\($0)Tests" }
    while let name = waiting.popLast() {
        guard let target = targets[name], needed.insert(name).inserted else { continue }
        waiting += target.dependencies.compactMap { dependency in
            switch dependency {
            case .byNameItem(let name, _), .targetItem(let name, _): name
            default: nil
            }
        }
    }
    package.targets = package.targets.filter { needed.contains($0.name) }
    package.products = []
}
