// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of an image with channels first, whose result has them first too. Windows are read where they stand: in the
/// image, or in a copy of a group's rows with borders around them, and with columns side by side that windows take in turn.
struct PlanarStep: Step {
    let output: Slot
    let input: Slot
    /// Offsets in the prepared weights: of the groups' packed filters one after the other, and of the biases.
    let weight: Int
    let bias: Int?
    let activation: Activation
    let geometry: WindowGeometry
    let groups: Int
    let outChannels: Int
    private let groupInputs: Int
    private let groupOutputs: Int
    /// Lines done at a time, and what is copied for the first of them; nil if windows are read in the image.
    private let stripLines: Int
    private let firstCopy: PlaneCopy?
    private let rowStep: Int
    /// Where each value of a window stands.
    private let places: [Int]

    init(
        output: Slot, input: Slot, weight: Int, bias: Int?, activation: Activation, geometry: WindowGeometry,
        groups: Int, outChannels: Int
    ) {
        self.output = output
        self.input = input
        self.weight = weight
        self.bias = bias
        self.activation = activation
        self.geometry = geometry
        self.groups = groups
        self.outChannels = outChannels
        groupInputs = geometry.channels / groups
        groupOutputs = outChannels / groups
        rowStep = geometry.rowStep
        stripLines = geometry.planarStripLines(inputs: groupInputs)
        let strip = 0..<min(stripLines, geometry.outputHeight)
        firstCopy = geometry.readsPlanesInPlace ? nil : geometry.planeCopy(of: strip, inputs: groupInputs)
        places = geometry.planarPlaces(inputs: groupInputs)
    }

    var scratchCount: Int { firstCopy.map { $0.planes * $0.planeStride } ?? 0 }

    func run(_ run: StepRun) {
        // Lines share rows of the copy, groups share nothing.
        let sharesGroups = groups >= 2 * run.parts
        let groups = sharesGroups ? run.share(of: groups) : 0..<groups
        if geometry.isPointwise {
            let pixels = geometry.outputHeight * geometry.outputWidth
            let share = sharesGroups ? 0..<pixels : run.share(of: pixels, granule: 64)
            for group in groups { convolvePixels(run, group, share) }
        } else {
            let height = geometry.outputHeight
            let lines = sharesGroups ? 0..<height : run.share(of: height)
            for group in groups { convolveLines(run, group, lines) }
        }
    }

    /// Windows of one pixel go on from line to line.
    private func convolvePixels(_ run: StepRun, _ group: Int, _ pixels: Range<Int>) {
        let first = group * groupInputs * geometry.inputHeight * geometry.inputWidth + pixels.lowerBound
        convolve(
            run, group, run.read(input) + first, firstPixel: pixels.lowerBound, lines: 1, width: pixels.count,
            inputLineStride: 0)
    }

    private func convolveLines(_ run: StepRun, _ group: Int, _ lines: Range<Int>) {
        let image = run.read(input) + group * groupInputs * geometry.inputHeight * geometry.inputWidth
        guard var copy = firstCopy else {
            let lineStride = geometry.strideHeight * geometry.inputWidth
            return convolve(
                run, group, image + lines.lowerBound * lineStride, lines: lines, inputLineStride: lineStride)
        }
        let lineStride = geometry.strideHeight / rowStep * copy.phases * copy.columns
        for first in stride(from: lines.lowerBound, to: lines.upperBound, by: stripLines) {
            let strip = first..<min(first + stripLines, lines.upperBound)
            copy.firstRow = first * geometry.strideHeight - geometry.padTop
            copy.rows = geometry.steppedRows(lines: strip.count, step: rowStep)
            run.kernels.planes.copy(run.scratch, image, copy)
            convolve(run, group, Input(run.scratch), lines: strip, inputLineStride: lineStride)
        }
    }

    private func convolve(_ run: StepRun, _ group: Int, _ source: Input, lines: Range<Int>, inputLineStride: Int) {
        convolve(
            run, group, source, firstPixel: lines.lowerBound * geometry.outputWidth, lines: lines.count,
            width: geometry.outputWidth, inputLineStride: inputLineStride)
    }

    private func convolve(
        _ run: StepRun, _ group: Int, _ source: Input, firstPixel: Int, lines: Int, width: Int, inputLineStride: Int
    ) {
        let plane = geometry.outputHeight * geometry.outputWidth
        let first = group * groupOutputs
        let shape = ConvolutionPlanes(
            lineCount: lines, linePixels: width, outChannels: groupOutputs, outputPlaneStride: plane,
            outputLineStride: geometry.outputWidth, inputLineStride: inputLineStride, depth: places.count)
        places.withUnsafeBufferPointer { places in
            guard let places = places.baseAddress else { return }
            run.kernels.planes.convolve(
                run.write(output) + first * plane + firstPixel, source,
                run.weights + weight + first * shape.depth, bias.map { run.weights + $0 + first }, activation, shape,
                places)
        }
    }
}
