// SPDX-License-Identifier: MIT

/// The connected pieces of a picture's ink.
struct InkPieces {
    /// One piece, measured.
    struct Piece {
        var left: Int
        var top: Int
        var right: Int
        var bottom: Int
        /// Pixels in it.
        var area = 0
        /// Sum of their ink.
        var mass = 0
        /// Its darkest ink.
        var peak: UInt8 = 0
        /// Its pixels on the picture's border, the longest of the four sides and how many sides it touches.
        var border = 0
        var sidesTouched = 0
        /// Whether it covers nearly all of one of the picture's sides.
        var coversSide = false
        /// Pixel sides that face paper.
        var outline = 0

        var width: Int { right - left + 1 }
        var height: Int { bottom - top + 1 }
        var longest: Int { max(width, height) }
        /// What a stroke of this area and outline would measure across.
        var strokeWidth: Double { 2 * Double(area) / Double(max(1, outline)) }
    }

    let width: Int
    let height: Int
    /// The number of each pixel's piece, -1 for paper.
    private(set) var labels: [Int32]
    private(set) var all: [Piece] = []

    /// Finds what is at least `low` and connected, corners included, to ink of at least `high`.
    init(ink: [UInt8], width: Int, height: Int, low: UInt8, high: UInt8) {
        self.width = width
        self.height = height
        labels = [Int32](repeating: -1, count: width * height)
        var stack: [Int] = []
        for start in ink.indices where ink[start] >= high && labels[start] < 0 {
            labels[start] = Int32(all.count)
            stack.append(start)
            all.append(measured(ink, low: low, label: Int32(all.count), &stack))
        }
    }

    private mutating func measured(_ ink: [UInt8], low: UInt8, label: Int32, _ stack: inout [Int]) -> Piece {
        let (x, y) = (stack[0] % width, stack[0] / width)
        var piece = Piece(left: x, top: y, right: x, bottom: y)
        var borders = (left: 0, right: 0, top: 0, bottom: 0)
        while let index = stack.popLast() {
            let (x, y) = (index % width, index / width)
            piece.left = min(piece.left, x)
            piece.right = max(piece.right, x)
            piece.top = min(piece.top, y)
            piece.bottom = max(piece.bottom, y)
            piece.area += 1
            piece.mass += Int(ink[index])
            piece.peak = max(piece.peak, ink[index])
            if x == 0 { borders.left += 1 } else if ink[index - 1] < low { piece.outline += 1 }
            if x == width - 1 { borders.right += 1 } else if ink[index + 1] < low { piece.outline += 1 }
            if y == 0 { borders.top += 1 } else if ink[index - width] < low { piece.outline += 1 }
            if y == height - 1 { borders.bottom += 1 } else if ink[index + width] < low { piece.outline += 1 }
            for ny in max(0, y - 1)...min(height - 1, y + 1) {
                for nx in max(0, x - 1)...min(width - 1, x + 1) {
                    let next = ny * width + nx
                    if labels[next] < 0 && ink[next] >= low {
                        labels[next] = label
                        stack.append(next)
                    }
                }
            }
        }
        let sides = [borders.left, borders.right, borders.top, borders.bottom]
        piece.border = sides.max() ?? 0
        piece.sidesTouched = sides.count { $0 > 0 }
        piece.coversSide =
            max(borders.left, borders.right) * 10 >= height * 9 || max(borders.top, borders.bottom) * 10 >= width * 9
        return piece
    }
}
