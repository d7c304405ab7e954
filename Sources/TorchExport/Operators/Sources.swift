// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Tensors that come from nowhere, or from shapes only.
    static var sources: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = [
            "aten.full.default": { [.value(try full($0, $0.ints("size"), $0.number("fill_value")))] },
            "aten.full_like.default": { [.value(try like($0, $0.number("fill_value")))] },
            "aten.new_full.default": { [.value(try new($0, $0.number("fill_value")))] },
            "aten.scalar_tensor.default": { [.value(try full($0, [], $0.number("s")))] },
            "aten.arange.default": { [.value(try range($0))] },
            "aten.arange.start": { [.value(try range($0))] },
            "aten.arange.start_step": { [.value(try range($0))] },
            "aten.linspace.default": { call in
                let (start, end, steps) = (
                    try call.double("start", 0), try call.double("end", 0), try call.int("steps", 0)
                )
                guard (0...call.importer.limits.maxItems).contains(steps) else { throw call.invalid("\(steps) steps") }
                let step = steps > 1 ? (end - start) / Double(steps - 1) : 0
                let values = (0..<steps).map { start + Double($0) * step }
                let type = try call.plainType() ?? .float32
                return [.value(try call.constant(Tensor(values, as: type, shape: Shape([steps]))))]
            },
            "aten.eye.default": { [.value(try eye($0, $0.int("n", 0), $0.int("n", 0)))] },
            "aten.eye.m": { [.value(try eye($0, $0.int("n", 0), $0.int("m", 0)))] },
        ]
        for (name, value) in [("zeros", 0), ("ones", 1), ("empty", 0)] {
            for overload in ["default", "memory_format"] {
                all["aten.\(name).\(overload)"] = { [.value(try full($0, $0.ints("size"), .double(Double(value))))] }
            }
            all["aten.\(name)_like.default"] = { [.value(try like($0, .int(value)))] }
            all["aten.new_\(name).default"] = { [.value(try new($0, .int(value)))] }
        }
        return all
    }

    private static func full(_ call: Call, _ sizes: [Int]?, _ number: Number?) throws -> Graph.ValueID {
        let shape = try call.checked(sizes ?? [])
        let number = number ?? .int(0)
        let standard: ElementType =
            switch number {
            case .bool: .bool
            case .int: .int64
            default: .float32
            }
        return try call.full(number.double, call.plainType() ?? standard, shape)
    }

    private static func like(_ call: Call, _ number: Number?) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        return try call.full(number?.double ?? 0, call.plainType() ?? call.type(x), call.shape(x))
    }

    private static func new(_ call: Call, _ number: Number?) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let shape = try call.checked(call.ints("size") ?? [])
        return try call.full(number?.double ?? 0, call.plainType() ?? call.type(x), shape)
    }

    private static func range(_ call: Call) throws -> Graph.ValueID {
        let numbers = try ["start", "end", "step"].map { try call.number($0) }
        let (start, step) = (numbers[0]?.double ?? 0, numbers[2]?.double ?? 1)
        guard let end = numbers[1]?.double else { throw call.invalid("the end is missing") }
        let count = ((end - start) / step).rounded(.up)
        guard step != 0, count.isFinite, count <= Double(call.importer.limits.maxItems) else {
            throw call.invalid("from \(start) to \(end) by \(step)")
        }
        let isReal = numbers.contains { if case .double? = $0 { true } else { false } }
        let type = try call.plainType() ?? (isReal ? .float32 : .int64)
        let values = (0..<max(0, Int(count))).map { start + Double($0) * step }
        return try call.constant(Tensor(values, as: type, shape: Shape([values.count])))
    }

    private static func eye(_ call: Call, _ rows: Int, _ columns: Int) throws -> Graph.ValueID {
        let shape = try call.checked([rows, columns])
        guard shape.elementCount <= call.importer.limits.maxItems * 16 else { throw call.invalid("\(shape)") }
        let values = (0..<shape.elementCount).map { $0 / columns == $0 % columns ? 1.0 : 0 }
        return try call.constant(Tensor(values, as: call.plainType() ?? .float32, shape: shape))
    }
}

extension Call {
    /// The element type of what is made; where it lies does not matter.
    fileprivate func plainType() throws -> ElementType? {
        ignore("layout", "device", "pin_memory", "memory_format", "requires_grad")
        return try elementType("dtype")
    }
}
