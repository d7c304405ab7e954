// SPDX-License-Identifier: MIT

import Inference
import TestSupport
import Testing

@Suite("predictors that take turns")
struct TakingTurnsTests {
    @Test(
        "share the memory of the largest, and answer with the bits of those that have their own",
        arguments: [["mnist", "rotation", "mnist-mlp"], ["mnist-mlp", "mnist", "rotation"]])
    func answers(names: [String]) throws {
        let models = try names.map { try LoadedModel($0, in: .standard()) }
        let predictors = try Predictor.takingTurns(models)
        #expect(predictors.count == models.count)
        for count in [1, 3, 2] {
            for (model, predictor) in zip(models, predictors) {
                let input = randomFloats(count * model.inputCount, seed: UInt64(count))
                let expected = try Predictor(model).logits(of: input, count: count)
                #expect(predictor.logits(of: input, count: count) == expected, "\(model.description.name), \(count)")
                predictor.giveBackMemory()
                #expect(predictor.logits(of: input, count: count) == expected, "\(model.description.name), again")
            }
        }
    }
}
