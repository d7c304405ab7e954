// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

let package = Package(
    name: "own-network",
    dependencies: [
        // Outside of this repository: .package(url: "<the repository>", from: "0.1.0")
        .package(name: "swiftnet", path: "../..")
    ],
    targets: [
        .executableTarget(name: "own-network", dependencies: [.product(name: "SwiftNet", package: "swiftnet")])
    ]
)
