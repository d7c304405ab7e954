// SPDX-License-Identifier: MIT

import JSON

/// The body that answers an Open Inference Protocol request: JSON, and behind it the outputs that the client wants so.
package struct OpenInferenceAnswer: Equatable, Sendable {
    /// The body.
    package let body: [UInt8]
    /// How many bytes of it are JSON; nil if all are.
    package let headerLength: Int?

    /// - Parameter numbers: All that the model answers, row by row; in each, the outputs one behind the other.
    /// - Throws: ``RequestRefusal`` if one is not finite: JSON has no such numbers, and nobody could use them.
    package init(to request: OpenInferenceRequest, numbers: [Float], model: ServedModel) throws {
        try Self.checkFinite(numbers)
        var binary: [UInt8] = []
        let outputs = request.outputs.map {
            Self.json($0, request.numbers(of: $0.tensor, in: numbers), labels: model.labels, &binary)
        }
        var members: [(String, JSONValue)] = [
            ("model_name", .string(model.name)), ("model_version", .string(model.version)),
        ]
        if let precision = model.loweredPrecision { members.append(("parameters", ["precision": .string(precision)])) }
        if let id = request.id { members.append(("id", .string(id))) }
        members.append(("outputs", .array(outputs)))
        let header = JSONValue.object(members).bytes()
        body = header + binary
        headerLength = request.outputs.contains(where: \.isBinary) ? header.count : nil
    }

    /// - Parameters:
    ///   - numbers: The output's values, row by row.
    ///   - binary: Gets those of a binary output.
    private static func json(
        _ output: OpenInferenceRequest.Output, _ numbers: [Float], labels: [String], _ binary: inout [UInt8]
    ) -> JSONValue {
        let rowCount = max(output.tensor.rowCount, 1)
        let start = binary.count
        var datatype = output.tensor.datatype
        var shape = [numbers.count / rowCount] + output.tensor.shape.dropFirst()
        var data: JSONValue = .floats(numbers, shape: [numbers.count])
        if let classCount = output.classCount {
            let classes = Self.classes(numbers, rowCount: rowCount, count: classCount, labels: labels)
            (datatype, shape) = (.bytes, [numbers.count / rowCount, classCount])
            data = .array(classes.map { .string($0) })
            for text in classes where output.isBinary {
                binary += littleEndian(UInt32(text.utf8.count)) + text.utf8
            }
        } else if output.isBinary {
            binary.reserveCapacity(binary.count + numbers.count * 4)
            for number in numbers { binary.append(contentsOf: littleEndian(number.bitPattern)) }
        }
        return .object([
            ("name", .string(output.tensor.name)), ("datatype", .string(datatype.rawValue)),
            ("shape", .array(shape.map { .integer($0) })),
            output.isBinary
                ? ("parameters", ["binary_data_size": .integer(binary.count - start)]) : ("data", data),
        ])
    }

    static func checkFinite(_ numbers: [Float]) throws {
        guard numbers.allSatisfy(\.isFinite) else {
            throw RequestRefusal(
                .unprocessableContent, "the model's answer to these numbers is not finite: they are far too large")
        }
    }

    /// The likeliest classes of each row as "value:index:label", the likeliest first.
    static func classes(_ numbers: [Float], rowCount: Int, count: Int, labels: [String]) -> [String] {
        stride(from: 0, to: numbers.count, by: rowCount).flatMap { start in
            let order = (0..<rowCount).sorted { left, right in
                (numbers[start + left], right) > (numbers[start + right], left)
            }
            return order.prefix(count).map { "\(numbers[start + $0]):\($0):\(labels[$0])" }
        }
    }

    static func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
