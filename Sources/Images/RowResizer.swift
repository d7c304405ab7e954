// SPDX-License-Identifier: MIT

/// Resizes a picture whose rows come one after the other, without holding them: bit for bit what `Image.resized` gives.
///
/// Where the height shrinks first, each row is added to the sums of the output rows that it counts for, two or three at a
/// time; else it is resized as it comes, and the narrow rows are kept until the height's turn.
struct RowResizer {
    private let source: (width: Int, height: Int)
    private let target: (width: Int, height: Int)
    private let format: PixelFormat
    private let shrinksHeightFirst: Bool
    private let filter: ResizeFilter
    private let columns: ResizeWeights?
    /// Rows of the target's width: those of the result, or of the source's height.
    private var narrow: [UInt8] = []
    private var row = 0
    /// The output rows that are being summed, the first one first.
    private var open: [OpenRow] = []
    private var nextOutput = 0

    private struct OpenRow {
        let start: Int
        let weights: [Int32]
        var sums: [Int32]
    }

    /// - Parameter format: One without alpha.
    init(
        from source: (width: Int, height: Int), to target: (width: Int, height: Int), format: PixelFormat,
        filter: ResizeFilter = .bilinear, passOrder: ResizePassOrder = .pillow13
    ) {
        precondition(!format.hasAlpha, "alpha would have to be multiplied first")
        self.source = source
        self.target = target
        self.format = format
        self.filter = filter
        shrinksHeightFirst = passOrder.resizesHeightFirst(from: source, to: target)
        columns =
            source.width == target.width
            ? nil : ResizeWeights(from: source.width, to: target.width, filter: filter)
    }

    /// Takes the next row, of the source's width.
    mutating func append(_ pixels: UnsafeBufferPointer<UInt8>) {
        precondition(pixels.count == source.width * format.channels && row < source.height, "no row of this picture")
        if shrinksHeightFirst {
            add(pixels)
        } else {
            appendNarrow(pixels)
        }
        row += 1
    }

    /// The result, after the last row.
    consuming func finish() -> Image {
        precondition(row == source.height, "rows are missing")
        let height = shrinksHeightFirst ? target.height : source.height
        let rows = narrow
        let image = Image(width: target.width, height: height, format: format) { output in
            _ = output.update(fromContentsOf: rows)
        }
        return shrinksHeightFirst ? image : image.resizedVertically(to: target.height, filter)
    }

    private mutating func appendNarrow(_ pixels: UnsafeBufferPointer<UInt8>) {
        guard let columns, let from = pixels.baseAddress else { return narrow.append(contentsOf: pixels) }
        let first = narrow.count
        narrow.append(contentsOf: repeatElement(0, count: target.width * format.channels))
        narrow.withUnsafeMutableBufferPointer { buffer in
            guard let to = buffer.baseAddress.map({ $0 + first }) else { return }
            if format == .gray8 {
                ResizePass.resizeRow1(from, to, columns)
            } else {
                ResizePass.resizeRow3(from, to, columns)
            }
        }
    }

    private mutating func add(_ pixels: UnsafeBufferPointer<UInt8>) {
        while nextOutput < target.height {
            let window = ResizeWeights.window(of: nextOutput, from: source.height, to: target.height, filter: filter)
            if window.start > row { break }
            open.append(
                OpenRow(
                    start: window.start, weights: window.weights,
                    sums: [Int32](repeating: ResizePass.half, count: pixels.count)))
            nextOutput += 1
        }
        for index in open.indices where row - open[index].start < open[index].weights.count {
            let weight = open[index].weights[row - open[index].start]
            open[index].sums.withUnsafeMutableBufferPointer { sums in
                for column in 0..<pixels.count { sums[column] &+= Int32(pixels[column]) &* weight }
            }
        }
        while let first = open.first, row >= first.start + first.weights.count - 1 {
            let summed = first.sums.map(ResizePass.sample)
            open.removeFirst()
            summed.withUnsafeBufferPointer { appendNarrow($0) }
        }
    }
}
