// SPDX-License-Identifier: MIT

import Kernels

extension Session {
    /// Runs the network on one input, on the caller's thread alone, and tells when each step began and how long it took.
    ///
    /// - Parameters:
    ///   - input: One input, channels last.
    /// - Returns: A span for each of the plan's `summaries`, counted from the run's beginning.
    /// - Precondition: The buffer holds one input.
    public func profile(_ input: UnsafeBufferPointer<Float>) -> [(start: Duration, duration: Duration)] {
        precondition(input.count >= plan.inputShape.elementCount, "the input holds \(input.count) values")
        guard let base = input.baseAddress else { return [] }
        let output = FloatBuffer(count: plan.outputShape.elementCount)
        let run = stepRun(worker: 0, arena: 0, input: base, output: output.base, part: 0, parts: 1)
        let clock = ContinuousClock()
        var spans: [(start: Duration, duration: Duration)] = []
        spans.reserveCapacity(plan.steps.count)
        let start = clock.now
        for step in plan.steps {
            let before = clock.now
            step.run(run)
            spans.append((before - start, clock.now - before))
        }
        return spans
    }
}
