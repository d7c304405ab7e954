// SPDX-License-Identifier: MIT

import Testing

@testable import Protocols

@Suite struct ModelInputTests {
    @Test func everyByteStaysItself() throws {
        #expect(try ModelInput.pixels((0...255).map(Float.init)) == Array(0...255))
        #expect(try ModelInput.pixels([-0.0]) == [0])
        #expect(try ModelInput.pixels([]) == [])
    }

    /// One fraction among whole numbers, wherever it stands, is rounded, and halves go up.
    @Test(arguments: [(0.49999997, 0), (0.5, 1), (1.5, 2), (2.5, 3), (254.49, 254), (254.5, 255)] as [(Float, UInt8)])
    func fractionsAreRounded(value: Float, byte: UInt8) throws {
        for place in [0, 1, 7, 16] {
            var values = [Float](repeating: 9, count: 17)
            values[place] = value
            var bytes = [UInt8](repeating: 9, count: 17)
            bytes[place] = byte
            #expect(try ModelInput.pixels(values) == bytes)
        }
    }

    @Test(arguments: [-1, -0.25, 255.25, 256, 511, 65_536, 8_388_608, 1e30, -.infinity, .infinity, .nan] as [Float])
    func othersAreRefused(value: Float) {
        for place in [0, 3, 16] {
            var values = [Float](repeating: 9, count: 17)
            values[place] = value
            #expect(throws: RequestRefusal.self) { try ModelInput.pixels(values) }
        }
    }
}
