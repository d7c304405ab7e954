// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of an image with channels first, whose result has them first too, done for a few channels, or a group of
/// them, and some lines at a time: their planes are turned into a copy that lies in a cache, lanes along the channels, and
/// their result is turned back from there.
struct ChannelBlocksStep: Step {
    /// What is done with the copy.
    enum Kernel: CustomStringConvertible {
        /// One filter per channel, windows that the depthwise kernel is made for: it minds the borders itself.
        case depthwise
        /// One filter per channel, any window.
        case channelwise
        /// A matrix of each group's filters.
        case matrices(packedCount: Int)

        var description: String {
            switch self {
            case .depthwise: "depthwise"
            case .channelwise: "channelwise"
            case .matrices: "implicit gemm"
            }
        }
    }

    let output: Slot
    let input: Slot
    /// Offsets in the prepared weights: of the packed matrix of all channels, or of the groups' matrices one after the other,
    /// and of the biases.
    let weight: Int
    let bias: Int?
    let activation: Activation
    let geometry: WindowGeometry
    let groups: Int
    let outChannels: Int
    let kernel: Kernel

    private var groupInputs: Int { geometry.channels / groups }
    private var groupOutputs: Int { outChannels / groups }

    /// Groups of a block: single channels are as many as fill the widest vectors.
    private var blockGroups: Int {
        if case .matrices = kernel { 1 } else { 16 }
    }

    /// Lines done at a time: as many as keep a block's copy in L1 if its rows are short, in L2 else; all, if each row would
    /// be copied half as often again.
    private var stripLines: Int {
        let room =
            switch kernel {
            case .channelwise: 8192
            case .depthwise: 65536
            case .matrices(let packedCount): packedCount > 131072 ? 131072 : 65536
            }
        let lines = geometry.stripLines(
            rowFloats: copiedColumns * blockGroups * groupInputs, room: room, rowStep: rowStep)
        if case .matrices = kernel, copiedRows(lines: lines) * rowStep * 2 > lines * geometry.strideHeight * 3 {
            return geometry.outputHeight
        }
        return lines
    }

    private var hasBorders: Bool {
        if case .depthwise = kernel { false } else { true }
    }

    private var rowStep: Int { hasBorders ? geometry.rowStep : 1 }
    private var copiedColumns: Int { hasBorders ? geometry.spannedColumns : geometry.inputWidth }
    private func copiedRows(lines: Int) -> Int { (geometry.spannedRows(lines: lines) - 1) / rowStep + 1 }

    /// Floats of the copy, and on to a cache line's border.
    private var copyCount: Int {
        (copiedRows(lines: stripLines) * copiedColumns * blockGroups * groupInputs + 15) / 16 * 16
    }

    var scratchCount: Int { copyCount + stripLines * geometry.outputWidth * blockGroups * groupOutputs }

    func run(_ run: StepRun) {
        // Lines share rows of the copy, channels share nothing.
        let blocks = (groups + blockGroups - 1) / blockGroups
        let sharesBlocks = blocks >= 2 * run.parts
        let lines = sharesBlocks ? 0..<geometry.outputHeight : run.share(of: geometry.outputHeight)
        for block in sharesBlocks ? run.share(of: blocks) : 0..<blocks {
            let first = block * blockGroups
            for line in stride(from: lines.lowerBound, to: lines.upperBound, by: stripLines) {
                convolve(
                    run, groups: first..<min(first + blockGroups, groups),
                    lines: line..<min(line + stripLines, lines.upperBound))
            }
        }
    }

    private func convolve(_ run: StepRun, groups: Range<Int>, lines: Range<Int>) {
        var block = geometry
        block.channels = groups.count * groupInputs
        let image = run.read(input) + groups.lowerBound * groupInputs * geometry.inputHeight * geometry.inputWidth
        if hasBorders {
            convolveCopy(run, image, block, groups, lines)
        } else {
            convolveRows(run, image, block, groups, lines)
        }
        let (channel, outputs) = (groups.lowerBound * groupOutputs, groups.count * groupOutputs)
        let plane = geometry.outputHeight * geometry.outputWidth
        run.kernels.transpose(
            run.write(output) + channel * plane + lines.lowerBound * geometry.outputWidth, plane,
            Input(run.scratch + copyCount), outputs, lines.count * geometry.outputWidth, outputs)
    }

    /// By the kernel that minds the borders itself: the copy holds rows of the image.
    private func convolveRows(
        _ run: StepRun, _ image: Input, _ block: WindowGeometry, _ channels: Range<Int>, _ lines: Range<Int>
    ) {
        let first = lines.lowerBound * block.strideHeight - block.padTop
        let end = min(block.inputHeight, first + block.spannedRows(lines: lines.count))
        let rows = max(0, first)..<max(0, first, end)
        run.kernels.planes.turn(run.scratch, image, block, rows.lowerBound, rows.count, 1, 0, block.inputWidth)
        run.kernels.depthwiseConv2d(
            run.scratch + copyCount - lines.lowerBound * block.outputWidth * block.channels, block.channels, nil,
            Input(run.scratch) - rows.lowerBound * block.inputWidth * block.channels, block.channels,
            run.weights + weight + channels.lowerBound * block.kernelHeight * block.kernelWidth,
            bias.map { run.weights + $0 + channels.lowerBound }, activation, block, lines.lowerBound, lines.count)
    }

    /// The copy has borders around it.
    private func convolveCopy(
        _ run: StepRun, _ image: Input, _ block: WindowGeometry, _ groups: Range<Int>, _ lines: Range<Int>
    ) {
        run.kernels.planes.turn(
            run.scratch, image, block, lines.lowerBound * block.strideHeight - block.padTop,
            copiedRows(lines: lines.count), rowStep, -block.padLeft, copiedColumns)
        let shape = shape(of: lines, inputs: block.channels, outputs: groups.count * groupOutputs)
        let bias = bias.map { run.weights + $0 + groups.lowerBound * groupOutputs }
        let buffer = run.scratch + copyCount
        if case .matrices(let packedCount) = kernel {
            run.kernels.convolveLines(
                buffer, Input(run.scratch), run.weights + weight + groups.lowerBound * packedCount, bias, nil,
                activation, shape)
        } else {
            run.kernels.convolveChannels(
                buffer, Input(run.scratch), run.weights + weight + groups.lowerBound * shape.depth, bias, nil,
                activation, shape)
        }
    }

    private func shape(of lines: Range<Int>, inputs: Int, outputs: Int) -> ConvolutionLines {
        let rowFloats = copiedColumns * inputs
        // A group's pixels side by side are one run.
        let isDense = blockGroups == 1 && geometry.dilationWidth == 1
        return ConvolutionLines(
            lineCount: lines.count, linePixels: geometry.outputWidth, outChannels: outputs, outputStride: outputs,
            outputLineStride: geometry.outputWidth * outputs, inputStride: geometry.strideWidth * inputs,
            inputLineStride: geometry.strideHeight / rowStep * rowFloats, windowRows: geometry.kernelHeight,
            windowRowStride: geometry.dilationHeight / rowStep * rowFloats,
            windowTaps: isDense ? 1 : geometry.kernelWidth, windowTapStride: geometry.dilationWidth * inputs,
            tapLength: (isDense ? geometry.kernelWidth : 1) * groupInputs,
            rows: geometry.rowsOfLines(from: lines.lowerBound))
    }
}
