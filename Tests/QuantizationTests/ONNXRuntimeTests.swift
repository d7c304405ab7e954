// SPDX-License-Identifier: MIT

import Kernels
import ONNX
import Runtime
import Tensors
import TestSupport
import Testing

/// Networks that ONNX Runtime quantised, against its answers.
@Suite("networks quantised by ONNX Runtime")
struct ONNXRuntimeTests {
    @Test(
        "run in integers, right to the quantised step",
        arguments: ["residual-u8", "residual-s8", "separable-u8"])
    func agrees(name: String) throws {
        let folder = goldensFolder()
        let golden = try Golden(path: "\(folder)/\(name).golden")
        let step = try #require(Float(try golden.text("step")))
        let (input, expected) = (try golden.tensor("input"), try golden.tensor("output"))
        let graph = try ONNXModel(path: "\(folder)/\(name).onnx").graph()
        let count = input.shape.dropFirst().reduce(1, *)
        let classes = expected.shape[1]
        var answers: [[Float]] = []
        for kernels in KernelTable.available {
            let plan = try Plan(graph, kernels: kernels)
            let inFloats = plan.summaries.filter { !$0.algorithm.hasPrefix("int8") && $0.multiplyAdds > 0 }
            #expect(inFloats.isEmpty, "\(inFloats.map(\.operation))")
            #expect(!plan.summaries.contains { $0.algorithm == "reference" }, "\(plan.summaries.map(\.operation))")
            let session = try Session(plan)
            var steps: [Int] = []
            var all: [Float] = []
            for image in 0..<input.shape[0] {
                let tensor = Tensor(
                    Array(input.values[(image * count)..<((image + 1) * count)]),
                    shape: Shape([1] + input.shape.dropFirst()))
                let actual = try session.run(inputs: [tensor])[0].floats()
                all += actual
                for (index, value) in actual.enumerated() {
                    steps.append(Int(((value - expected.values[image * classes + index]) / step).rounded()))
                }
            }
            answers.append(all)
            #expect(steps.allSatisfy { abs($0) <= 1 }, "\(kernels.name): \(steps)")
            // Where a half is rounded, the two may part.
            #expect(steps.count { $0 != 0 } <= steps.count / 4, "\(kernels.name): \(steps)")
        }
        #expect(answers.allSatisfy { $0 == answers[0] })
    }
}
