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

    private let groupInputs: Int
    private let groupOutputs: Int
    /// Groups of a block: single channels are as many as fill the widest vectors.
    private let blockGroups: Int
    /// Whether the copy has borders around it: the depthwise kernel minds them itself.
    private let hasBorders: Bool
    private let rowStep: Int
    private let copiedColumns: Int
    /// Lines done at a time.
    private let stripLines: Int
    /// Floats of the copy, and on to a cache line's border.
    private let copyCount: Int

    init(
        output: Slot, input: Slot, weight: Int, bias: Int?, activation: Activation, geometry: WindowGeometry,
        groups: Int, outChannels: Int, kernel: Kernel
    ) {
        self.output = output
        self.input = input
        self.weight = weight
        self.bias = bias
        self.activation = activation
        self.geometry = geometry
        self.groups = groups
        self.outChannels = outChannels
        self.kernel = kernel
        groupInputs = geometry.channels / groups
        groupOutputs = outChannels / groups
        // Floats that a strip of the copy may take: in L1 if its rows are short, in L2 else.
        let room: Int
        switch kernel {
        case .depthwise: (hasBorders, blockGroups, room) = (false, 16, 65536)
        case .channelwise: (hasBorders, blockGroups, room) = (true, 16, 8192)
        case .matrices(let packedCount):
            (hasBorders, blockGroups, room) = (true, 1, packedCount > 131072 ? 131072 : 65536)
        }
        rowStep = hasBorders ? geometry.rowStep : 1
        copiedColumns = hasBorders ? geometry.spannedColumns : geometry.inputWidth
        let rowFloats = copiedColumns * blockGroups * groupInputs
        let lines = geometry.stripLines(rowFloats: rowFloats, room: room, rowStep: rowStep)
        // All lines, if each row would be copied half as often again.
        let isRepeated = geometry.spannedRows(lines: lines) * 2 > lines * geometry.strideHeight * 3
        stripLines = blockGroups == 1 && isRepeated ? geometry.outputHeight : lines
        copyCount = (geometry.steppedRows(lines: stripLines, step: rowStep) * rowFloats + 15) / 16 * 16
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
            geometry.steppedRows(lines: lines.count, step: rowStep), rowStep, -block.padLeft, copiedColumns)
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
