// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Tensors

/// An operator that no kernel does, by its reference: it allocates, and takes long.
struct ReferenceStep: Step {
    let op: any Operator
    let inputs: [(source: Source, fact: Fact)]
    let outputs: [(slot: Slot, fact: Fact)]

    func run(_ run: StepRun) {
        guard run.part == 0 else { return }
        do {
            let tensors = try inputs.map { source, fact in
                try Self.tensor(of: fact, at: UnsafeRawPointer(run.read(source)))
            }
            for ((slot, fact), tensor) in zip(outputs, try op.evaluate(tensors)) {
                Self.write(tensor, as: fact, to: UnsafeMutableRawPointer(run.write(slot)))
            }
        } catch {
            // The numbers do not fit the operator, an index beyond its axis for example: there is no answer.
            for (slot, fact) in outputs where fact.elementType == .float32 {
                run.write(slot).update(repeating: .nan, count: fact.elementCount)
            }
        }
    }

    /// A row-major tensor of a value's numbers.
    private static func tensor(of fact: Fact, at base: UnsafeRawPointer) throws -> Tensor {
        let size = fact.elementType.byteCount
        let strides = fact.order.strides(of: fact.shape.dimensions)
        let storage = TensorStorage(byteCount: fact.byteCount) { bytes in
            guard let target = bytes.baseAddress else { return }
            forEachPlace(fact.shape.dimensions, strides) { index, place in
                (target + index * size).copyMemory(from: base + place * size, byteCount: size)
            }
        }
        return try Tensor(shape: fact.shape, elementType: fact.elementType, storage: storage)
    }

    private static func write(_ tensor: Tensor, as fact: Fact, to base: UnsafeMutableRawPointer) {
        let size = fact.elementType.byteCount
        let strides = fact.order.strides(of: fact.shape.dimensions)
        tensor.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            forEachPlace(fact.shape.dimensions, strides) { index, place in
                (base + place * size).copyMemory(from: source + index * size, byteCount: size)
            }
        }
    }

    /// Goes through the elements in row-major sequence.
    private static func forEachPlace(
        _ dimensions: [Int], _ strides: [Int], _ body: (_ index: Int, _ place: Int) -> Void
    ) {
        let count = dimensions.reduce(1, *)
        var position = [Int](repeating: 0, count: dimensions.count)
        var place = 0
        for index in 0..<count {
            body(index, place)
            var axis = dimensions.count - 1
            while axis >= 0 {
                position[axis] += 1
                place += strides[axis]
                if position[axis] < dimensions[axis] { break }
                place -= strides[axis] * dimensions[axis]
                position[axis] = 0
                axis -= 1
            }
        }
    }
}
