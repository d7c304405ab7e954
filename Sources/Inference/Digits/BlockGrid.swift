// SPDX-License-Identifier: MIT

/// A plane of values, one for each square block of a picture's pixels: its largest value.
struct BlockGrid {
    /// Side of a block in pixels.
    static let block = 4

    let width: Int
    let height: Int
    private(set) var values: [UInt8]

    /// The largest value of each block of a picture.
    init(maximaOf pixels: [UInt8], width: Int, height: Int) {
        let columns = (width + Self.block - 1) / Self.block
        let rows = (height + Self.block - 1) / Self.block
        self.width = columns
        self.height = rows
        values = [UInt8](repeating: 0, count: columns * rows)
        values.withUnsafeMutableBufferPointer { values in
            pixels.withUnsafeBufferPointer { pixels in
                for y in 0..<height {
                    let row = y / Self.block * columns
                    for column in 0..<columns {
                        let first = y * width + column * Self.block
                        let last = min(first + Self.block, (y + 1) * width)
                        var largest = values[row + column]
                        for index in first..<last { largest = max(largest, pixels[index]) }
                        values[row + column] = largest
                    }
                }
            }
        }
    }

    private init(width: Int, height: Int, values: [UInt8]) {
        self.width = width
        self.height = height
        self.values = values
    }

    /// Replaces each value by the largest in the square of `radius` blocks around it.
    mutating func dilate(by radius: Int) {
        var (source, candidates) = ([UInt8](), [Int]())
        for y in 0..<height {
            runningMaximum(start: y * width, step: 1, count: width, radius: radius, &source, &candidates)
        }
        for x in 0..<width {
            runningMaximum(start: x, step: width, count: height, radius: radius, &source, &candidates)
        }
    }

    /// Replaces each value by the smallest in the square of `radius` blocks around it.
    mutating func erode(by radius: Int) {
        for index in values.indices { values[index] = ~values[index] }
        dilate(by: radius)
        for index in values.indices { values[index] = ~values[index] }
    }

    /// The largest of the 2 x `radius` + 1 values around each of a line, in linear time: the candidates wait in falling order.
    private mutating func runningMaximum(
        start: Int, step: Int, count: Int, radius: Int, _ source: inout [UInt8], _ candidates: inout [Int]
    ) {
        source.removeAll(keepingCapacity: true)
        for place in 0..<count { source.append(values[start + place * step]) }
        candidates.removeAll(keepingCapacity: true)
        var first = 0
        for end in 0..<(count + radius) {
            if end < count {
                while candidates.count > first, source[candidates[candidates.count - 1]] <= source[end] {
                    candidates.removeLast()
                }
                candidates.append(end)
            }
            let centre = end - radius
            guard centre >= 0 else { continue }
            while candidates[first] < centre - radius { first += 1 }
            values[start + centre * step] = source[candidates[first]]
        }
    }

    /// With a margin in which slopes go on as they reach the border: a vignette stays one, and a table's edge becomes wide.
    func continued(by margin: Int) -> BlockGrid {
        func mirrored(_ place: Int, _ count: Int) -> (edge: Int, inner: Int) {
            if place < 0 { return (0, min(-place, count - 1)) }
            return place < count ? (place, place) : (count - 1, max(2 * (count - 1) - place, 0))
        }
        let columns = (0..<(width + 2 * margin)).map { mirrored($0 - margin, width) }
        let rows = (0..<(height + 2 * margin)).map { mirrored($0 - margin, height) }
        var result: [UInt8] = []
        result.reserveCapacity(columns.count * rows.count)
        for row in rows {
            for column in columns {
                let edge = Int(values[row.edge * width + column.edge])
                let inner = Int(values[row.inner * width + column.inner])
                result.append(UInt8(max(0, min(255, 2 * edge - inner))))
            }
        }
        return BlockGrid(width: columns.count, height: rows.count, values: result)
    }

    /// Without a margin.
    func cropped(by margin: Int) -> BlockGrid {
        let (inner, lines) = (width - 2 * margin, height - 2 * margin)
        var kept: [UInt8] = []
        kept.reserveCapacity(inner * lines)
        for y in margin..<(margin + lines) {
            let start = y * width + margin
            kept += values[start..<(start + inner)]
        }
        return BlockGrid(width: inner, height: lines, values: kept)
    }

    /// Values for each pixel of a row, interpolated between the blocks' middles.
    ///
    /// - Parameter line: Room for one value per block of a row.
    func interpolate(row y: Int, line: inout [Float], to pixels: UnsafeMutableBufferPointer<Float>) {
        let position = max(0, (Float(y) + 0.5) / Float(Self.block) - 0.5)
        let first = min(Int(position), height - 1)
        let second = min(first + 1, height - 1)
        let share = position - Float(first)
        for x in 0..<width {
            let above = Float(values[first * width + x])
            line[x] = above + (Float(values[second * width + x]) - above) * share
        }
        for x in pixels.indices {
            let position = max(0, (Float(x) + 0.5) / Float(Self.block) - 0.5)
            let first = min(Int(position), width - 1)
            let here = line[first]
            pixels[x] = here + (line[min(first + 1, width - 1)] - here) * (position - Float(first))
        }
    }
}
