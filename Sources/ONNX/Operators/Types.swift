// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Other types, and the same value under another name.
    static var types: [String: Translator] {
        [
            "Cast": { context in
                context.ignore("saturate", "round_mode")
                let number = try context.int("to", 0)
                guard let type = ElementType(onnx: number) else {
                    throw context.unsupported("the type \(TensorMessage.typeName(number))")
                }
                return [try context.cast(context.input(0), to: type)]
            },
            "CastLike": { context in
                context.ignore("saturate", "round_mode")
                return [try context.cast(context.input(0), to: context.fact(context.input(1)).elementType)]
            },
            "BitCast": { context in
                let number = try context.int("to", 0)
                guard let type = ElementType(onnx: number) else {
                    throw context.unsupported("the type \(TensorMessage.typeName(number))")
                }
                return [try context.add(BitCast(to: type), context.input(0))]
            },
            "Identity": { [try $0.input(0)] },
            "Dropout": dropout,
        ]
    }

    /// Does nothing when a network answers.
    private static func dropout(_ context: NodeContext) throws -> [Graph.ValueID?] {
        context.ignore("ratio", "seed", "is_test", "consumed_inputs")
        let x = try context.input(0)
        if try context.integers(2, "training_mode")?.first ?? 0 != 0 {
            // A ratio of zero drops nothing, even in training.
            guard try context.numbers(1, "ratio")?.first == 0 else { throw context.unsupported("training_mode 1") }
        }
        guard context.node.outputs.count > 1 else { return [x] }
        let shape = context.shape(x)
        let mask = try Tensor([Double](repeating: 1, count: shape.elementCount), as: .bool, shape: shape)
        return [x, try context.constant(mask)]
    }
}
