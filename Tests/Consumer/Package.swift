// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

// A package as a user of the library writes it: SwiftNet by version. Tools/check-consumer builds it against a tagged copy.
let package = Package(
    name: "consumer",
    dependencies: [.package(url: Context.environment["SWIFTNET_REPOSITORY"] ?? "", exact: "99.0.0")],
    targets: [
        .executableTarget(name: "consumer", dependencies: [.product(name: "SwiftNet", package: "swiftnet")])
    ]
)
