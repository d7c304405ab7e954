// SPDX-License-Identifier: MIT

import JSON

/// The body that answers an Open Inference Protocol request: JSON, and behind it the output if the client wants it so.
package struct OpenInferenceAnswer: Equatable, Sendable {
    /// The body.
    package let body: [UInt8]
    /// How many bytes of it are JSON; nil if all are.
    package let headerLength: Int?

    /// - Parameter numbers: The values of the output that the request asks for, row by row.
    /// - Throws: ``RequestRefusal`` if one is not finite: JSON has no such numbers, and nobody could use them.
    package init(to request: OpenInferenceRequest, numbers: [Float], model: ServedModel) throws {
        try Self.checkFinite(numbers)
        let rowCount = max(request.output.rowCount, 1)
        var datatype = request.output.datatype
        var shape = [numbers.count / rowCount] + request.output.shape.dropFirst()
        var data: JSONValue = .floats(numbers, shape: [numbers.count])
        var binary: [UInt8] = []
        if let classCount = request.classCount {
            let classes = Self.classes(numbers, rowCount: rowCount, count: classCount, labels: model.labels)
            (datatype, shape) = (.bytes, [numbers.count / rowCount, classCount])
            data = .array(classes.map { .string($0) })
            for text in classes where request.wantsBinaryOutput {
                binary += Self.littleEndian(UInt32(text.utf8.count)) + text.utf8
            }
        } else if request.wantsBinaryOutput {
            binary.reserveCapacity(numbers.count * 4)
            for number in numbers { binary.append(contentsOf: Self.littleEndian(number.bitPattern)) }
        }
        var output: [(String, JSONValue)] = [
            ("name", .string(request.output.name)), ("datatype", .string(datatype.rawValue)),
            ("shape", .array(shape.map { .integer($0) })),
        ]
        output.append(
            request.wantsBinaryOutput
                ? ("parameters", ["binary_data_size": .integer(binary.count)]) : ("data", data))
        var members: [(String, JSONValue)] = [
            ("model_name", .string(model.name)), ("model_version", .string(model.version)),
        ]
        if let id = request.id { members.append(("id", .string(id))) }
        members.append(("outputs", [.object(output)]))
        let header = JSONValue.object(members).bytes()
        body = header + binary
        headerLength = request.wantsBinaryOutput ? header.count : nil
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
