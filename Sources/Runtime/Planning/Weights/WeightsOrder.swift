// SPDX-License-Identifier: MIT

import Kernels

/// What a run reads of the prepared weights after the weights of a product: known when all steps are.
final class WeightsOrder {
    /// Offsets of the products of images, in order: they take long enough to ask memory for what follows them.
    var products: [Int] = []
    /// Bytes of all weights.
    var byteCount = 0

    /// The weights from an offset on that are read before the next product's, and the first of those.
    func following(_ offset: Int) -> Range<Int> {
        let next = products.first { $0 >= offset } ?? byteCount
        return min(offset, byteCount)..<min(next + Self.firstOfNext, byteCount)
    }

    /// Bytes: the first panels of most products.
    private static let firstOfNext = CacheSizes.l2Bytes / 16
}
