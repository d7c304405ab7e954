// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

let package = Package(
    name: "kernel-benchmarks",
    dependencies: [
        .package(name: "SwiftNet", path: "../.."),
        .package(url: "https://github.com/google/swift-benchmark", from: "0.1.2"),
    ],
    targets: [
        .executableTarget(
            name: "kernel-benchmarks",
            dependencies: [
                .product(name: "SwiftNet", package: "SwiftNet"),
                .product(name: "Benchmark", package: "swift-benchmark"),
            ]),
        .executableTarget(
            name: "product-times", dependencies: [.product(name: "SwiftNet", package: "SwiftNet")]),
        .executableTarget(
            name: "convolution-times", dependencies: [.product(name: "SwiftNet", package: "SwiftNet")]),
    ]
)
