// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

// A package as a user of the library writes it: SwiftNet by version, or by path. Tools/check-consumer builds it against a tagged
// copy, Tools/check-builds against a clone.
let repository = Context.environment["SWIFTNET_REPOSITORY"] ?? ""
let path = Context.environment["SWIFTNET_PATH"]
let package = Package(
    name: "consumer",
    dependencies: [path.map { .package(path: $0) } ?? .package(url: repository, exact: "99.0.0")],
    targets: [
        .executableTarget(name: "consumer", dependencies: [.product(name: "SwiftNet", package: "swiftnet")])
    ]
)
