// SPDX-License-Identifier: MIT

import JSON

/// What a request gives a model, whichever protocol it came by.
package enum ModelInput: Equatable, Sendable {
    /// Numbers as the network takes them, row by row.
    case rows([Float], count: Int)
    /// Values of 0 to 255 in the model's own size, channels last, image by image.
    case pixels([UInt8], count: Int)
    /// Encoded images.
    case images([[UInt8]])

    /// How many rows or images there are.
    package var count: Int {
        switch self {
        case .rows(_, let count), .pixels(_, let count): count
        case .images(let images): images.count
        }
    }

    /// Checks that numbers are 0 to 255, and makes bytes of them; fractions are rounded.
    ///
    /// - Throws: ``RequestRefusal``.
    static func pixels(_ values: [Float]) throws -> [UInt8] {
        if let bytes = wholePixels(values) { return bytes }
        return try values.map { value in
            guard value >= 0, value <= 255 else {
                throw RequestRefusal(.badRequest, "a pixel is \(value); expected 0 to 255")
            }
            let whole = UInt8(value)
            return value - Float(whole) >= 0.5 ? whole + 1 : whole
        }
    }

    /// Bytes of whole numbers of 0 to 255, as most pixels are; nil if there is another number among them.
    private static func wholePixels(_ values: [Float]) -> [UInt8]? {
        // Added to a number below, this leaves the rounded number in the last bits.
        let shift: Float = 8_388_608
        var others: UInt32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: values.count) { bytes, count in
            values.withUnsafeBufferPointer { values in
                for index in values.indices {
                    let shifted = values[index] + shift
                    let whole = shifted.bitPattern &- shift.bitPattern
                    others |= (whole & ~255) | (shifted - shift == values[index] ? 0 : 1)
                    bytes[index] = UInt8(truncatingIfNeeded: whole)
                }
            }
            count = values.count
        }
        return others == 0 ? bytes : nil
    }

    /// Refuses numbers that no network can make anything of: NaN and infinities.
    ///
    /// - Throws: ``RequestRefusal``.
    static func checkFinite(_ values: [Float]) throws {
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw RequestRefusal(
            .badRequest, "number \(index + 1) of the input is \(values[index]); expected finite numbers that fit FP32")
    }

    static func tooMany(_ limit: Int) -> RequestRefusal {
        RequestRefusal(.contentTooLarge, "the request has more than \(limit) rows or images")
    }
}
