// SPDX-License-Identifier: MIT

import BLAS
import Kernels

/// What the planner knows of the processor.
struct Machine: Sendable {
    /// The families of kernels, and whose they are.
    let families: [KernelFamily]
    /// Values in a vector.
    let lanes: Int
    /// Bytes of the cache that each core has for itself.
    var l2Bytes: Int { CacheSizes.l2Bytes }

    /// Whose products of matrices there are.
    let products: MatrixProducts

    init(_ kernels: KernelTable, _ products: MatrixProducts) {
        families = kernels.families
        lanes = kernels.panelWidth
        self.products = products
    }

    /// Vectors that some values fill.
    func vectors(_ count: Int) -> Int { (count + lanes - 1) / lanes }

    /// Nanoseconds that a core takes for so many multiply-adds of vectors, from memory that is near.
    ///
    /// One a cycle, at 2.5 GHz, two at a time: algorithms are compared by it, so that only ratios matter.
    func nanoseconds(multiplyAdds: Double) -> Double { multiplyAdds / 5 }
}
