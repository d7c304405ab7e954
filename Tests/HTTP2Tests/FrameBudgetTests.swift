// SPDX-License-Identifier: MIT

import Testing

@testable import HTTP2

@Suite struct FrameBudgetTests {
    private func frame(_ type: UInt8, length: Int) -> [UInt8] {
        [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, 0, 0, 0, 0, 1]
            + [UInt8](repeating: 0, count: length)
    }

    private func left(_ bytes: [UInt8], pieceSize: Int) -> Int? {
        var budget = FrameBudget(limit: 10)
        for start in stride(from: 0, to: bytes.count, by: pieceSize) {
            let piece = bytes[start..<min(start + pieceSize, bytes.count)]
            if !piece.withUnsafeBytes({ budget.take($0) }) { return nil }
        }
        return budget.left
    }

    @Test(arguments: [1, 7, 9, 1000]) func framesAreCountedHoweverTheyAreCut(pieceSize: Int) {
        let pings = (0..<4).flatMap { _ in frame(6, length: 8) }
        #expect(left(pings, pieceSize: pieceSize) == 6)
        #expect(left(pings + frame(0, length: 63), pieceSize: pieceSize) == 5)
        #expect(left(pings + frame(0, length: 64), pieceSize: pieceSize) == 6)
        #expect(left(pings + frame(0, length: 16_384), pieceSize: pieceSize) == 10)
        // An unknown frame, whatever it holds, earns nothing.
        #expect(left(pings + frame(99, length: 16_384), pieceSize: pieceSize) == 5)
    }

    @Test func theEleventhFrameWithoutContentIsTooMany() {
        let empty = (0..<10).flatMap { _ in frame(0, length: 0) }
        #expect(left(empty, pieceSize: 1) == 0)
        #expect(left(empty + frame(2, length: 5), pieceSize: 1) == nil)
    }
}
