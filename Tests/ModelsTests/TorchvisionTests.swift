// SPDX-License-Identifier: MIT

import Checkpoints
import Kernels
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite("torchvision's and timm's networks against PyTorch")
struct TorchvisionTests {
    static let libraries = ["torchvision", "timm"]

    /// A network of a library; timm's ResNets are those of torchvision.
    private func architecture(_ library: String, _ name: String, classes: Int) throws -> Architecture {
        let isTimm = library == "timm"
        let side = isTimm ? name.split(separator: "_").last.flatMap { Int($0) } : nil
        let family = isTimm ? "timm" : ""
        let ours = name.replacing("efficientnet_b", with: "efficientnet-b")
        return try #require(
            Architecture.named(name, family: family, classes: classes, side: side)
                ?? Architecture.named(name, family: "", classes: classes)
                ?? Architecture.named(ours, family: library, classes: classes))
    }

    @Test(
        "state dicts are recognised by their keys and give PyTorch's logits",
        arguments: try libraries.flatMap { try Golden.all(prefix: $0 + "-") }, KernelTable.available)
    func networkMatches(golden: Golden, kernels: KernelTable) throws {
        let name = try golden.text("name")
        // The larger ones take seconds on the portable level, and have no kernel that the smaller lack.
        guard ["resnet18", "mobilenet_v2"].contains(name) || kernels.name == KernelTable.available.first?.name else {
            return
        }
        let classes = try golden.numbers("classes")[0]
        let expected = try architecture(golden.text("family"), name, classes: classes)
        #if DEBUG
        // Making up more numbers takes a debug build minutes; the smaller networks of each family are tested in it.
        guard expected.expectedWeights().reduce(0, { $0 + $1.shape.elementCount }) < 12_000_000 else { return }
        #endif
        let weights = try syntheticWeights(for: expected, gain: #require(Double(golden.text("gain"))))
        let recognised = try Architecture.recognised(in: weights, hint: "/models/\(name)-0123abcd.pth")
        #expect(recognised.name == name && recognised.classes == classes)
        let size = try golden.numbers("size")[0]
        let plan = try Plan(recognised.makeNetwork(weights), input: [3, size, size], kernels: kernels)
        let logits = try Session(plan).run(syntheticPictures(count: 2, size: size)).floats()
        expectClose(logits, try golden.tensor("logits").values, .network, "\(golden) on \(kernels)")
        // The lengths of whole channels have no kernel yet.
        let isKnown = name.hasPrefix("convnextv2")
        #expect(
            isKnown || plan.summaries.allSatisfy { $0.algorithm != "reference" }, "a part of \(name) has no kernel")
    }

    @Test("names and shapes of all weights are the libraries'", arguments: libraries)
    func keysMatch(library: String) throws {
        let golden = try #require(Golden.all(prefix: "keys-\(library)").first)
        for name in try golden.text("names").split(separator: " ") {
            let weights = try architecture(library, String(name), classes: 7).expectedWeights()
            let text = weights.sorted { $0.name < $1.name }.map { "\($0.name) \($0.shape)\n" }.joined()
            let digest = Array(text.utf8).withUnsafeBytes { SHA256.hexadecimal(of: $0) }
            #expect(digest == (try golden.text("keys-\(name)")), "\(name)")
        }
    }

    @Test("photos are prepared as the libraries do it", arguments: libraries)
    func photosMatch(library: String) throws {
        let golden = try #require(Golden.all(prefix: "keys-\(library)").first)
        for name in try golden.text("names").split(separator: " ") {
            guard let expected = try? golden.text("photo-\(name)") else { continue }
            let photo = try #require(architecture(library, String(name), classes: 7).photo)
            let short = photo.shortSide.map(String.init) ?? "stretch"
            let words = expected.split(separator: " ").map(String.init)
            #expect(
                ["\(photo.side)", short, photo.isBicubic ? "bicubic" : "bilinear"] == words.prefix(3), "\(name)")
            #expect((photo.mean + photo.std) == words.dropFirst(3).compactMap { Float($0) }, "\(name)")
        }
    }

    @Test(
        "each is recognised among all by its weights' names and shapes, or one that has the same", arguments: libraries)
    func eachIsRecognised(library: String) throws {
        let golden = try #require(Golden.all(prefix: "keys-\(library)").first)
        for name in try golden.text("names").split(separator: " ") {
            let architecture = try architecture(library, String(name), classes: 7)
            let weights = try StateDict(
                architecture.expectedWeights().map { name, shape in (name, Tensor(placeholderOf: shape)) })
            let fitting = Architecture.fitting(weights)
            #expect(fitting.contains { $0.name == architecture.name && $0.classes == 7 }, "\(name)")
            #expect(fitting.count <= 2, "\(name) is taken for \(fitting.map(\.name))")
            #expect(try fitting.chosen(by: "\(architecture.name).pth")?.name == architecture.name)
        }
    }
}
