// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Other types, and what does nothing when a network answers.
    static var types: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = [
            "aten.clone.default": { [.value(try copy($0))] },
            "aten.type_as.default": { call in
                let other = try call.type(call.tensor("other"))
                return [try cast(call, other)]
            },
            "aten.to.other": { call in
                call.ignore("non_blocking", "copy")
                let other = try call.type(call.tensor("other"))
                return [try cast(call, other)]
            },
            "aten.view.dtype": { [try bits($0)] },
            "aten.contiguous.default": { call in
                // A tensor that lies there in order is the same one; whether it does is not known here.
                let (base, id) = try call.base()
                return [.tensor(Binding(base, [], value: id, isCertain: false))]
            },
        ]
        for overload in ["dtype", "dtype_layout", "device"] {
            all["aten.to.\(overload)"] = { call in
                call.ignore("non_blocking", "copy", "layout", "device", "pin_memory")
                return [try cast(call, call.elementType("dtype"))]
            }
        }
        all["aten._to_copy.default"] = { call in
            call.ignore("non_blocking", "layout", "device", "pin_memory")
            let x = try call.tensor("self")
            return [.value(try call.cast(x, to: call.elementType("dtype") ?? call.type(x)))]
        }
        all["prims.convert_element_type.default"] = { call in
            let x = try call.tensor("a")
            return [.value(try call.cast(x, to: call.elementType("dtype") ?? call.type(x)))]
        }
        let types: [String: ElementType] = [
            "float": .float32, "double": .float64, "long": .int64, "int": .int32, "bool": .bool,
        ]
        for (name, type) in types { all["aten.\(name).default"] = { [try cast($0, type)] } }
        for name in ["alias", "detach", "lift_fresh_copy", "lift_fresh", "alias_copy", "detach_copy"] {
            all["aten.\(name).default"] = { [.tensor(try $0.binding("self"))] }
        }
        for name in ["dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout"] {
            all["aten.\(name).default"] = { call in
                call.ignore("p")
                guard try !call.flag("train") else { throw call.trainingFault }
                // In place its first argument is called otherwise.
                let name = call.node.inputs.first?.name ?? "input"
                return [.tensor(try call.binding(name))]
            }
        }
        for name in [
            "_assert_tensor_metadata", "_assert_async", "_assert_scalar", "sym_constrain_range_for_size",
            "sym_constrain_range",
        ] {
            for overload in ["default", "msg"] { all["aten.\(name).\(overload)"] = nothing }
        }
        return all
    }

    /// A check that has been made when the program was exported.
    private static let nothing: AtenTranslator = { call in
        call.readAllArguments()
        return [nil]
    }

    /// A value of its own, which what is later written to the other does not change: values never change.
    private static func copy(_ call: Call) throws -> Graph.ValueID { try call.tensor("self") }

    /// The same bits as another type. Memory that is later written through either name is not followed.
    private static func bits(_ call: Call) throws -> CallResult {
        let (base, id) = try call.base()
        guard let type = try call.elementType("dtype") else { throw call.invalid("argument 'dtype' is missing") }
        // Halves are computed as Float32: their bits are not there.
        guard !call.isHalf("self"), !call.isHalf("dtype") else { throw call.unsupported("the bits of halves") }
        if type == call.type(id) { return .tensor(base) }
        return .tensor(Binding(base, [], value: try call.add(BitCast(to: type), id), isCertain: false))
    }

    private static func cast(_ call: Call, _ type: ElementType?) throws -> CallResult {
        let (base, id) = try call.base()
        guard let type, type != call.type(id) else { return .tensor(base) }
        return .value(try call.cast(id, to: type))
    }
}

extension Call {
    /// Whether the program has a tensor, or an element type, of halves, which are widened here.
    fileprivate func isHalf(_ name: String) -> Bool {
        let declared: Int? =
            switch node.inputs.first(where: { $0.name == name })?.argument {
            case .tensor(let tensor)?: importer.hints[tensor]?.scalarType
            case .scalarType(let number)?, .number(.int(let number))?: number
            default: nil
            }
        guard let type = declared.flatMap({ ElementType(scalarType: $0) }) else { return false }
        return type.widened != type
    }
}
