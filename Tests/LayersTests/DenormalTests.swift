// SPDX-License-Identifier: MIT

import Kernels
import Layers
import Tensors
import TestSupport
import Testing

/// Numbers below 1.2e-38 count as zero in a run, whichever thread does it: else they cost a hundred times as much.
@Suite("Denormals")
struct DenormalTests {
    static let tiny = Float.leastNormalMagnitude / 16

    /// y = W · x with 1 input and outputs that multiply it by 1e20, by a denormal, and by 2.
    private func makePlan(_ kernels: KernelTable) throws -> Plan {
        let weight = Tensor([1e20, Self.tiny, 2], shape: [3, 1, 1, 1])
        let conv = try Conv2d(1, 3, kernelSize: 1, bias: false, weights: StateDict([("conv.weight", weight)])["conv"])
        return try Plan(Sequential(conv), input: [1, Self.side, Self.side], kernels: kernels)
    }

    /// Pixels of an image's side: a run takes milliseconds, so that threads that sleep come in time for a part of it.
    private static let side = 256

    private func answers(_ plan: Plan, _ value: Float, threads: Int) throws -> [[Float]] {
        let (images, pixels) = (30, Self.side * Self.side)
        let input = Tensor(
            [Float](repeating: value, count: images * pixels), shape: [images, 1, Self.side, Self.side])
        let session = try Session(plan, threads: threads, leastSharedWork: 0)
        var values = try session.run(input).floats()
        // Often enough that each thread has a part in some run. What differs in any is kept.
        for _ in 0..<(threads - 1) * 5 {
            let again = try session.run(input).floats()
            for index in values.indices where again[index] != values[index] { values[index] = again[index] }
        }
        return (0..<3).map { channel in
            (0..<images).flatMap { image in values[(image * 3 + channel) * pixels..<(image * 3 + channel + 1) * pixels]
            }
        }
    }

    @Test("denormal inputs and weights count as zero, on every thread", arguments: KernelTable.available)
    func countsDenormalsAsZero(kernels: KernelTable) throws {
        let plan = try makePlan(kernels)
        for threads in [1, 3] {
            let tiny = try answers(plan, Self.tiny, threads: threads)
            #expect(tiny.allSatisfy { $0.allSatisfy { $0 == 0 } }, "\(threads) threads")
            let large = try answers(plan, 1e20, threads: threads)
            #expect(large[1].allSatisfy { $0 == 0 }, "\(threads) threads")
            #expect(large[2].allSatisfy { $0 == 2e20 }, "\(threads) threads")
        }
    }

    @Test("NaN and infinity go through as IEEE 754 says", arguments: KernelTable.available)
    func keepsNaNAndInfinity(kernels: KernelTable) throws {
        let plan = try makePlan(kernels)
        for threads in [1, 3] {
            #expect(try answers(plan, .infinity, threads: threads)[2].allSatisfy { $0 == .infinity })
            #expect(try answers(plan, -.infinity, threads: threads)[0].allSatisfy { $0 == -.infinity })
            #expect(try answers(plan, 1e20, threads: threads)[0].allSatisfy { $0 == .infinity })
            #expect(try answers(plan, .nan, threads: threads).allSatisfy { $0.allSatisfy(\.isNaN) })
        }
    }

    @Test("the caller's own arithmetic keeps its denormals")
    func leavesTheCallersMode() throws {
        let plan = try makePlan(try KernelTable.selection.get())
        _ = try answers(plan, 1, threads: 2)
        #expect(product(Self.tiny, 1e20) > 0)
    }

    @inline(never)
    private func product(_ left: Float, _ right: Float) -> Float { left * right }
}
