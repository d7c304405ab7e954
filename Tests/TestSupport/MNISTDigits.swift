// SPDX-License-Identifier: MIT

import CZlib

/// The 10,000 test digits of MNIST, from the data that stays out of the project.
public struct MNISTDigits: Sendable {
    /// 28 x 28 grey values of each digit, bright ink on black.
    public let images: [[UInt8]]
    /// What each digit is.
    public let labels: [Int]

    /// Whether the data is here; what to say where it is not.
    public static let areAvailable = dataFolder != nil
    /// Why a test is skipped.
    public static let absence = "needs the MNIST files; SWIFTNET_DATA names their folder"

    /// Reads the digits.
    public init() throws {
        let folder = (dataFolder ?? "") + "/mnist/"
        let pixels = try unzipped(folder + "t10k-images-idx3-ubyte.gz").dropFirst(16)
        labels = try unzipped(folder + "t10k-labels-idx1-ubyte.gz").dropFirst(8).map(Int.init)
        images = stride(from: pixels.startIndex, to: pixels.endIndex, by: 784).map { Array(pixels[$0..<($0 + 784)]) }
    }
}

private func unzipped(_ path: String) throws -> [UInt8] {
    guard let file = gzopen(path, "rb") else { throw GoldenError(path: path, reason: "can't be opened") }
    defer { gzclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = gzread(file, &chunk, UInt32(chunk.count))
        guard count >= 0 else { throw GoldenError(path: path, reason: "can't be unpacked") }
        if count == 0 { return bytes }
        bytes.append(contentsOf: chunk[..<Int(count)])
    }
}
