// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// What becomes of an element where another one is written.
public enum ScatterReduction: String, Sendable, Hashable {
    /// It is replaced; the last one wins.
    case none
    case add
    case mul
    case max
    case min

    /// The data with updates applied at some places, in order.
    func applied(_ pairs: [(target: Int, source: Int)], to data: Tensor, updates: Tensor) throws -> Tensor {
        guard self != .none else { return try data.replacing(pairs, by: updates) }
        let function: Binary.Function =
            switch self {
            case .none, .add: .add
            case .mul: .mul
            case .max: .max
            case .min: .min
            }
        if data.elementType.isFloatingPoint {
            var values = data.doubles()
            let others = updates.doubles()
            for pair in pairs { values[pair.target] = function.ofReals(values[pair.target], others[pair.source]) }
            return try Tensor(values, as: data.elementType, shape: data.shape)
        }
        var values = data.integers()
        let others = updates.integers()
        for pair in pairs {
            let (old, new) = (values[pair.target], others[pair.source])
            values[pair.target] =
                switch self {
                case .none: new
                case .add: old &+ new
                case .mul: old &* new
                case .max: Swift.max(old, new)
                case .min: Swift.min(old, new)
                }
        }
        return try Tensor(values, as: data.elementType, shape: data.shape)
    }
}
