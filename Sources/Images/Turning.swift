// SPDX-License-Identifier: MIT

/// One of the eight ways to lay a rectangle on itself: left and right exchanged or not, then quarter turns.
struct Turning: Equatable {
    /// Whether left and right are exchanged first.
    let isMirrored: Bool
    /// Quarter turns counter-clockwise after that, 0 to 3.
    let quarterTurnsCounterclockwise: Int

    /// Any number of turns is taken modulo 4.
    init(isMirrored: Bool = false, quarterTurnsCounterclockwise: Int) {
        self.isMirrored = isMirrored
        self.quarterTurnsCounterclockwise = quarterTurnsCounterclockwise & 3
    }

    /// What an orientation asks for, and after it `quarterTurnsCounterclockwise` more.
    init(_ orientation: EXIFOrientation, thenCounterclockwise quarterTurns: Int = 0) {
        self.init(
            isMirrored: orientation.isMirrored,
            quarterTurnsCounterclockwise: orientation.quarterTurnsCounterclockwise + (quarterTurns & 3))
    }

    var isIdentity: Bool { !isMirrored && quarterTurnsCounterclockwise == 0 }

    /// Whether width becomes height.
    var swapsSides: Bool { !quarterTurnsCounterclockwise.isMultiple(of: 2) }

    /// Copies pixels from where a walk over the source stands: it begins at a corner and takes one step for each pixel
    /// of a row of the result, and another for each row.
    ///
    /// - Parameters:
    ///   - input: Rows of the source without padding.
    ///   - output: As many bytes.
    ///   - width: Of the source, in pixels.
    ///   - height: Of the source.
    ///   - bytesPerPixel: At least 1.
    func copy(
        _ input: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>, width: Int, height: Int,
        bytesPerPixel: Int
    ) {
        precondition(input.count == output.count && input.count == width * height * bytesPerPixel)
        let walk = walk(width: width, height: height)
        let columnStep = (walk.perColumn.y * width + walk.perColumn.x) * bytesPerPixel
        let rowStep = (walk.perRow.y * width + walk.perRow.x) * bytesPerPixel
        let start = (walk.origin.y * width + walk.origin.x) * bytesPerPixel
        let (newWidth, newHeight) = swapsSides ? (height, width) : (width, height)
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        let copyTiles = { (pixelBytes: Int) in
            Self.copyTiles(
                source + start, target, width: newWidth, height: newHeight, columnStep: columnStep, rowStep: rowStep,
                bytesPerPixel: pixelBytes)
        }
        // A constant for the common sizes, so that the innermost loop is unrolled.
        switch bytesPerPixel {
        case 1: copyTiles(1)
        case 3: copyTiles(3)
        case 4: copyTiles(4)
        default: copyTiles(bytesPerPixel)
        }
    }

    /// Copies square tiles, so that both the rows read and the rows written stay in the cache.
    @inline(__always)
    private static func copyTiles(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, width: Int, height: Int, columnStep: Int,
        rowStep: Int, bytesPerPixel: Int
    ) {
        let side = 32
        for top in stride(from: 0, to: height, by: side) {
            for left in stride(from: 0, to: width, by: side) {
                for row in top..<min(top + side, height) {
                    var from = source + (row &* rowStep &+ left &* columnStep)
                    var to = target + (row &* width &+ left) &* bytesPerPixel
                    for _ in left..<min(left + side, width) {
                        for byte in 0..<bytesPerPixel { to[byte] = from[byte] }
                        to += bytesPerPixel
                        from += columnStep
                    }
                }
            }
        }
    }

    /// Where the result's first pixel comes from, and how the source position moves along rows and columns.
    private func walk(width: Int, height: Int) -> (origin: Step, perColumn: Step, perRow: Step) {
        let right = width - 1
        let bottom = height - 1
        var walk: (origin: Step, perColumn: Step, perRow: Step) =
            switch quarterTurnsCounterclockwise {
            case 1: ((right, 0), (0, 1), (-1, 0))
            case 2: ((right, bottom), (-1, 0), (0, -1))
            case 3: ((0, bottom), (0, -1), (1, 0))
            default: ((0, 0), (1, 0), (0, 1))
            }
        if isMirrored {
            walk.origin.x = right - walk.origin.x
            walk.perColumn.x.negate()
            walk.perRow.x.negate()
        }
        return walk
    }

    private typealias Step = (x: Int, y: Int)
}

extension Turning {
    /// Pixels in rows without padding, turned.
    ///
    /// - Precondition: There are `width * height * bytesPerPixel` bytes, at least one.
    func turned(_ pixels: [UInt8], width: Int, height: Int, bytesPerPixel: Int) -> [UInt8] {
        pixels.withUnsafeBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: input.count) { output, count in
                copy(
                    input, to: UnsafeMutableBufferPointer(rebasing: output[..<input.count]), width: width,
                    height: height, bytesPerPixel: bytesPerPixel)
                count = input.count
            }
        }
    }
}
