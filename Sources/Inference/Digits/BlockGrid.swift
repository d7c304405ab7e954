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
        var maxima = [UInt8](repeating: 0, count: columns * rows)
        Self.joinLines(of: pixels, width: width, height: height, from: UInt8(0), { max($0, $1) }) { row, _, largest in
            for x in 0..<width {
                let place = row * columns + x / Self.block
                maxima[place] = max(maxima[place], largest[x])
            }
        }
        self.init(width: columns, height: rows, values: maxima)
    }

    /// Joins the lines of each row of blocks to one, pixel by pixel: loops of which the compiler makes vectors.
    ///
    /// - Parameters:
    ///   - start: What the first line is joined to.
    ///   - take: Is called with the row, how many lines it has, and what they make.
    @inline(__always)
    static func joinLines<Value>(
        of pixels: [UInt8], width: Int, height: Int, from start: Value, _ join: (Value, UInt8) -> Value,
        _ take: (_ row: Int, _ lines: Int, _ joined: UnsafeMutableBufferPointer<Value>) -> Void
    ) {
        var joined = [Value](repeating: start, count: width)
        joined.withUnsafeMutableBufferPointer { joined in
            pixels.withUnsafeBufferPointer { pixels in
                for first in stride(from: 0, to: height, by: block) {
                    let lines = first..<min(first + block, height)
                    joined.update(repeating: start)
                    for y in lines {
                        let line = UnsafeBufferPointer(rebasing: pixels[(y * width)..<((y + 1) * width)])
                        for x in 0..<width { joined[x] = join(joined[x], line[x]) }
                    }
                    take(first / block, lines.count, joined)
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
        guard radius > 0 else { return }
        // Along the rows, with a margin of zeros on both sides; then along the columns, likewise.
        let padded = width + 2 * radius
        var plane = [UInt8](repeating: 0, count: padded * height)
        for y in 0..<height { Self.copy(width, of: values, at: y * width, to: &plane, at: y * padded + radius) }
        Self.takeMaxima(of: 2 * radius + 1, step: 1, in: &plane)
        var columns = [UInt8](repeating: 0, count: width * (height + 2 * radius))
        for y in 0..<height { Self.copy(width, of: plane, at: y * padded, to: &columns, at: (y + radius) * width) }
        Self.takeMaxima(of: 2 * radius + 1, step: width, in: &columns)
        columns.removeLast(2 * radius * width)
        values = columns
    }

    /// Replaces each value by the smallest in the square of `radius` blocks around it.
    mutating func erode(by radius: Int) {
        for index in values.indices { values[index] = ~values[index] }
        dilate(by: radius)
        for index in values.indices { values[index] = ~values[index] }
    }

    private static func copy(_ count: Int, of values: [UInt8], at start: Int, to others: inout [UInt8], at place: Int) {
        others.replaceSubrange(place..<(place + count), with: values[start..<(start + count)])
    }

    /// Replaces each value by the largest of itself and the `count` - 1 that follow at distances of `step`; the last ones, that
    /// less than these follow, are of no use.
    private static func takeMaxima(of count: Int, step: Int, in values: inout [UInt8]) {
        // Maxima of windows of 1, 2, 4, ... values, each of two of the ones before; the last two may overlap.
        var other = values
        var length = 1
        while length < count {
            let shift = min(length, count - length)
            let inner = max(0, values.count - shift * step)
            values.withUnsafeBufferPointer { values in
                other.withUnsafeMutableBufferPointer { other in
                    // With an index of its own each, so that the compiler makes vectors of the loop.
                    let last = UnsafeBufferPointer(rebasing: values[(values.count - inner)...])
                    for index in 0..<inner { other[index] = max(values[index], last[index]) }
                }
            }
            swap(&values, &other)
            length += shift
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

    /// Where each of `count` lines of pixels lies between the middles of `blocks` rows of blocks: the one before it, the one after it,
    /// and its distance from the first as a share.
    static func places(of count: Int, blocks: Int) -> [(first: Int, second: Int, share: Float)] {
        (0..<count).map { pixel in
            let position = max(0, (Float(pixel) + 0.5) / Float(block) - 0.5)
            let first = min(Int(position), blocks - 1)
            return (first, min(first + 1, blocks - 1), position - Float(first))
        }
    }

    /// Values for each pixel of a row, interpolated between the blocks' middles.
    ///
    /// - Parameters:
    ///   - row: The row's place.
    ///   - line: Room for one value per block of a row.
    func interpolate(
        row: (first: Int, second: Int, share: Float), line: UnsafeMutableBufferPointer<Float>,
        to pixels: UnsafeMutableBufferPointer<Float>
    ) {
        values.withUnsafeBufferPointer { values in
            for x in 0..<width {
                let above = Float(values[row.first * width + x])
                line[x] = above + (Float(values[row.second * width + x]) - above) * row.share
            }
        }
        guard let base = pixels.baseAddress else { return }
        // Outside the middles of the first and of the last block there is nothing to interpolate.
        let half = Self.block / 2
        for x in 0..<min(half, pixels.count) { pixels[x] = line[0] }
        for x in min(half + (width - 1) * Self.block, pixels.count)..<pixels.count { pixels[x] = line[width - 1] }
        for block in 0..<(width - 1) {
            let (here, first) = (line[block], half + block * Self.block)
            let step = line[block + 1] - here
            func pixel(_ index: Int) -> Float { here + step * (Float(2 * index + 1) / Float(2 * Self.block)) }
            if first + Self.block <= pixels.count {
                for index in 0..<Self.block { base[first + index] = pixel(index) }
            } else {
                for index in 0..<(pixels.count - first) { base[first + index] = pixel(index) }
            }
        }
    }
}
