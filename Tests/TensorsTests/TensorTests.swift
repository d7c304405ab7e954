// SPDX-License-Identifier: MIT

import Tensors
import TestSupport
import Testing

@Suite("Tensor and Shape")
struct TensorTests {
    @Test("a shape from outside may not be negative or too large to count")
    func shapesAreChecked() throws {
        #expect(throws: TensorError.invalidShape([2, -1])) { _ = try Shape(checking: [2, -1]) }
        #expect(throws: TensorError.invalidShape([Int.max, 2])) { _ = try Shape(checking: [Int.max, 2]) }
        #expect(throws: TensorError.invalidShape([Int.max, 0, 2])) { _ = try Shape(checking: [Int.max, 0, 2]) }
        #expect(try Shape(checking: []).elementCount == 1)
        #expect(try Shape(checking: [3, 0]).elementCount == 0)
    }

    @Test("a tensor may not reach outside its storage")
    func boundsAreChecked() throws {
        let storage = TensorStorage(byteCount: 16) { _ in }
        #expect(throws: Never.self) { try Tensor(shape: [4], elementType: .float32, storage: storage) }
        for (shape, offset) in [([5], 0), ([4], 1), ([1], 16), ([1], -4), ([Int.max], 0)] as [([Int], Int)] {
            #expect(throws: TensorError.self) {
                try Tensor(shape: Shape(shape), elementType: .float32, storage: storage, byteOffset: offset)
            }
        }
    }

    @Test("elements of every type become the same numbers", arguments: ElementType.allCases)
    func conversions(type: ElementType) throws {
        let bytes: [UInt8] =
            switch type {
            case .float64: [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0]
            case .float32: [0, 0, 0x80, 0x3F, 0, 0, 0, 0]
            case .float16: [0, 0x3C, 0, 0]
            case .bfloat16: [0x80, 0x3F, 0, 0]
            case .int64: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            case .int32: [1, 0, 0, 0, 0, 0, 0, 0]
            case .int16: [1, 0, 0, 0]
            case .int8, .uint8, .bool: [1, 0]
            }
        // One byte in front, so that nothing is aligned.
        let storage = TensorStorage(byteCount: bytes.count + 1) { $0.dropFirst().copyBytes(from: bytes) }
        let tensor = try Tensor(shape: [2], elementType: type, storage: storage, byteOffset: 1)
        #expect(tensor.floats() == [1, 0])
    }

    @Test("half precision is read as the processor would, for every bit pattern")
    func halves() {
        #if arch(x86_64) || arch(arm64)
        for bits in UInt16.min...UInt16.max {
            let expected = Float(Float16(bitPattern: bits))
            let actual = Float(halfBits: bits)
            #expect(actual == expected || (actual.isNaN && expected.isNaN))
        }
        #endif
    }

    @Test("statistics leave out what is no number")
    func statistics() {
        let tensor = Tensor([1, .nan, -3, .infinity, .leastNonzeroMagnitude, 2], shape: [6])
        let statistics = tensor.statistics()
        #expect(statistics.minimum == -3)
        #expect(statistics.maximum == .infinity)
        #expect(statistics.nanCount == 1)
        #expect(statistics.infinityCount == 1)
        #expect(statistics.denormalCount == 1)
        #expect(statistics.mean.map { abs($0) < 1e-6 } == true)
    }
}

@Suite("StateDict")
struct StateDictTests {
    private func weights() throws -> StateDict {
        try StateDict([
            ("conv1.weight", Tensor([1, 2], shape: [2])), ("conv1.bias", Tensor([3], shape: [1])),
            ("conv10.weight", Tensor([4], shape: [1])),
        ])
    }

    @Test("a prefix sees only its own names, in order")
    func prefixes() throws {
        let inner = try weights()["conv1"]
        #expect(inner.names == ["weight", "bias"])
        #expect(inner.tensor(named: "bias")?.floats() == [3])
        #expect(inner.prefix == "conv1.")
    }

    @Test("errors bear whole names and the nearest one")
    func errors() throws {
        #expect(throws: TensorError.missingTensor(name: "conv2.weight", nearest: "conv1.weight")) {
            _ = try weights()["conv2"].weight("weight", shape: [2])
        }
        #expect(throws: TensorError.shapeMismatch(name: "conv1.bias", expected: [9], actual: [1])) {
            _ = try weights()["conv1"].weight("bias", shape: [9])
        }
        #expect(throws: TensorError.duplicateName("a")) {
            _ = try StateDict([("a", Tensor([1], shape: [1])), ("a", Tensor([1], shape: [1]))])
        }
    }

    @Test("recording answers everything and remembers it")
    func recording() throws {
        let (weights, recorder) = StateDict.recording()
        #expect(try weights["a"]["b"].weight("c", shape: [2, 3]).shape == [2, 3])
        #expect(recorder.expected.map(\.name) == ["a.b.c"])
        #expect(recorder.expected.map(\.shape) == [[2, 3]])
    }
}
