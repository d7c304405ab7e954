// SPDX-License-Identifier: MIT

/// How far each pixel lies from a mask.
///
/// - Source: Borgefors, "Distance transformations in digital images": the chamfer distance.
enum DistanceMap {
    private static let side: Float = 0.955
    private static let corner: Float = 1.3693

    /// - Returns: For each pixel of `width` x `height` the distance to the nearest of the mask, in pixels.
    static func distances(to mask: [Bool], width: Int, height: Int) -> [Float] {
        var distance = mask.map { $0 ? Float(0) : 1e6 }
        for y in 0..<height {
            for x in 0..<width {
                let index = y * width + x
                var best = distance[index]
                if x > 0 { best = min(best, distance[index - 1] + side) }
                if y > 0 {
                    best = min(best, distance[index - width] + side)
                    if x > 0 { best = min(best, distance[index - width - 1] + corner) }
                    if x < width - 1 { best = min(best, distance[index - width + 1] + corner) }
                }
                distance[index] = best
            }
        }
        for y in stride(from: height - 1, through: 0, by: -1) {
            for x in stride(from: width - 1, through: 0, by: -1) {
                let index = y * width + x
                var best = distance[index]
                if x < width - 1 { best = min(best, distance[index + 1] + side) }
                if y < height - 1 {
                    best = min(best, distance[index + width] + side)
                    if x > 0 { best = min(best, distance[index + width - 1] + corner) }
                    if x < width - 1 { best = min(best, distance[index + width + 1] + corner) }
                }
                distance[index] = best
            }
        }
        return distance
    }
}
