// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import Inference

/// The planes that digits are found with, against what they are by definition, on sizes that blocks do not divide.
@Suite struct DigitPlanesTests {
    private static let sizes = [(1, 1), (2, 7), (3, 3), (5, 4), (6, 5), (8, 8), (13, 9), (37, 22)]

    private static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    @Test(arguments: sizes)
    func maximaOfBlocks(width: Int, height: Int) {
        let pixels = Self.bytes(width * height, seed: 1)
        let grid = BlockGrid(maximaOf: pixels, width: width, height: height)
        #expect(grid.width == (width + 3) / 4 && grid.height == (height + 3) / 4)
        for row in 0..<grid.height {
            for column in 0..<grid.width {
                var largest: UInt8 = 0
                for y in (4 * row)..<min(4 * row + 4, height) {
                    for x in (4 * column)..<min(4 * column + 4, width) { largest = max(largest, pixels[y * width + x]) }
                }
                #expect(grid.values[row * grid.width + column] == largest, "block \(row), \(column)")
            }
        }
    }

    @Test(arguments: sizes)
    func valuesBetweenTheMiddlesOfBlocks(width: Int, height: Int) {
        let grid = BlockGrid(maximaOf: Self.bytes(width * height, seed: 2), width: width, height: height)
        /// The blocks before and after a pixel, and the second one's share.
        func blocks(_ pixel: Int, of count: Int) -> (Int, Int, Double) {
            let position = min(max(0, (Double(pixel) + 0.5) / 4 - 0.5), Double(count - 1))
            return (Int(position), min(Int(position) + 1, count - 1), position - position.rounded(.down))
        }
        let rows = BlockGrid.places(of: height, blocks: grid.height)
        for y in 0..<height {
            var line = [Float](repeating: .nan, count: grid.width)
            var row = [Float](repeating: .nan, count: width)
            line.withUnsafeMutableBufferPointer { line in
                row.withUnsafeMutableBufferPointer { grid.interpolate(row: rows[y], line: line, to: $0) }
            }
            let (top, bottom, low) = blocks(y, of: grid.height)
            for x in 0..<width {
                let (left, right, share) = blocks(x, of: grid.width)
                func value(_ row: Int, _ column: Int) -> Double { Double(grid.values[row * grid.width + column]) }
                let above = value(top, left) * (1 - share) + value(top, right) * share
                let below = value(bottom, left) * (1 - share) + value(bottom, right) * share
                #expect(abs(Double(row[x]) - (above * (1 - low) + below * low)) < 1e-3, "pixel \(x), \(y)")
            }
        }
    }

    @Test(arguments: sizes)
    func distancesToTheMask(width: Int, height: Int) {
        for share in [1, 10, 90] {
            let mask = Self.bytes(width * height, seed: UInt64(share)).map { Int($0) * 100 < share * 256 }
            let distances = DistanceMap.distances(to: mask, width: width, height: height)
            guard mask.contains(true) else {
                #expect(distances.allSatisfy { $0 > 1e5 })
                continue
            }
            for y in 0..<height {
                for x in 0..<width {
                    // As many diagonal steps as the shorter way has, then straight ones.
                    var least = Double.infinity
                    for other in mask.indices where mask[other] {
                        let (across, down) = (abs(other % width - x), abs(other / width - y))
                        let way = Double(min(across, down)) * 1.3693 + Double(abs(across - down)) * 0.955
                        least = min(least, way)
                    }
                    #expect(abs(Double(distances[y * width + x]) - least) < 1e-3, "pixel \(x), \(y)")
                }
            }
        }
    }
}
