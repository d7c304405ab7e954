// SPDX-License-Identifier: MIT

import Protocols
import Testing

@Suite("ServedModel")
struct ServedModelTests {
    @Test(
        "scores are told under names of which each stands once",
        arguments: [
            (["crane", "owl", "crane"], ["crane (0)", "owl", "crane (2)"]),
            (["crane", "crane (0)", "crane"], ["crane (0) (0)", "crane (0)", "crane (2)"]),
        ])
    func scoreNames(labels: [String], names: [String]) {
        let model = ServedModel(
            name: "birds", version: "1", architecture: "net", task: .classification, inputShape: [3, 8, 8],
            labels: labels)
        #expect(model.scoreNames == names && model.labels == labels)
    }
}
