// SPDX-License-Identifier: MIT

import Tensors

/// How constants are packed, in a few words that tell each way from the others.
struct Packing: Hashable, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// The numbers as they are.
    static let plain = Packing("plain")
}

/// Constants that were packed in one way, known by where their bytes stand.
struct PackedConstants: Hashable, Sendable {
    private struct Constant: Hashable, Sendable {
        let address: Int
        let byteCount: Int
    }

    private let constants: [Constant]
    private let packing: Packing

    init(_ tensors: [Tensor], _ packing: Packing) {
        constants = tensors.map {
            Constant(address: Int(bitPattern: $0.storage.bytes.baseAddress) + $0.byteOffset, byteCount: $0.byteCount)
        }
        self.packing = packing
    }
}
