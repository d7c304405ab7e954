// SPDX-License-Identifier: MIT

/// In which order the numbers of an image come.
package enum AxisOrder: Equatable, Sendable {
    /// C x H x W, as PyTorch and the networks here have it.
    case channelsFirst
    /// H x W x C, as TensorFlow, Pillow and OpenCV have it.
    case channelsLast
}

/// The shapes in which the numbers of one image may come for a model of C x H x W.
package struct RowLayout: Equatable, Sendable {
    let channels: Int
    let height: Int
    let width: Int

    /// - Precondition: The model takes pictures: its input's shape is [-1, C, H, W] or [-1, H, W, C].
    package init(_ model: ServedModel) {
        let shape = model.input.shape
        precondition(shape.count == 4, "a model's input has the shape [-1, C, H, W] or [-1, H, W, C]")
        switch model.inputOrder {
        case .channelsFirst: (channels, height, width) = (shape[1], shape[2], shape[3])
        case .channelsLast: (height, width, channels) = (shape[1], shape[2], shape[3])
        }
    }

    /// How many numbers an image has.
    package var count: Int { channels * height * width }

    /// Reads the shape of one image: C x H x W, H x W x C, all numbers in one row, or H x W where there is one channel.
    ///
    /// - Parameter preferred: What a shape means that could mean both.
    /// - Returns: nil if the shape is no image's.
    package func order(of shape: [Int], preferred: AxisOrder) -> AxisOrder? {
        let isEither = shape == [count] || channels == 1 && shape == [height, width]
        let isFirst = isEither || shape == [channels, height, width]
        let isLast = isEither || shape == [height, width, channels]
        if isFirst && isLast { return preferred }
        return isFirst ? .channelsFirst : isLast ? .channelsLast : nil
    }

    /// Reads the shape of several images: the number of them, and then the shape of one.
    ///
    /// - Returns: nil if it is no such shape, or there is no image.
    package func batch(_ shape: [Int], preferred: AxisOrder) -> (count: Int, order: AxisOrder)? {
        guard let rows = shape.first, rows > 0, let order = order(of: Array(shape.dropFirst()), preferred: preferred)
        else { return nil }
        return (rows, order)
    }

    /// Brings whole images from one order into the other.
    package func reordered<Number>(_ values: [Number], from: AxisOrder, to: AxisOrder) -> [Number] {
        guard from != to, channels > 1, height * width > 1 else { return values }
        // Outer and inner axis of what comes: pixels and channels, or the other way round.
        let (outer, inner) = from == .channelsLast ? (height * width, channels) : (channels, height * width)
        return [Number](unsafeUninitializedCapacity: values.count) { output, initialized in
            for start in stride(from: 0, to: values.count - count + 1, by: count) {
                for index in 0..<inner {
                    for row in 0..<outer {
                        output.initializeElement(
                            at: start + index * outer + row, to: values[start + row * inner + index])
                    }
                }
            }
            initialized = values.count / count * count
        }
    }
}
