// SPDX-License-Identifier: MIT

import Images

/// How much ink lies on each pixel: 0 for paper, 255 for full ink.
struct InkMap {
    let width: Int
    let height: Int
    private(set) var values: [UInt8]

    /// Ink that counts when pieces are looked for; fainter ink belongs to the piece it touches.
    private static let solid: UInt8 = 96
    /// Faintest ink that the bounding box encloses.
    private static let faint: UInt8 = 24

    struct Box: Equatable {
        var x: Int
        var y: Int
        var width: Int
        var height: Int
    }

    init(width: Int, height: Int, values: [UInt8]) {
        self.width = width
        self.height = height
        self.values = values
    }

    /// As a grey image.
    func image() throws -> Image {
        try Image(width: width, height: height, format: .gray8, pixels: values)
    }

    /// Removes specks, that is pieces much smaller than the largest and with no solid ink in them, and finds the box around
    /// what remains.
    ///
    /// - Returns: The box; nil if there is no ink.
    mutating func keepingDigit() -> Box? {
        let pieces = labelled()
        guard let largest = pieces.solidCounts.max(), largest > 0 else { return nil }
        // A five's bar may be a piece of its own: it is a tenth of the digit at least.
        let least = max(1, largest / 20)
        var box: (left: Int, top: Int, right: Int, bottom: Int)?
        for y in 0..<height {
            for x in 0..<width {
                let index = y * width + x
                let label = pieces.labels[index]
                guard label >= 0 else { continue }
                if pieces.solidCounts[label] < least {
                    values[index] = 0
                    continue
                }
                let old = box ?? (x, y, x, y)
                box = (min(old.left, x), min(old.top, y), max(old.right, x), max(old.bottom, y))
            }
        }
        return box.map { Box(x: $0.left, y: $0.top, width: $0.right - $0.left + 1, height: $0.bottom - $0.top + 1) }
    }

    /// Numbers the pieces of ink that touch each other, corners included; -1 is paper.
    private func labelled() -> (labels: [Int], solidCounts: [Int]) {
        var labels = [Int](repeating: -1, count: values.count)
        var solidCounts: [Int] = []
        var stack: [Int] = []
        for start in values.indices where values[start] >= Self.faint && labels[start] < 0 {
            let label = solidCounts.count
            var solid = 0
            labels[start] = label
            stack.append(start)
            while let index = stack.popLast() {
                if values[index] >= Self.solid { solid += 1 }
                let (x, y) = (index % width, index / width)
                for ny in max(0, y - 1)...min(height - 1, y + 1) {
                    for nx in max(0, x - 1)...min(width - 1, x + 1) {
                        let next = ny * width + nx
                        if labels[next] < 0 && values[next] >= Self.faint {
                            labels[next] = label
                            stack.append(next)
                        }
                    }
                }
            }
            solidCounts.append(solid)
        }
        return (labels, solidCounts)
    }
}
