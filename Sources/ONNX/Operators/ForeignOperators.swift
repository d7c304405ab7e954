// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// The translators of all operators that are known, by the operator's name, with its domain unless it is ONNX's own.
enum ForeignOperators {
    /// All of them; each family registers its own.
    static let all: [String: Translator] = [
        unary, binary, variadic, types, windows, products, normalizations, reductions, shapes, slices, selections,
        images, quantized, sources, control, microsoft,
    ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }
}
