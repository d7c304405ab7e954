// SPDX-License-Identifier: MIT

import Models
import Tensors

// Numbers that Tools/goldens/models.py makes in the same way, so that no file has to carry them.

/// Pictures 0 ..< count, normalised: [count, 3, size, size].
func syntheticPictures(count: Int, size: Int) -> Tensor {
    let mean: [Float] = [0.485, 0.456, 0.406]
    let std: [Float] = [0.229, 0.224, 0.225]
    func wave(_ t: Int) -> Int { t & 255 < 128 ? t & 255 : 255 - t & 255 }
    return Tensor(shape: [count, 3, size, size]) { values in
        var index = 0
        for image in 0..<count {
            for channel in 0..<3 {
                for y in 0..<size {
                    for x in 0..<size {
                        let slow = wave(x * (image + 1) + y * (channel + 1) + 37 * image)
                        let slope = (x * (3 + channel) + y * (5 + image)) >> 4
                        let texture = ((x * 7 + 3 * image) ^ (y * 11 + 5 * channel)) & 63
                        let pixel = (slow + slope + texture) & 255
                        values[index] = (Float(pixel) / 255 - mean[channel]) / std[channel]
                        index += 1
                    }
                }
            }
        }
    }
}

/// A state dict of made-up weights for an architecture.
func syntheticWeights(for architecture: Architecture, gain: Double) throws -> StateDict {
    try StateDict(
        architecture.expectedWeights().map { name, shape in
            (name, syntheticWeight(name: name, shape: shape, gain: gain))
        })
}

private func syntheticWeight(name: String, shape: Shape, gain: Double) -> Tensor {
    let nameHash = name.utf8.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    let fan = Double(shape.dimensions.dropFirst().reduce(1, *))
    // v becomes base + v * factor / divisor.
    let (base, factor, divisor): (Double, Double, Double) =
        if name.hasSuffix("running_var") {
            (1, 1, 2)
        } else if name.hasSuffix("running_mean") {
            (0, 1, 10)
        } else if name.hasSuffix("bias") {
            (0, 1, 1)
        } else if shape.rank == 1 {
            (1, 1, 5)
        } else {
            (0, gain, fan.squareRoot())
        }
    return Tensor(shape: shape) { values in
        for index in values.indices {
            var h = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B1 ^ nameHash
            h ^= h >> 16
            h = h &* 0x85EB_CA6B
            h ^= h >> 13
            h = h &* 0xC2B2_AE35
            h ^= h >> 16
            let v = Double(h >> 8) / 8_388_608 - 1
            values[index] = Float(base + v * factor / divisor)
        }
    }
}
