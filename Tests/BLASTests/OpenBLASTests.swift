// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import BLAS

@Suite("OpenBLAS")
struct OpenBLASTests {
    @Test("a product is added to the output, between the columns that it leaves alone")
    func addsProducts() throws {
        let library = try OpenBLAS.shared.get()
        for (m, n, k) in [(1, 1, 1), (7, 5, 3), (49, 33, 130), (130, 70, 400)] {
            let (inputStride, weightsStride, outputStride) = (k + 3, n + 2, n + 5)
            let input = randomFloats(m * inputStride, seed: 1)
            let weights = randomFloats(k * weightsStride, seed: 2)
            let before = randomFloats(m * outputStride, seed: 3)
            var output = before
            library.addProduct(&output, outputStride, input, inputStride, weights, weightsStride, m: m, n: n, k: k)
            var expected = before
            for row in 0..<m {
                for column in 0..<n {
                    var sum = Double(before[row * outputStride + column])
                    for depth in 0..<k {
                        sum +=
                            Double(input[row * inputStride + depth]) * Double(weights[depth * weightsStride + column])
                    }
                    expected[row * outputStride + column] = Float(sum)
                }
            }
            expectClose(output, expected, .accumulated, "\(m) x \(n) x \(k)")
        }
    }

    @Test("it has one thread")
    func hasOneThread() throws {
        #expect(try OpenBLAS.shared.get().threadCount == 1)
    }

    @Test("a library that isn't there, or isn't OpenBLAS, is an error that says so")
    func refusesOtherLibraries() {
        let missing = #expect(throws: OpenBLASError.self) { try OpenBLAS(opening: "libnothing.so.7") }
        #expect(missing?.description.contains("libnothing.so.7: cannot open shared object file") == true)
        let other = #expect(throws: OpenBLASError.self) { try OpenBLAS(opening: "libz.so.1") }
        #expect(other == .missingFunction("openblas_get_parallel", library: "libz.so.1"))
    }
}
