// SPDX-License-Identifier: MIT

import Graphs
import Tensors
import TestSupport
import Testing

@testable import Operators

/// The slow references, on cases that can be computed in the head. ONNX's own tests hold all of them to the standard.
@Suite struct ReferenceTests {
    private func tensor(_ values: [Float], _ shape: Shape) -> Tensor { Tensor(values, shape: shape) }

    private func check(
        _ op: any Operator, _ inputs: [Tensor], _ expected: [Double], _ shape: Shape,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let result = try op.evaluate(inputs)
        let facts = try op.outputs(for: inputs.map { Fact($0.elementType, $0.shape) })
        #expect(result.map(\.shape) == facts.map(\.shape), sourceLocation: sourceLocation)
        #expect(result.map(\.elementType) == facts.map(\.elementType), sourceLocation: sourceLocation)
        #expect(result[0].shape == shape, sourceLocation: sourceLocation)
        #expect(result[0].doubles() == expected, sourceLocation: sourceLocation)
    }

    @Test func elementsSurviveEveryType() throws {
        for type in ElementType.allCases {
            let values = type == .bool ? [0, 1, 1] : type == .uint8 ? [0, 7, 255] : [0, -7, 100]
            let tensor = try Tensor(values, as: type, shape: [3])
            #expect(tensor.integers() == values)
            #expect(tensor.doubles() == values.map(Double.init))
            #expect(try tensor.converted(to: .float64).doubles() == values.map(Double.init))
        }
    }

    @Test func halfPrecisionRoundsToNearestEven() {
        for bits in UInt16.min...UInt16.max {
            let value = Float(halfBits: bits)
            #expect(value.isNaN || value.halfBits == bits)
        }
        // Halfway between two halves: the even one.
        #expect((1 + Float(0x1p-11)).halfBits == 0x3C00)
        #expect((1 + 3 * Float(0x1p-11)).halfBits == 0x3C02)
        #expect(Float(65519.99).halfBits == 0x7BFF)
        #expect(Float(65520).halfBits == 0x7C00)
        #expect(Float(1.00390625).bfloat16Bits == 0x3F80)
        #expect(Float(1.01171875).bfloat16Bits == 0x3F82)
    }

    @Test func convolutionSeesPaddingStridesAndGroups() throws {
        let x = tensor((0..<18).map(Float.init), [1, 2, 3, 3])
        let weight = tensor([1, 0, 0, 0, 0, 0, 0, 1], [2, 1, 2, 2])
        let window = SlidingWindow(kernel: [2, 2], strides: [2, 2], before: [1, 1], after: [0, 0])
        // The first filter copies the window's first corner, the second one its last.
        try check(
            Convolution(window, groups: 2), [x, weight, tensor([100, 0], [2])],
            [100, 100, 100, 104, 9, 11, 15, 17], [1, 2, 2, 2])
    }

    @Test func poolsCountPaddingAsTold() throws {
        let x = tensor([1, 2, 3, 4], [1, 1, 4])
        var window = SlidingWindow(kernel: [3], strides: [3], before: [1], after: [0], ceilMode: true)
        try check(Pool(.average(countIncludePad: true), window), [x], [1, 3.5], [1, 1, 2])
        try check(Pool(.average(countIncludePad: false), window), [x], [1.5, 3.5], [1, 1, 2])
        window.ceilMode = false
        try check(Pool(.max, window), [x], [2], [1, 1, 1])
        try check(AdaptivePool(outputSize: [3]), [x], [1.5, 2.5, 3.5], [1, 1, 3])
    }

    /// Such windows see nothing but padding.
    @Test func poolsOfEmptyPlanesHaveTheShapeThatWasTold() throws {
        let empty = tensor([], [1, 2, 0, 3])
        let window = SlidingWindow(kernel: [2, 2], before: [1, 0], after: [1, 0])
        try check(Pool(.average(countIncludePad: true), window), [empty], [0, 0, 0, 0], [1, 2, 1, 2])
        try check(Pool(.lp(2), window), [empty], [0, 0, 0, 0], [1, 2, 1, 2])
        try check(Pool(.max, window), [empty], .init(repeating: -.infinity, count: 4), [1, 2, 1, 2])
        try check(
            AdaptivePool(isMax: true, outputSize: [1, 1]), [empty], [-.infinity, -.infinity], [1, 2, 1, 1])
    }

    @Test func movesKeepTheElements() throws {
        let x = tensor((0..<6).map(Float.init), [2, 3])
        try check(Transpose([1, 0]), [x], [0, 3, 1, 4, 2, 5], [3, 2])
        try check(Slice(starts: [1, 2], counts: [2, 2], steps: [-1, -2]), [x], [5, 3, 2, 0], [2, 2])
        try check(Expand([2, 2, 3]), [x], [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5], [2, 2, 3])
        try check(Concat(axis: 1), [x, x], [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5], [2, 6])
        try check(Gather(axis: 1), [x, Tensor(integers: [-1, 0])], [2, 0, 5, 3], [2, 2])
        let parts = try Split(axis: 1, sizes: [1, 2]).evaluate([x])
        #expect(parts.map { $0.doubles() } == [[0, 3], [1, 2, 4, 5]])
        let row = tensor([1, 2, 3], [3])
        for (mode, expected) in [
            (Pad.Mode.constant(9), [9.0, 9, 1, 2, 3, 9]), (.edge, [1, 1, 1, 2, 3, 3]), (.reflect, [3, 2, 1, 2, 3, 2]),
            (.wrap, [2, 3, 1, 2, 3, 1]),
        ] {
            try check(Pad(before: [2], after: [1], mode: mode), [row], expected, [6])
        }
        try check(Pad(before: [-1], after: [-1], mode: .constant(0)), [row], [2], [1])
    }

    @Test func indicesBeyondTheAxisAreRefused() {
        let x = tensor([1, 2], [2])
        #expect(throws: GraphError.self) { try Gather(axis: 0).evaluate([x, Tensor(integers: [2])]) }
        #expect(throws: GraphError.self) { try Gather(axis: 0).evaluate([x, Tensor(integers: [-3])]) }
    }

    @Test func integersAreDividedAndWrapAsProcessorsDo() throws {
        let left = try Tensor([7, -7, .min, .max], as: .int64, shape: [4])
        let right = try Tensor([-2, 2, -1, 1], as: .int64, shape: [4])
        #expect(try Binary(.div).evaluate([left, right])[0].integers() == [-3, -3, .min, .max])
        #expect(try Binary(.mod).evaluate([left, right])[0].integers() == [-1, 1, 0, 0])
        #expect(try Binary(.fmod).evaluate([left, right])[0].integers() == [1, -1, 0, 0])
        #expect(try Binary(.add).evaluate([left, right])[0].integers() == [5, -5, .max, .min])
        let zero = try Tensor([0], as: .int64, shape: [1])
        #expect(throws: GraphError.self) { try Binary(.div).evaluate([left, zero]) }
    }

    @Test func attentionIsThatOfItsParts() throws {
        let x = tensor([1, 0, 0, 1], [1, 2, 2])
        let value = tensor([1, 2, 3, 4], [1, 2, 2])
        // The mask lets each row see itself alone.
        let mask = try Tensor([1, 0, 0, 1], as: .bool, shape: [2, 2])
        try check(Attention(scale: 0.5), [x, x, value, mask], [1, 2, 3, 4], [1, 2, 2])
    }

    @Test func enlargedImagesAreInterpolated() throws {
        let x = tensor([1, 3], [1, 1, 2])
        for (coordinates, expected) in [
            (Resize.Coordinates.halfPixel, [1, 1.5, 2.5, 3]), (.asymmetric, [1, 2, 3, 3]),
            (.pytorchHalfPixel, [1, 1.5, 2.5, 3]),
        ] {
            try check(
                Resize(sizes: [4], scales: [2], interpolation: .linear, coordinates: coordinates), [x], expected,
                [1, 1, 4])
        }
        try check(
            Resize(sizes: [3], scales: [1.5], interpolation: .linear, coordinates: .alignCorners), [x], [1, 2, 3],
            [1, 1, 3])
    }

    @Test func windowsOfPaddingAloneReadNothing() throws {
        let window = SlidingWindow(kernel: [4], strides: [1], before: [8], after: [0])
        for isColumnMajor in [false, true] {
            let pool = MaxPoolWithIndices(window, isColumnMajor: isColumnMajor)
            // An image without any element, and one whose first windows lie before it.
            let none = try pool.evaluate([Tensor([Float](), shape: [2, 2, 0])])
            #expect(none[0].floats() == [Float](repeating: -.infinity, count: 20))
            #expect(none[1].integers() == [Int](repeating: 0, count: 20))
            let some = try pool.evaluate([tensor([5, 7], [1, 1, 2])])
            let expected = [Float](repeating: -.infinity, count: 5) + [5, 7]
            #expect(some[0].floats() == expected)
            #expect(some[1].integers() == [0, 0, 0, 0, 0, 0, 1])
        }
    }

    @Test func bitsAreReadAsAnotherType() throws {
        let x = tensor([1, -0.0, .infinity], [3])
        try check(BitCast(to: .int32), [x], [0x3F80_0000, Double(Int32.min), 0x7F80_0000], [3])
        let bits = try Tensor([0x3F80_0000, 0x4000_0000], as: .int32, shape: [2])
        try check(BitCast(to: .float32), [bits], [1, 2], [2])
        try check(BitCast(to: .uint8), [Tensor([-1, 3], as: .int8, shape: [2])], [255, 3], [2])
        try check(BitCast(to: .bool), [Tensor([-1, 0], as: .int8, shape: [2])], [1, 0], [2])
        #expect(throws: GraphError.self) { try BitCast(to: .int64).outputs(for: [Fact(.float32, [3])]) }
    }

    @Test func placesThatAreNotThereAreFilled() throws {
        let x = tensor([1, 2], [2])
        let moved = try x.moved([1, -1, 2, Int.max, Int.min, 0], to: [6], fill: 9)
        #expect(moved.floats() == [2, 9, 9, 9, 9, 1])
        let pairs = [(target: 0, source: 1), (2, 0), (-1, 0), (1, 2), (1, -1), (Int.max, Int.max)]
        #expect(try x.replacing(pairs, by: tensor([3, 4], [2])).floats() == [4, 2])
    }
}
