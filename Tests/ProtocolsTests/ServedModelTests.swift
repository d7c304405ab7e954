// SPDX-License-Identifier: MIT

import Protocols
import Testing

@Suite("ServedModel")
struct ServedModelTests {
    @Test("scores are told under names of which each stands once")
    func scoreNames() {
        let model = ServedModel(
            name: "birds", version: "1", architecture: "net", task: .classification, inputShape: [3, 8, 8],
            labels: ["crane", "owl", "crane"])
        #expect(model.scoreNames == ["crane (0)", "owl", "crane (2)"] && model.labels == ["crane", "owl", "crane"])
    }
}
