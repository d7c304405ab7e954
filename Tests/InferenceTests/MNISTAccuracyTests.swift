// SPDX-License-Identifier: MIT

import Images
import Inference
import Kernels
import TestSupport
import Testing

@Suite("The digit models on MNIST's test digits", .enabled(if: MNISTDigits.areAvailable, "\(MNISTDigits.absence)"))
struct MNISTAccuracyTests {
    @Test(
        "all 10,000 get PyTorch's class and logits, and the accuracy is as stated", arguments: ["mnist", "mnist-mlp"])
    func allDigits(model name: String) throws {
        let digits = try MNISTDigits()
        let model = try LoadedModel(name, in: ModelRepository(path: packageFolder + "/Weights"))
        let predictor = try Predictor(model)
        let golden = try #require(try Golden.all(prefix: "digits-").first { $0.name == "digits-" + name })
        let expected = try golden.tensor("logits").values
        var logits: [Float] = []
        for first in stride(from: 0, to: 10000, by: 100) {
            let batch = digits.images[first..<(first + 100)].flatMap { $0 }
            logits += try predictor.logits(pixels: batch).flatMap { $0 }
        }
        expectClose(logits, expected, .smallNetwork, name)
        let classes = (0..<10000).map { largest(logits, $0) }
        let different = (0..<10000).filter { classes[$0] != largest(expected, $0) }
        #expect(different.isEmpty)
        let right = zip(classes, digits.labels).count { $0 == $1 }
        let stated = model.description.versions[String(model.version)]?.testAccuracy
        #expect(stated == Double(right) / 10000)
        #expect(right >= (name == "mnist" ? 9940 : 9780))
    }

    @Test("a digit in MNIST's form passes the preparation unchanged")
    func mnistFormPasses() throws {
        let digits = try MNISTDigits()
        for pixels in digits.images.prefix(1000) {
            let image = try Image(width: 28, height: 28, format: .gray8, pixels: pixels)
            #expect(try DigitPreparation.prepared(image) == image)
        }
    }

    @Test("at least 98 % of 1,000 digits drawn large, dark on noisy paper and off-centre are read right")
    func drawnDigits() throws {
        let digits = try MNISTDigits()
        let predictor = try Predictor(LoadedModel("mnist", in: ModelRepository(path: packageFolder + "/Weights")))
        var generator = SeededGenerator(seed: 10)
        var wrong: [Int] = []
        for index in 0..<1000 {
            let page = try drawn(digits.images[index], &generator)
            let prediction = try predictor.predict(ImageEncoder.png(page))
            if prediction.classIndex != digits.labels[index] { wrong.append(index) }
        }
        #expect(wrong.count <= 20, "\(wrong.count) of 1,000 are wrong: \(wrong)")
    }

    /// A digit ten times as large, as dark ink somewhere on a wide sheet of noisy off-white paper.
    private func drawn(_ pixels: [UInt8], _ generator: inout SeededGenerator) throws -> Image {
        let digit = try Image(width: 28, height: 28, format: .gray8, pixels: pixels).resized(width: 280, height: 280)
        let (width, height) = (
            Int.random(in: 450...700, using: &generator), Int.random(in: 450...700, using: &generator)
        )
        let left = Int.random(in: 40...(width - 320), using: &generator)
        let top = Int.random(in: 40...(height - 320), using: &generator)
        let paper = Int.random(in: 215...245, using: &generator)
        let ink = Int.random(in: 20...80, using: &generator)
        var page = [UInt8](repeating: 0, count: width * height)
        for y in 0..<height {
            for x in 0..<width {
                let isInside = (left..<(left + 280)).contains(x) && (top..<(top + 280)).contains(y)
                let depth = isInside ? Int(digit.pixels[(y - top) * 280 + x - left]) : 0
                let noise = Int.random(in: -12...12, using: &generator)
                page[y * width + x] = UInt8(clamping: paper - (paper - ink) * depth / 255 + noise)
            }
        }
        return try Image(width: width, height: height, format: .gray8, pixels: page)
    }

    private func largest(_ logits: [Float], _ row: Int) -> Int? {
        (0..<10).max { logits[row * 10 + $0] < logits[row * 10 + $1] }
    }
}
