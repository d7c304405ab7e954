// SPDX-License-Identifier: MIT

import Models
import Tensors
import TestSupport
import Testing

@Suite("Architecture")
struct ArchitectureTests {
    static let all: [Architecture] =
        [.mnistCNN, .mnistMLP]
        + EfficientNetConfiguration.Family.allCases.flatMap { family in
            (0..<8).map { .efficientNet(EfficientNetConfiguration(variant: $0, family: family, classes: 5)) }
        }

    /// Weights of the right names and shapes, all zeros.
    private func zeros(
        for architecture: Architecture, prefix: String = "", change: (String, Shape) -> (String, Shape)? = { ($0, $1) }
    ) throws -> StateDict {
        try StateDict(
            architecture.expectedWeights().compactMap { name, shape in
                change(name, shape).map { (prefix + $0.0, Tensor(shape: $0.1) { _ in }) }
            })
    }

    @Test("each is recognised by its weights alone", arguments: all.filter { $0.inputShape[1] < 300 })
    func recognisesEach(architecture: Architecture) throws {
        let found = try Architecture.recognised(in: zeros(for: architecture))
        #expect(found.name == architecture.name)
        #expect(found.family == architecture.family)
        #expect(found.classes == architecture.classes)
    }

    @Test("wrappers' prefixes don't matter", arguments: ["module.", "model.", "module.model.", "_orig_mod.module."])
    func ignoresWrappers(prefix: String) throws {
        let found = try Architecture.recognised(in: zeros(for: .mnistCNN, prefix: prefix))
        #expect(found.name == "mnist-cnn")
    }

    @Test("counts of training steps are no surprise")
    func ignoresTrainingCounts() throws {
        let architecture = Architecture.efficientNet(
            EfficientNetConfiguration(variant: 0, family: .efficientNetPyTorch, classes: 4))
        var entries = try zeros(for: architecture).entries
        entries.append(("_bn0.num_batches_tracked", Tensor([1], shape: [])))
        #expect(try Architecture.recognised(in: StateDict(entries)).name == "efficientnet-b0")
    }

    @Test("a missing, a left over and a misshapen weight are told, with the nearest architecture")
    func tellsWhatDoesNotFit() throws {
        let weights = try zeros(for: .mnistCNN) { name, shape in
            switch name {
            case "conv1.bias": nil
            case "conv2.bias": ("conv2.offset", shape)
            case "fc2.weight": (name, [11, 128])
            default: (name, shape)
            }
        }
        #expect {
            _ = try Architecture.recognised(in: weights)
        } throws: { error in
            guard case ModelError.unrecognised(nearest: let audit?) = error else { return false }
            return audit.architecture == "mnist-cnn" && audit.missing == ["conv1.bias", "conv2.bias"]
                && audit.unexpected == ["conv2.offset"] && audit.mismatched.map(\.name) == ["fc2.weight"]
                && audit.mismatched.map(\.actual) == [[11, 128]]
        }
    }

    @Test("weights of no known network are refused without a guess")
    func refusesStrangers() throws {
        let weights = try StateDict([("lstm.weight_ih_l0", Tensor([1], shape: [1]))])
        #expect(throws: ModelError.unrecognised(nearest: nil)) { _ = try Architecture.recognised(in: weights) }
    }

    @Test("an architecture's name is needed as it is")
    func refusesUnknownNames() throws {
        let weights = try StateDict([])
        #expect(throws: ModelError.unknownArchitecture("resnet", known: Architecture.names)) {
            _ = try Architecture.named("resnet", for: weights)
        }
    }

    @Test("the configuration table gives the published numbers of parameters")
    func countsParameters() {
        // torchvision's documentation of its weights: 5.3, 7.8, 9.1, 12.2, 19.3, 30.4, 43.0 and 66.3 million.
        let published = [5_288_548, 7_794_184, 9_109_994, 12_233_232, 19_341_616, 30_389_784, 43_040_704, 66_347_960]
        for (variant, expected) in published.enumerated() {
            let configuration = EfficientNetConfiguration(variant: variant, family: .torchvision, classes: 1000)
            let trained = Architecture.efficientNet(configuration).expectedWeights().filter {
                !$0.name.hasSuffix("running_mean") && !$0.name.hasSuffix("running_var")
            }
            #expect(trained.reduce(0) { $0 + $1.shape.elementCount } == expected)
        }
    }
}
