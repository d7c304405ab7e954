// SPDX-License-Identifier: MIT

/// Pointer to quantised activations: unsigned integers of eight bits.
public typealias Bytes = UnsafePointer<UInt8>

/// What becomes of integer sums before they are written.
///
/// Column c of a sum becomes v = Float(sum + bias[c]) * multiplier[c], to which a residual r adds (Float(r - residualZero)) *
/// residualMultiplier; v is then held between `low` and `high`, and written as round(v) + zero, halves to the even integer, or as the
/// Float that it is. Every operation is rounded by itself, in this order, so that the bits are the same at every level.
public struct Requantization {
    /// A value for each column, padded to whole panels, or to whole blocks where the convolution is depthwise.
    public var bias: UnsafePointer<Int32>
    /// A factor for each column, padded likewise: finite.
    public var multiplier: UnsafePointer<Float>
    /// A value for each of the output's, its rows `residualStride` apart; nil for none.
    public var residual: Bytes?
    /// The distance of the residual's rows.
    public var residualStride: Int
    /// The residual's zero point.
    public var residualZero: Int32
    /// What a step of the residual is in steps of the output.
    public var residualMultiplier: Float
    /// The least v; within -2^22 ... 2^22 where the output is of integers.
    public var low: Float
    /// The largest v, within the same.
    public var high: Float
    /// The output's zero point.
    public var zero: Int32
    /// 256 values, of which each output picks one in the end; nil for none.
    public var table: Bytes?

    /// Describes what becomes of sums.
    @inlinable
    public init(
        bias: UnsafePointer<Int32>, multiplier: UnsafePointer<Float>, low: Float, high: Float, zero: Int32,
        residual: Bytes? = nil, residualStride: Int = 0, residualZero: Int32 = 0, residualMultiplier: Float = 0,
        table: Bytes? = nil
    ) {
        self.bias = bias
        self.multiplier = multiplier
        self.residual = residual
        self.residualStride = residualStride
        self.residualZero = residualZero
        self.residualMultiplier = residualMultiplier
        self.low = low
        self.high = high
        self.zero = zero
        self.table = table
    }
}

/// Where the outputs of a kernel go: integers, or Floats that nothing quantises.
public enum Int8Output {
    case bytes(UnsafeMutablePointer<UInt8>)
    case floats(UnsafeMutablePointer<Float>)
}

/// How the words of a row's window stand in the input: as a single run of them, or as runs by rows and columns. Distances in bytes.
public struct Int8Window {
    /// Rows of runs.
    public var rows: Int
    /// Runs in each row.
    public var columns: Int
    /// Words of a run.
    public var words: Int
    /// The distance of the rows.
    public var rowStride: Int
    /// The distance of the runs in a row.
    public var columnStride: Int

    /// Describes a window; a single run of `words` if nothing else is told.
    @inlinable
    public init(words: Int, rows: Int = 1, rowStride: Int = 0, columns: Int = 1, columnStride: Int = 0) {
        self.rows = rows
        self.columns = columns
        self.words = words
        self.rowStride = rowStride
        self.columnStride = columnStride
    }

    /// Words of a whole window.
    @inlinable public var wordCount: Int { rows * columns * words }
}

/// A product of matrices whose rows are windows on an input: output[line, row, n] = requantised(window(line, row) · weights[k, n]).
public struct Int8GemmCall {
    /// Where the first row's first column goes.
    public var output: Int8Output
    /// The distance of the output's rows, in values.
    public var outputStride: Int
    /// Where the first row's window begins in the input, as `Int8Kernels.expand` writes it. Up to three bytes behind a run are read: they
    /// meet weights that are zero.
    public var input: UnsafeRawPointer
    /// How a row's window stands in the input.
    public var window: Int8Window
    /// The distance of the rows' windows in a line, in bytes.
    public var rowStride: Int
    /// Rows in a line.
    public var rows: Int
    /// The distance of the lines' first windows, in bytes.
    public var lineStride: Int
    /// Lines. Their outputs follow each other.
    public var lines: Int
    /// The matrix as `Int8Kernels.pack` writes it, with the window's runs.
    public var packed: UnsafePointer<Int32>
    /// Columns.
    public var n: Int
    /// What becomes of the sums.
    public var requantization: Requantization

    /// Describes a product.
    @inlinable
    public init(
        output: Int8Output, outputStride: Int, input: UnsafeRawPointer, window: Int8Window, rowStride: Int, rows: Int,
        lineStride: Int = 0, lines: Int = 1, packed: UnsafePointer<Int32>, n: Int, requantization: Requantization
    ) {
        self.output = output
        self.outputStride = outputStride
        self.input = input
        self.window = window
        self.rowStride = rowStride
        self.rows = rows
        self.lineStride = lineStride
        self.lines = lines
        self.packed = packed
        self.n = n
        self.requantization = requantization
    }
}

/// Some pixels of a depthwise convolution, side by side in a row of the output.
public struct Int8DepthwiseCall {
    /// Where the first pixel's first channel goes.
    public var output: Int8Output
    /// Where each tap of the first pixel's window stands: [taps]. Those beyond the image stand in as many zero points as the pixels span.
    public var taps: UnsafePointer<Bytes>
    /// Taps of a window.
    public var tapCount: Int
    /// Pixels of the output.
    public var pixels: Int
    /// How much further each tap of the next pixel stands, in bytes.
    public var pixelStride: Int
    /// Channels of a pixel.
    public var channels: Int
    /// The filters as `Int8Kernels.packDepthwise` writes them.
    public var packed: UnsafePointer<Int32>
    /// What becomes of the sums.
    public var requantization: Requantization

    /// Describes some pixels.
    @inlinable
    public init(
        output: Int8Output, taps: UnsafePointer<Bytes>, tapCount: Int, pixels: Int, pixelStride: Int, channels: Int,
        packed: UnsafePointer<Int32>, requantization: Requantization
    ) {
        self.output = output
        self.taps = taps
        self.tapCount = tapCount
        self.pixels = pixels
        self.pixelStride = pixelStride
        self.channels = channels
        self.packed = packed
        self.requantization = requantization
    }
}

/// One side of a function of two quantised values.
public struct Int8Operand {
    /// The first value.
    public var values: Bytes
    /// What stands for zero.
    public var zero: Int32
    /// What a step is in steps of the output.
    public var multiplier: Float

    /// Describes a side.
    @inlinable
    public init(_ values: Bytes, zero: Int32, multiplier: Float) {
        self.values = values
        self.zero = zero
        self.multiplier = multiplier
    }
}

/// Bounds and zero point of an output of integers.
public struct Int8Range: Sendable, Equatable {
    /// The least number of steps, before the zero point is added.
    public var low: Float
    /// The largest number of steps.
    public var high: Float
    /// What stands for zero.
    public var zero: Int32

    /// Describes a range.
    @inlinable
    public init(low: Float, high: Float, zero: Int32) {
        self.low = low
        self.high = high
        self.zero = zero
    }
}

/// Networks of 8-bit integers: unsigned activations with a zero point for each tensor, signed weights, sums of 32 bits.
///
/// Sums are exact as long as they fit into 32 bits, which the caller sees to, and all that follows is one rounded operation after the
/// other: so the bits are the same at every level. The contracts of ``KernelTable`` hold.
///
/// A class, because the kernels of Floats hand it on: to copy a struct as large they would each bring a function of one name, compiled
/// for other instructions.
public final class Int8Kernels: Sendable {
    /// The instructions that they were compiled for: `portable`, `avx2`, `avx512vnni`, `avx512vbmi`.
    public let name: String
    /// Columns in one panel of a packed matrix.
    public let panelWidth: Int
    /// Columns, or channels of a depthwise convolution, whose sums become bytes together.
    public let blockLength: Int
    /// Depths that are multiplied together: a word of 32 bits.
    public let depthsInWord: Int
    /// Rows that a product does at a time.
    public let tileRows: Int

    /// Packs a matrix [n, runs, length] of weights: whole blocks of columns, then panels, in which each run takes whole words. A block
    /// takes `blockLength` times the words of all runs, a panel `panelWidth` times.
    public let pack:
        @Sendable (
            _ packed: UnsafeMutablePointer<Int32>, _ weight: UnsafePointer<Int8>, _ n: Int, _ runs: Int, _ length: Int
        ) -> Void

    /// output[row] = a run of `length` bytes as words, each depth in `valueBytes`, the last word padded by zeros; rows are `outputStride`
    /// and `inputStride` bytes apart, and may stand at any address.
    public let expand:
        @Sendable (
            _ output: UnsafeMutableRawPointer, _ outputStride: Int, _ input: Bytes, _ inputStride: Int, _ rows: Int,
            _ length: Int
        ) -> Void

    /// Computes a product. Rows and columns may be split at will, columns at multiples of
    /// `columnGranule(of:)`.
    public let multiply: @Sendable (_ call: Int8GemmCall) -> Void

    /// Packs filters [channels, taps]: blocks of channels, in which the taps take whole words. A block takes `blockLength` times the
    /// words of all taps.
    public let packDepthwise:
        @Sendable (
            _ packed: UnsafeMutablePointer<Int32>, _ weight: UnsafePointer<Int8>, _ channels: Int, _ taps: Int
        ) -> Void

    /// Convolves with one filter per channel.
    public let depthwise: @Sendable (_ call: Int8DepthwiseCall) -> Void

    /// output[i] = round(hold((a[i] - a.zero) * a.multiplier + (b[i] - b.zero) * b.multiplier)) + zero. Works in place.
    public let add:
        @Sendable (
            _ output: UnsafeMutablePointer<UInt8>, _ a: Int8Operand, _ b: Int8Operand, _ range: Int8Range, _ count: Int
        ) -> Void

    /// output[r, c] = round(hold(Float((a[r, c] - a.zero) * (b[c] - b.zero)) * a.multiplier)) + zero: b has a value for each column, or,
    /// where `rows` is 1, for each value. Works in place.
    public let scale:
        @Sendable (
            _ output: UnsafeMutablePointer<UInt8>, _ a: Int8Operand, _ b: Int8Operand, _ range: Int8Range, _ rows: Int,
            _ columns: Int
        ) -> Void

    /// output[i] = table[input[i]]. Works in place.
    public let lookUp:
        @Sendable (_ output: UnsafeMutablePointer<UInt8>, _ input: Bytes, _ table: Bytes, _ count: Int) -> Void

    /// output[i] = round(hold(input[i] / scale)) + zero; NaN becomes the zero point.
    public let quantize:
        @Sendable (
            _ output: UnsafeMutablePointer<UInt8>, _ input: Input, _ scale: Float, _ range: Int8Range, _ count: Int
        ) -> Void

    /// output[i] = (input[i] - zero) * scale.
    public let dequantize:
        @Sendable (_ output: Output, _ input: Bytes, _ scale: Float, _ zero: Int32, _ count: Int) -> Void

    /// The largest value of each window; padding never wins. Writes the output's rows `rows`.
    public let maxPool:
        @Sendable (
            _ output: UnsafeMutablePointer<UInt8>, _ input: Bytes, _ geometry: WindowGeometry, _ rows: Range<Int>
        ) -> Void

    /// The mean of each window: with n values in it, round(hold(Float(Σ (x - input.zero)) * (multiplier / n))) + zero. n counts places
    /// in the padded image if `countIncludePad`, else values. Writes the output's rows `rows`.
    public let averagePool:
        @Sendable (
            _ output: UnsafeMutablePointer<UInt8>, _ input: Int8Operand, _ geometry: WindowGeometry,
            _ countIncludePad: Bool, _ range: Int8Range, _ rows: Range<Int>
        ) -> Void

    /// Gathers the kernels of one level.
    public init(
        name: String, panelWidth: Int, blockLength: Int, depthsInWord: Int, tileRows: Int,
        pack: @escaping @Sendable (UnsafeMutablePointer<Int32>, UnsafePointer<Int8>, Int, Int, Int) -> Void,
        expand: @escaping @Sendable (UnsafeMutableRawPointer, Int, Bytes, Int, Int, Int) -> Void,
        multiply: @escaping @Sendable (Int8GemmCall) -> Void,
        packDepthwise: @escaping @Sendable (UnsafeMutablePointer<Int32>, UnsafePointer<Int8>, Int, Int) -> Void,
        depthwise: @escaping @Sendable (Int8DepthwiseCall) -> Void,
        add: @escaping @Sendable (UnsafeMutablePointer<UInt8>, Int8Operand, Int8Operand, Int8Range, Int) -> Void,
        scale: @escaping @Sendable (UnsafeMutablePointer<UInt8>, Int8Operand, Int8Operand, Int8Range, Int, Int) -> Void,
        lookUp: @escaping @Sendable (UnsafeMutablePointer<UInt8>, Bytes, Bytes, Int) -> Void,
        quantize: @escaping @Sendable (UnsafeMutablePointer<UInt8>, Input, Float, Int8Range, Int) -> Void,
        dequantize: @escaping @Sendable (Output, Bytes, Float, Int32, Int) -> Void,
        maxPool: @escaping @Sendable (UnsafeMutablePointer<UInt8>, Bytes, WindowGeometry, Range<Int>) -> Void,
        averagePool:
            @escaping @Sendable (
                UnsafeMutablePointer<UInt8>, Int8Operand, WindowGeometry, Bool, Int8Range, Range<Int>
            ) -> Void
    ) {
        self.name = name
        self.panelWidth = panelWidth
        self.blockLength = blockLength
        self.depthsInWord = depthsInWord
        self.tileRows = tileRows
        self.pack = pack
        self.expand = expand
        self.multiply = multiply
        self.packDepthwise = packDepthwise
        self.depthwise = depthwise
        self.add = add
        self.scale = scale
        self.lookUp = lookUp
        self.quantize = quantize
        self.dequantize = dequantize
        self.maxPool = maxPool
        self.averagePool = averagePool
    }
}

extension Int8Kernels {
    /// Words that a run of bytes takes.
    @inlinable
    public func words(_ length: Int) -> Int { (length + depthsInWord - 1) / depthsInWord }

    /// Bytes that a depth takes in words.
    @inlinable public var valueBytes: Int { 4 / depthsInWord }

    /// Whether runs of `length` bytes are whole words as they stand: then nothing need be written anew.
    @inlinable
    public func areWords(_ length: Int) -> Bool { depthsInWord == 4 && length % 4 == 0 }

    /// `count` values in whole panels.
    @inlinable
    public func padded(_ count: Int) -> Int { (count + panelWidth - 1) / panelWidth * panelWidth }

    /// What a product's columns may be split at.
    @inlinable
    public func columnGranule(of n: Int) -> Int { n < blockLength ? panelWidth : blockLength }

    /// Words that a packed matrix of `n` columns takes, each of `runs` runs of `length` depths.
    @inlinable
    public func packedWords(_ n: Int, runs: Int, length: Int) -> Int { padded(n) * runs * words(length) }

    /// `count` channels in whole blocks: what the numbers of a depthwise requantisation are padded to.
    @inlinable
    public func paddedToBlocks(_ count: Int) -> Int { (count + blockLength - 1) / blockLength * blockLength }

    /// Words that packed depthwise filters take.
    @inlinable
    public func packedDepthwiseWords(_ channels: Int, taps: Int) -> Int { paddedToBlocks(channels) * words(taps) }
}
