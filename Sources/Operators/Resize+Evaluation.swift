// SPDX-License-Identifier: MIT

import Tensors

extension Resize {
    /// Resizes, one axis after the other.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        var dimensions = inputs[0].shape.dimensions
        var values = inputs[0].doubles()
        for axis in sizes.indices {
            let (old, new) = (dimensions[axis + 2], sizes[axis])
            let taps = (0..<new).map { self.taps($0, axis: axis, size: old) }
            let inner = dimensions[(axis + 3)...].reduce(1, *)
            var resized: [Double] = []
            resized.reserveCapacity(values.count / old * new)
            for block in 0..<(values.count / (old * inner)) {
                for output in 0..<new {
                    for lane in 0..<inner {
                        let start = block * old * inner + lane
                        resized.append(
                            taps[output]?.reduce(0) { $0 + $1.weight * values[start + $1.index * inner] }
                                ?? extrapolation)
                    }
                }
            }
            values = resized
            dimensions[axis + 2] = new
        }
        return [try Tensor(values, as: inputs[0].elementType, shape: Shape(dimensions))]
    }

    /// Which old elements a new one is made of, with their weights; nil if it lies outside a cropped image.
    package func taps(_ output: Int, axis: Int, size: Int) -> [(index: Int, weight: Double)]? {
        let place = place(Double(output), axis: axis, size: Double(size))
        if coordinates == .cropAndResize, place < 0 || place > Double(size - 1) { return nil }
        if case .nearest(let rounding) = interpolation {
            return [(min(max(Int(truncating: rounding.round(place)), 0), size - 1), 1)]
        }
        let scale = antialias ? min(scales[axis], 1) : 1
        let reach = interpolation == .linear ? 1.0 : 2.0
        let base = Int(truncating: place.rounded(.down))
        let first = Int((-reach / scale).rounded(.down)) + 1
        var taps = (first...(1 - first)).map { offset -> (index: Int, weight: Double) in
            let distance = abs(Double(offset) - (place - Double(base))) * scale
            return (base &+ offset, weight(distance))
        }
        if excludesOutside { taps.removeAll { !(0..<size).contains($0.index) } }
        if excludesOutside || antialias {
            let sum = taps.reduce(0) { $0 + $1.weight }
            taps = taps.map { ($0.index, $0.weight / sum) }
        }
        return taps.map { (min(max($0.index, 0), size - 1), $0.weight) }
    }

    private func weight(_ distance: Double) -> Double {
        guard case .cubic(let a) = interpolation else { return max(0, 1 - distance) }
        if distance <= 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
        if distance < 2 { return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a }
        return 0
    }

    /// Where a new element lies among the old ones.
    private func place(_ output: Double, axis: Int, size: Double) -> Double {
        let scale = scales[axis]
        let length = scale * size
        switch coordinates {
        case .halfPixel: return (output + 0.5) / scale - 0.5
        case .halfPixelSymmetric:
            return size / 2 * (1 - Double(sizes[axis]) / length) + (output + 0.5) / scale - 0.5
        case .pytorchHalfPixel: return length == 1 ? -0.5 : (output + 0.5) / scale - 0.5
        case .alignCorners: return length == 1 ? 0 : output * (size - 1) / (length - 1)
        case .asymmetric: return output / scale
        case .cropAndResize:
            let (start, end) = (regions[axis].lowerBound, regions[axis].upperBound)
            let inside =
                length == 1 ? (end - start) * (size - 1) / 2 : output * (end - start) * (size - 1) / (length - 1)
            return start * (size - 1) + inside
        }
    }
}

extension Resize.Rounding {
    func round(_ place: Double) -> Double {
        switch self {
        case .roundPreferFloor: (place - 0.5).rounded(.up)
        case .roundPreferCeil: (place + 0.5).rounded(.down)
        case .floor: place.rounded(.down)
        case .ceil: place.rounded(.up)
        }
    }
}
