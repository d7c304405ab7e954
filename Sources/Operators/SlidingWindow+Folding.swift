// SPDX-License-Identifier: MIT

import Graphs
import Tensors

extension SlidingWindow {
    /// Places in the window; nil if they are more than a filter is made for.
    private var tapCount: Int? {
        kernel.reduce(1 as Int?) { product, size in
            guard let product, (1...(1 << 10)).contains(size), product * size <= 1 << 10 else { return nil }
            return product * size
        }
    }

    /// For each channel and each place of the window a filter that is 1 there and 0 elsewhere: a convolution in as many groups as channels
    /// lays windows side by side (`torch.nn.Unfold`), its transposed one adds them up where they came from (`torch.nn.Fold`).
    ///
    /// Shape: [C * places, 1, kernel...].
    ///
    /// - Returns: nil if they would take more than some megabytes.
    package func pickingFilters(channels: Int, as type: ElementType) throws -> Tensor? {
        guard let taps = tapCount, (0...(1 << 16)).contains(channels), channels * taps * taps <= 1 << 22 else {
            return nil
        }
        let one = (0..<(taps * taps)).map { $0 % (taps + 1) == 0 ? 1.0 : 0 }
        return try Tensor(
            (0..<channels).flatMap { _ in one }, as: type, shape: Shape([channels * taps, 1] + kernel))
    }

    /// Columns [N, C * places, L] as an image: how many channels it has, where the window stands, and what a transposed convolution
    /// adds behind the last window to reach the image's sizes.
    ///
    /// - Returns: nil if columns of that shape do not come from such an image.
    package func folding(
        _ columns: Shape, to sizes: [Int], of op: some Operator
    ) throws -> (channels: Int, places: [Int], padding: [Int])? {
        guard let taps = tapCount, columns.rank == 3, columns[1] % taps == 0 else { return nil }
        let places = try outputSizes(sizes, of: op)
        guard places.reduce(1, saturatingProduct) == columns[2] else { return nil }
        let padding = sizes.indices.map { axis in
            sizes[axis] + before[axis] + after[axis] - (places[axis] - 1) * strides[axis]
                - (kernel[axis] - 1) * dilations[axis] - 1
        }
        return (columns[1] / taps, places, padding)
    }
}
