// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Means and variances, softmax.
    static var normalizations: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = [
            "aten.batch_norm.default": { [.value(try batchNorm($0, isTrained: $0.flag("training")))] },
            "aten._native_batch_norm_legit_no_training.default": { [.value(try batchNorm($0)), nil, nil] },
            "aten._native_batch_norm_legit.default": {
                [.value(try batchNorm($0, isTrained: $0.flag("training"))), nil, nil]
            },
            "aten.native_batch_norm.default": {
                [.value(try batchNorm($0, isTrained: $0.flag("training"))), nil, nil]
            },
            "aten._native_batch_norm_legit_functional.default": { throw $0.trainingFault },
            "aten._native_batch_norm_legit.no_stats": { call in
                call.ignore("training")
                return [.value(try batchNorm(call, isTrained: true)), nil, nil]
            },
            "aten.layer_norm.default": { [.value(try layerNorm($0))] },
            "aten.native_layer_norm.default": { [.value(try layerNorm($0)), nil, nil] },
            "aten.group_norm.default": { call in
                let groups = try call.int("num_groups", 1)
                return [.value(try groupNorm(call, groups))]
            },
            "aten.native_group_norm.default": { call in
                call.ignore("N", "C", "HxW")
                let groups = try call.int("group", 1)
                return [.value(try groupNorm(call, groups)), nil, nil]
            },
            "aten.instance_norm.default": { call in
                // With statistics of its own it is a batch norm.
                if try !call.flag("use_input_stats") { return [.value(try batchNorm(call))] }
                call.ignore("running_mean", "running_var", "momentum", "cudnn_enabled")
                return [
                    .value(
                        try groupNorm(call, max(1, call.shape(call.tensor("input")).dimensions.dropFirst().first ?? 1)))
                ]
            },
            "aten.rms_norm.default": rmsNorm,
            "aten.softmax.int": { [.value(try softmax($0, isLogarithm: false))] },
            "aten._softmax.default": { [.value(try softmax($0, isLogarithm: false))] },
            "aten._safe_softmax.default": { call in
                let x = try call.tensor("self")
                guard try call.axis(call.int("dim", -1), of: call.shape(x).rank) == call.shape(x).rank - 1 else {
                    throw call.unsupported("an axis before the last")
                }
                let result = try softmax(call, isLogarithm: false)
                return [.value(try call.add(Where(), call.hasFinite(x), result, call.constant(0, call.type(result))))]
            },
            "aten.log_softmax.int": { [.value(try softmax($0, isLogarithm: true))] },
            "aten._log_softmax.default": { [.value(try softmax($0, isLogarithm: true))] },
        ]
        all["aten.special_softmax.int"] = all["aten.softmax.int"]
        return all
    }

    /// - Parameter isTrained: Whether the statistics are those of the input. Those of one image are what instance norm is made of:
    ///   weights are standardised so. Those of several belong to training.
    private static func batchNorm(_ call: Call, isTrained: Bool = false) throws -> Graph.ValueID {
        call.ignore("momentum", "cudnn_enabled")
        let x = try call.tensor("input")
        let shape = call.shape(x)
        guard shape.rank >= 2 else { throw call.invalid("takes [N, C, ...], not \(shape)") }
        if isTrained {
            let statistics = [try call.optional("running_mean"), try call.optional("running_var")]
            guard shape[0] == 1, statistics.allSatisfy({ $0 == nil }) else { throw call.trainingFault }
            return try groupNorm(call, max(1, shape[1]))
        }
        guard let mean = try call.optional("running_mean"), let variance = try call.optional("running_var") else {
            throw call.trainingFault
        }
        let channels = Shape([shape[1]])
        let weight = try call.optional("weight") ?? call.full(1, call.type(x), channels)
        let bias = try call.optional("bias") ?? call.full(0, call.type(x), channels)
        let op = BatchNormalization(epsilon: try call.double("eps", 1e-5))
        return try call.add(op, x, weight, bias, mean, variance)
    }

    private static func layerNorm(_ call: Call) throws -> Graph.ValueID {
        call.ignore("cudnn_enable")
        let x = try call.tensor("input")
        let shape = call.shape(x)
        guard let sizes = try call.ints("normalized_shape"), !sizes.isEmpty, sizes.count <= shape.rank,
            Array(shape.dimensions.suffix(sizes.count)) == sizes
        else { throw call.invalid("normalized_shape does not fit \(shape)") }
        var parameters = [try call.optional("weight")].compactMap(\.self)
        if let bias = try call.optional("bias") {
            if parameters.isEmpty { parameters.append(try call.full(1, call.type(x), Shape(sizes))) }
            parameters.append(bias)
        }
        let op = LayerNormalization(axis: shape.rank - sizes.count, epsilon: try call.double("eps", 1e-5))
        return try call.addAll(op, [x] + parameters)[0]
    }

    private static func groupNorm(_ call: Call, _ groups: Int) throws -> Graph.ValueID {
        call.ignore("cudnn_enabled")
        let x = try call.tensor("input")
        let shape = call.shape(x)
        guard shape.rank >= 2, groups > 0 else { throw call.invalid("\(groups) groups of \(shape)") }
        let channels = Shape([shape[1]])
        let weight = try call.optional("weight") ?? call.full(1, call.type(x), channels)
        let bias = try call.optional("bias") ?? call.full(0, call.type(x), channels)
        return try call.add(GroupNormalization(groups: groups, epsilon: call.double("eps", 1e-5)), x, weight, bias)
    }

    private static func rmsNorm(_ call: Call) throws -> [CallResult?] {
        let x = try call.tensor("input")
        let shape = call.shape(x)
        guard let sizes = try call.ints("normalized_shape"), !sizes.isEmpty, sizes.count <= shape.rank else {
            throw call.invalid("normalized_shape does not fit \(shape)")
        }
        // PyTorch's own epsilon is the type's smallest step at 1.
        let epsilon = try call.double("eps") ?? (call.type(x) == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne))
        let weight = try call.optional("weight") ?? call.full(1, call.type(x), Shape(checking: sizes))
        return [.value(try call.add(RMSNormalization(axis: shape.rank - sizes.count, epsilon: epsilon), x, weight))]
    }

    private static func softmax(_ call: Call, isLogarithm: Bool) throws -> Graph.ValueID {
        call.ignore("half_to_float")
        var x = try call.tensor("self")
        if let type = try call.elementType("dtype") { x = try call.cast(x, to: type) }
        let axis = try call.axis(call.int("dim", -1), of: call.shape(x).rank)
        return try call.add(Softmax(axis: axis, isLogarithm: isLogarithm), real(call, x))
    }
}

extension Call {
    var trainingFault: CallFault {
        invalid("the model was exported while it trains: call model.eval() and export it again")
    }
}
