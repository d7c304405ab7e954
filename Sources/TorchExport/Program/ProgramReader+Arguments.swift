// SPDX-License-Identifier: MIT

import JSON

extension ProgramReader {
    /// One form with its value: `{"as_ints": [1, 1]}`.
    mutating func argument(_ json: inout JSONReader) throws -> Argument {
        var argument: Argument?
        try object(&json) { reader, json, form in
            guard argument == nil else { throw TorchExportError.malformed(reason: "an argument of two forms") }
            argument = try reader.argument(&json, form)
        }
        guard let argument else { throw TorchExportError.malformed(reason: "an argument without a form") }
        return argument
    }

    private mutating func argument(_ json: inout JSONReader, _ form: String) throws -> Argument {
        switch form {
        case "as_none":
            try json.skipValue()
            return .none
        case "as_tensor": return .tensor(try name(&json))
        case "as_tensors": return .tensors(try list(&json) { try $0.name(&$1) })
        case "as_optional_tensor": return try optionalTensor(&json).map { .tensor($0) } ?? .none
        case "as_optional_tensors": return .tensors(try list(&json) { try $0.optionalTensor(&$1) })
        case "as_int", "as_bool": return .number(try plainNumber(&json))
        case "as_float": return .number(try plainNumber(&json, isReal: true))
        case "as_ints", "as_bools": return .numbers(try list(&json) { try $0.plainNumber(&$1) })
        case "as_floats": return .numbers(try list(&json) { try $0.plainNumber(&$1, isReal: true) })
        case "as_sym_int", "as_sym_float", "as_sym_bool": return .number(try number(&json))
        case "as_sym_ints", "as_sym_floats", "as_sym_bools": return .numbers(try list(&json) { try $0.number(&$1) })
        case "as_string": return .text(try text(&json))
        case "as_scalar_type": return .scalarType(try integer(&json))
        case "as_memory_format", "as_layout", "as_device":
            try json.skipValue()
            return .immaterial
        case "as_graph": return .graph(try innerGraph(&json))
        default:
            try json.skipValue()
            return .other(form)
        }
    }

    /// `{"as_tensor": {"name": ...}}`, or `{"as_none": ...}`; early versions have null.
    private mutating func optionalTensor(_ json: inout JSONReader) throws -> String? {
        var result: String?
        try object(&json) { reader, json, form in
            if form == "as_tensor" { result = try reader.name(&json) } else { try json.skipValue() }
        }
        return result
    }

    /// A number or a truth as JSON has it; numbers that are not finite stand as text.
    private mutating func plainNumber(_ json: inout JSONReader, isReal: Bool = false) throws -> Number {
        switch json.nextKind() {
        case .literal: return .bool(try json.readBool())
        case .string:
            switch try text(&json) {
            case "Infinity": return .double(.infinity)
            case "-Infinity": return .double(-.infinity)
            case "NaN": return .double(.nan)
            case let other: throw TorchExportError.malformed(reason: "'\(other)' in the place of a number")
            }
        default: return isReal ? .double(try json.readNumber()) : .int(try integer(&json))
        }
    }

    /// `{"as_name": "sym_size_int"}`, or a number in one of the other forms.
    private mutating func number(_ json: inout JSONReader) throws -> Number {
        var result: Number?
        try object(&json) { reader, json, form in
            switch form {
            case "as_name": result = .named(try reader.text(&json))
            case "as_int", "as_bool": result = try reader.plainNumber(&json)
            case "as_float": result = try reader.plainNumber(&json, isReal: true)
            default: try json.skipValue()
            }
        }
        guard let result else { throw TorchExportError.malformed(reason: "a number without a value") }
        return result
    }

    // MARK: The signature

    /// What the graph's inputs and outputs stand for.
    mutating func signature(_ json: inout JSONReader, _ program: inout ProgramMessage) throws {
        try object(&json) { reader, json, key in
            switch key {
            case "input_specs": program.inputs = try reader.list(&json) { try $0.inputMessage(&$1) }
            case "output_specs": program.outputs = try reader.list(&json) { try $0.outputMessage(&$1) }
            default: try json.skipValue()
            }
        }
    }

    private mutating func inputMessage(_ json: inout JSONReader) throws -> InputMessage {
        var message: InputMessage?
        try object(&json) { reader, json, kind in
            switch kind {
            case "parameter", "buffer", "tensor_constant":
                var (argument, name) = (String?.none, String?.none)
                try reader.object(&json) { reader, json, key in
                    switch key {
                    case "arg": argument = try reader.name(&json)
                    case "parameter_name", "buffer_name", "tensor_constant_name": name = try reader.text(&json)
                    default: try json.skipValue()
                    }
                }
                guard let argument, let name else {
                    throw TorchExportError.malformed(reason: "a \(kind) without a name")
                }
                message = .weight(argument: argument, name: name)
            case "user_input":
                var argument: Argument?
                try reader.object(&json) { reader, json, key in
                    if key == "arg" { argument = try reader.argument(&json) } else { try json.skipValue() }
                }
                guard let argument else { throw TorchExportError.malformed(reason: "an input without an argument") }
                message = .user(argument)
            case "constant_input":
                var (name, value) = ("", Argument.none)
                try reader.object(&json) { reader, json, key in
                    switch key {
                    case "name": name = try reader.text(&json)
                    case "value": value = try reader.argument(&json)
                    default: try json.skipValue()
                    }
                }
                message = .constant(name: name, value: value)
            default:
                try json.skipValue()
                message = .other(kind: kind)
            }
        }
        guard let message else { throw TorchExportError.malformed(reason: "an input of no kind") }
        return message
    }

    private mutating func outputMessage(_ json: inout JSONReader) throws -> OutputMessage {
        var message: OutputMessage?
        try object(&json) { reader, json, kind in
            switch kind {
            case "user_output":
                var argument: Argument?
                try reader.object(&json) { reader, json, key in
                    if key == "arg" { argument = try reader.argument(&json) } else { try json.skipValue() }
                }
                guard let argument else { throw TorchExportError.malformed(reason: "an output without an argument") }
                message = .user(argument)
            case "buffer_mutation", "parameter_mutation", "user_input_mutation", "token":
                try json.skipValue()
                message = .hidden
            default:
                try json.skipValue()
                message = .other(kind: kind)
            }
        }
        guard let message else { throw TorchExportError.malformed(reason: "an output of no kind") }
        return message
    }
}
