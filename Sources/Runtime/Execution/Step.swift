// SPDX-License-Identifier: MIT

import Kernels
import SystemCalls
import Tensors

/// One kernel call, or a few, with all that is known before the numbers come.
protocol Step: Sendable {
    /// Bytes of scratch that each worker needs.
    var scratchByteCount: Int { get }

    /// Does this worker's part of the step.
    func run(_ run: StepRun)
}

extension Step {
    var scratchByteCount: Int { 0 }
}

/// A step that can write a few of its output's pixels at a time, anywhere.
protocol PixelStep: Step {
    /// Writes some pixels, all of this worker's: whole lines of the image.
    ///
    /// - Parameter output: Where the image's first pixel stands, or would stand.
    func run(_ run: StepRun, pixels: Range<Int>, output: Output)
}

extension PixelStep {
    /// Where in the scratch another step may begin, in bytes: at a cache line's border, or each of its vectors would lie across two.
    var scratchEnd: Int { scratchByteCount.roundedUpToCacheLine }
}

/// What a step may be told by one who looks at a plan.
public struct StepSummary: Sendable {
    /// An algorithm that could have done the step.
    public struct Candidate: Sendable {
        /// The node that it could have done: a step of two has those of both.
        public let node: String
        /// What `plan --algorithm` calls it.
        public let algorithm: String
        /// What it was estimated to take, for comparison with the others.
        public let nanoseconds: Double
    }

    /// The layer's name in the state dict, or what it does.
    public let name: String
    /// The operation with what is fused into it, for example "conv2d + silu".
    public internal(set) var operation: String
    /// Shape of the first input, without the batch.
    public let inputShape: Shape
    /// Shape of the output, without the batch.
    public let outputShape: Shape
    /// The algorithm chosen.
    public internal(set) var algorithm: String
    /// Why it was chosen.
    public internal(set) var reason: String
    /// Multiply-adds for one image, as the operation is defined.
    public let multiplyAdds: Int
    /// Multiply-adds that the algorithm's products do: fewer for Winograd's, whose transformations are not counted.
    public let executedMultiplyAdds: Int
    /// Bytes of weights read.
    public let weightBytes: Int
    /// The algorithms that could have done it, cheapest first, with their estimates; empty for an operation that has only one.
    public internal(set) var candidates: [Candidate] = []

    init(
        name: String, operation: String, inputShape: Shape, outputShape: Shape, algorithm: String, reason: String,
        multiplyAdds: Int = 0, executedMultiplyAdds: Int = 0, weightBytes: Int = 0
    ) {
        self.name = name
        self.operation = operation
        self.inputShape = inputShape
        self.outputShape = outputShape
        self.algorithm = algorithm
        self.reason = reason
        self.multiplyAdds = multiplyAdds
        self.executedMultiplyAdds = executedMultiplyAdds
        self.weightBytes = weightBytes
    }
}

/// The numbers that a step works on: addresses, and which part of the work is this worker's.
struct StepRun {
    /// The plan that the step is of, which the session keeps.
    unowned(unsafe) let plan: Plan
    /// Read where it stands: a copy would be one of all its functions.
    @inline(__always)
    var kernels: KernelTable { plan.kernels }
    /// The prepared weights that plans for several sizes share, or all; and the plan's own, which go on from an offset.
    let sharedWeights: UnsafeRawPointer
    let ownWeights: UnsafeRawPointer
    let firstOwnWeight: Int
    /// The caller's inputs and outputs.
    let inputs: UnsafePointer<UnsafeRawPointer>
    let outputs: UnsafePointer<UnsafeMutableRawPointer>
    let imageArena: UnsafeMutableRawPointer
    let batchArena: UnsafeMutableRawPointer
    let batchCapacity: Int
    let scratch: Output
    /// The first image of the run, counted in the batch.
    var image: Int
    /// Images worked on at once: 1, or the whole batch for steps on vectors.
    var rows: Int
    /// Which part of the step is this worker's, of how many.
    let part: Int
    let parts: Int

    /// Prepared weights.
    ///
    /// - Parameter offset: Where they stand in the block, in bytes.
    @inline(__always)
    func weights(_ offset: Int) -> Input {
        let place = offset < firstOwnWeight ? sharedWeights + offset : ownWeights + (offset - firstOwnWeight)
        return place.assumingMemoryBound(to: Float.self)
    }

    /// Where a value stands that a step reads.
    @inline(__always)
    func read(_ slot: Slot) -> Input { bytes(of: slot).assumingMemoryBound(to: Float.self) }

    /// Where the bytes of a value stand.
    @inline(__always)
    private func bytes(of slot: Slot) -> UnsafeRawPointer {
        switch slot.region {
        case .input(let place): inputs[place] + image * slot.byteCount
        case .output(let place): UnsafeRawPointer(outputs[place] + image * slot.byteCount)
        case .image: UnsafeRawPointer(imageArena + slot.byteOffset)
        case .batch: UnsafeRawPointer(batchArena + slot.byteOffset * batchCapacity + image * slot.byteCount)
        }
    }

    /// Where numbers stand that a step reads.
    @inline(__always)
    func read(_ source: Source) -> Input {
        switch source {
        case .slot(let slot): read(slot)
        case .weight(let offset): weights(offset)
        }
    }

    /// Where a value stands that a step writes.
    ///
    /// - Precondition: It is not the caller's input.
    @inline(__always)
    func write(_ slot: Slot) -> Output {
        if case .input = slot.region { preconditionFailure("a step cannot write to the caller's input") }
        return UnsafeMutableRawPointer(mutating: bytes(of: slot)).assumingMemoryBound(to: Float.self)
    }

    /// This worker's share of `units`, in whole multiples of `granule` but for the last.
    @inline(__always)
    func share(of units: Int, granule: Int = 1) -> Range<Int> {
        guard parts > 1 else { return 0..<units }
        let blocks = (units + granule - 1) / granule
        let first = (blocks * part + parts - 1) / parts * granule
        let last = min(units, (blocks * (part + 1) + parts - 1) / parts * granule)
        return min(first, last)..<last
    }
}

extension Int {
    /// Bytes in whole cache lines.
    var roundedUpToCacheLine: Int {
        (self + AlignedMemory.alignment - 1) / AlignedMemory.alignment * AlignedMemory.alignment
    }
}
