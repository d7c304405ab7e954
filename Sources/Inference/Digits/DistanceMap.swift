// SPDX-License-Identifier: MIT

/// How far each pixel lies from a mask.
///
/// - Source: Borgefors, "Distance transformations in digital images": the chamfer distance.
enum DistanceMap {
    private static let side: Float = 0.955
    private static let corner: Float = 1.3693

    /// - Returns: For each pixel of `width` x `height` the distance to the nearest of the mask, in pixels.
    static func distances(to mask: [Bool], width: Int, height: Int) -> [Float] {
        var distances = mask.map { $0 ? Float(0) : 1e6 }
        distances.withUnsafeMutableBufferPointer { all in
            // From the left and above, then from the right and below.
            let lines = (0..<height).map {
                UnsafeMutableBufferPointer(rebasing: all[($0 * width)..<(($0 + 1) * width)])
            }
            for y in 0..<height {
                if y > 0 { spread(lines[y - 1], to: lines[y]) }
                for x in 1..<max(1, width) { lines[y][x] = min(lines[y][x], lines[y][x - 1] + side) }
            }
            for y in (0..<height).reversed() {
                if y < height - 1 { spread(lines[y + 1], to: lines[y]) }
                for x in (0..<max(0, width - 1)).reversed() { lines[y][x] = min(lines[y][x], lines[y][x + 1] + side) }
            }
        }
        return distances
    }

    /// From one line to the next.
    private static func spread(_ line: UnsafeMutableBufferPointer<Float>, to next: UnsafeMutableBufferPointer<Float>) {
        for x in next.indices { next[x] = min(next[x], line[x] + side) }
        for x in 1..<max(1, next.count) {
            next[x] = min(next[x], line[x - 1] + corner)
            next[x - 1] = min(next[x - 1], line[x] + corner)
        }
    }
}
