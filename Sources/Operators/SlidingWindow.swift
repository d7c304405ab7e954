// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A window that slides over spatial axes: what convolutions and pooling have in common.
public struct SlidingWindow: Sendable, Equatable {
    /// Sizes of the window.
    public var kernel: [Int]
    /// From one window to the next.
    public var strides: [Int]
    /// From one row of the window to the next.
    public var dilations: [Int]
    /// Elements imagined before the image.
    public var before: [Int]
    /// Elements imagined behind the image.
    public var after: [Int]
    /// Whether a last window that begins inside the image, or the padding before it, counts though it reaches beyond.
    public var ceilMode: Bool

    /// Describes a window; what is left out is 1, or 0 for the padding.
    public init(
        kernel: [Int], strides: [Int]? = nil, dilations: [Int]? = nil, before: [Int]? = nil, after: [Int]? = nil,
        ceilMode: Bool = false
    ) {
        self.kernel = kernel
        self.strides = strides ?? kernel.map { _ in 1 }
        self.dilations = dilations ?? kernel.map { _ in 1 }
        self.before = before ?? kernel.map { _ in 0 }
        self.after = after ?? kernel.map { _ in 0 }
        self.ceilMode = ceilMode
    }

    var attributes: [(name: String, value: String)] {
        var result = [("kernel", "\(kernel)")]
        if strides.contains(where: { $0 != 1 }) { result.append(("strides", "\(strides)")) }
        if dilations.contains(where: { $0 != 1 }) { result.append(("dilations", "\(dilations)")) }
        if (before + after).contains(where: { $0 != 0 }) { result.append(("pads", "\(before + after)")) }
        if ceilMode { result.append(("ceil_mode", "1")) }
        return result.map { (name: $0.0, value: $0.1) }
    }

    /// Places where the window stands along each axis.
    ///
    /// - Throws: `GraphError.invalidInput` of `op` if the window's numbers make no sense, or it fits nowhere.
    /// - Source: the output sizes that `torch.nn.Conv2d` and `torch.nn.MaxPool2d` document.
    public func outputSizes(_ sizes: [Int], of op: some Operator) throws -> [Int] {
        let counts = [kernel.count, strides.count, dilations.count, before.count, after.count]
        guard counts.allSatisfy({ $0 == sizes.count }) else {
            throw op.fault("a window of \(kernel.count) axes slides over \(sizes.count)")
        }
        let limit = 1 << 30
        guard (kernel + strides + dilations).allSatisfy({ (1...limit).contains($0) }),
            (before + after).allSatisfy({ (-limit...limit).contains($0) }), sizes.allSatisfy({ $0 <= limit }),
            kernel.reduce(1, saturatingProduct) <= limit
        else { throw op.fault("window \(kernel), strides \(strides), dilations \(dilations), pads \(before + after)") }
        return try sizes.indices.map { axis in
            let extent = (kernel[axis] - 1) * dilations[axis] + 1
            let room = sizes[axis] + before[axis] + after[axis] - extent
            guard room >= 0 else {
                throw op.fault("a window of \(extent) does not fit into \(sizes[axis]) and its padding")
            }
            var output = room / strides[axis] + 1
            if ceilMode, room % strides[axis] != 0, output * strides[axis] < sizes[axis] + before[axis] { output += 1 }
            return output
        }
    }

    /// For each place in the window, which element of the image each output sees there; padding is left out.
    ///
    /// - Parameters:
    ///   - sizes: The image's sizes along the spatial axes.
    ///   - outputs: Places where the window stands along each of them.
    func pairs(_ sizes: [Int], _ outputs: [Int]) -> [[(output: Int, input: Int)]] {
        let taps = Shape(kernel)
        return (0..<taps.elementCount).map { tap in
            var found = [(output: 0, input: 0)]
            for axis in sizes.indices {
                let offset = tap / taps.inner(axis) % kernel[axis] * dilations[axis] - before[axis]
                found = found.flatMap { outer in
                    (0..<outputs[axis]).compactMap { output in
                        let input = output * strides[axis] + offset
                        guard (0..<sizes[axis]).contains(input) else { return nil }
                        return (output: outer.output * outputs[axis] + output, input: outer.input * sizes[axis] + input)
                    }
                }
            }
            return found
        }
    }
}
