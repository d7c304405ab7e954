// SPDX-License-Identifier: MIT

import Kernels

/// An NHWC image enlarged or made smaller: each output row and column is a mixture of some of the input's.
struct ResizeStep: Step {
    /// Along one axis: for each output place the input places that it is made of, and their weights.
    struct Axis: Sendable {
        private(set) var ends: [Int] = []
        private(set) var indices: [Int] = []
        private(set) var weights: [Float] = []

        init() {}

        var count: Int { ends.count }

        /// Adds an output place.
        mutating func append(_ taps: [(index: Int, weight: Float)]) {
            indices += taps.map(\.index)
            weights += taps.map(\.weight)
            ends.append(indices.count)
        }

        /// Which of the taps are an output place's.
        func taps(_ place: Int) -> Range<Int> { (place == 0 ? 0 : ends[place - 1])..<ends[place] }

        /// From the first to the last input place that some output places are made of.
        func places(of outputs: Range<Int>) -> Range<Int> {
            guard let first = outputs.first, let last = outputs.last else { return 0..<0 }
            let used = indices[taps(first).lowerBound..<taps(last).upperBound]
            return used.min().map { $0..<(used.max() ?? $0) + 1 } ?? 0..<0
        }
    }

    let output: Slot
    let input: Slot
    let channels: Int
    let inputWidth: Int
    let vertical: Axis
    let horizontal: Axis

    func run(_ run: StepRun) {
        let (source, target) = (run.read(input), run.write(output))
        for y in run.share(of: vertical.count) {
            for x in 0..<horizontal.count {
                let pixel = target + (y * horizontal.count + x) * channels
                var isFirst = true
                for row in vertical.taps(y) {
                    let line = source + vertical.indices[row] * inputWidth * channels
                    for column in horizontal.taps(x) {
                        let value = line + horizontal.indices[column] * channels
                        mix(pixel, value, vertical.weights[row] * horizontal.weights[column], isFirst: isFirst)
                        isFirst = false
                    }
                }
            }
        }
    }

    @inline(__always)
    private func mix(_ pixel: Output, _ value: Input, _ weight: Float, isFirst: Bool) {
        if isFirst {
            for channel in 0..<channels { pixel[channel] = weight * value[channel] }
        } else {
            for channel in 0..<channels { pixel[channel] += weight * value[channel] }
        }
    }
}
