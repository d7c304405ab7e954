// SPDX-License-Identifier: MIT

import BLAS
import Checkpoints
import Kernels
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite("The shipped networks with OpenBLAS's products")
struct LibraryProductTests {
    private func network(_ model: String) throws -> any Network {
        let weights = try Checkpoint.open(path: newestWeights(of: model)).stateDict
        return try Architecture.recognised(in: weights).makeNetwork(weights)
    }

    @Test(
        "answers are within 1e-5 of the packed kernel's, and their bits don't depend on batch, place or threads",
        arguments: ["mnist", "rotation"])
    func answersAgree(model: String) throws {
        let products = try MatrixProducts.select(named: nil, isVectorLevel: false) { OpenBLAS.shared }
        #expect(products.library != nil)
        let portable = try #require(KernelTable.available.last)
        let shape: Shape = model == "mnist" ? [1, 28, 28] : [3, 224, 224]
        let network = try network(model)
        let plan = try Plan(network, input: shape, kernels: portable, products: products)
        #expect(plan.summaries.contains { $0.algorithm.contains("openblas") })
        let packed = try Plan(network, input: shape, kernels: portable, products: .packed(because: "of a test"))
        let images = model == "mnist" ? 9 : 3
        let pictures =
            model == "mnist"
            ? Tensor(randomFloats(images * 784, seed: 3), shape: [images, 1, 28, 28])
            : syntheticPictures(count: images, size: 224)
        let logits = try Session(plan).run(pictures).floats()
        let expected = try Session(packed).run(pictures).floats()
        let classes = logits.count / images
        for image in 0..<images {
            let range = image * classes..<(image + 1) * classes
            for (actual, other) in zip(
                plan.probabilities(ofLogits: Array(logits[range])),
                packed.probabilities(ofLogits: Array(expected[range])))
            {
                #expect(abs(actual - other) <= 1e-5, "\(model), image \(image)")
            }
        }
        let values = pictures.floats()
        for threads in [1, 2, 3] {
            let session = try Session(plan, threads: threads, leastSharedWork: 0)
            for (first, count) in [(0, images), (1, images - 1), (images - 1, 1), (0, 2)] {
                let part = Tensor(
                    Array(values[first * shape.elementCount..<(first + count) * shape.elementCount]),
                    shape: Shape([count] + shape.dimensions))
                expectClose(
                    try session.run(part).floats(), Array(logits[first * classes..<(first + count) * classes]), .exact,
                    "\(model), \(count) images from \(first), \(threads) threads")
            }
        }
    }
}
