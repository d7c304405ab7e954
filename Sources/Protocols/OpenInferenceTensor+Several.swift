// SPDX-License-Identifier: MIT

import Text

/// The inputs of a request together, of a model that takes several or one.
extension OpenInferenceTensor {
    /// - Throws: ``RequestRefusal`` if a request brings more inputs than the model takes.
    static func checkCount(_ count: Int, _ model: ServedModel) throws {
        if count <= 1 || !model.takesPictures && count <= model.networkInputs.count { return }
        throw RequestRefusal(
            .badRequest,
            model.takesPictures
                ? "the model takes one input; the request has more"
                : "'\(model.name)' takes \(model.shownInputs); the request has more")
    }

    /// The binary data of each input: they follow one another in the order of the inputs.
    ///
    /// - Throws: ``RequestRefusal`` if they are not as many bytes as the inputs say.
    static func tails(_ data: ArraySlice<UInt8>, of tensors: [OpenInferenceTensor]) throws -> [ArraySlice<UInt8>] {
        // What is wrong with the data of a single input is told when the input is read.
        if tensors.count == 1 { return [data] }
        var rest = data
        let tails = try tensors.map { tensor -> ArraySlice<UInt8> in
            guard let size = tensor.binarySize else { return [] }
            guard (0...rest.count).contains(size) else {
                throw RequestRefusal(
                    .badRequest,
                    "input '\(tensor.shownName)': binary_data_size is \(size), but \(rest.count) bytes are left behind the JSON"
                )
            }
            defer { rest = rest.dropFirst(size) }
            return rest.prefix(size)
        }
        if !rest.isEmpty {
            throw RequestRefusal(
                .badRequest, "unexpected additional input data: \(rest.count) bytes that belong to no input")
        }
        return tails
    }

    /// What the model is to answer.
    ///
    /// - Parameters:
    ///   - tensors: At least one.
    ///   - tails: The binary data of each.
    /// - Throws: ``RequestRefusal``.
    static func modelInput(
        _ tensors: [OpenInferenceTensor], _ tails: [ArraySlice<UInt8>], _ model: ServedModel, maxRows: Int
    ) throws -> ModelInput {
        if model.takesPictures, let tensor = tensors.first, let tail = tails.first {
            return try tensor.modelInput(model, tail: tail, maxRows: maxRows)
        }
        var places: [Int] = []
        for tensor in tensors {
            guard let place = model.networkInputs.firstIndex(where: { ByteText($0.name) == tensor.name }) else {
                throw RequestRefusal(
                    .badRequest,
                    "unknown input '\(tensor.shownName)'; '\(model.name)' takes \(model.shownInputs)")
            }
            if places.contains(place) {
                throw RequestRefusal(.badRequest, "the input '\(model.networkInputs[place].name)' is given twice")
            }
            places.append(place)
        }
        if let missing = model.networkInputs.indices.first(where: { !places.contains($0) }) {
            throw RequestRefusal(
                .badRequest,
                "the input '\(model.networkInputs[missing].name)' is missing; '\(model.name)' takes \(model.shownInputs)"
            )
        }
        return try joined(tensors, tails, places, model, maxRows: maxRows)
    }

    /// Rows with all of the network's inputs, one behind the other.
    ///
    /// - Parameter places: Which of the network's inputs each tensor is: each once.
    private static func joined(
        _ tensors: [OpenInferenceTensor], _ tails: [ArraySlice<UInt8>], _ places: [Int], _ model: ServedModel,
        maxRows: Int
    ) throws -> ModelInput {
        var values = [[Float]](repeating: [], count: places.count)
        var first: (name: String, rows: Int)?
        for (tensor, (tail, place)) in zip(tensors, zip(tails, places)) {
            let description = model.networkInputs[place]
            do {
                let rows: Int
                (values[place], rows) = try tensor.numbers(for: description, tail: tail, maxRows: maxRows)
                if let first, first.rows != rows {
                    throw RequestRefusal(
                        .badRequest, "it has \(rows) rows; expected \(first.rows), as many as '\(first.name)' has")
                }
                first = first ?? (description.name, rows)
            } catch let refusal as RequestRefusal {
                throw RequestRefusal(refusal.status, "input '\(description.name)': \(refusal.message)")
            }
        }
        let count = first?.rows ?? 0
        if values.count == 1 || count == 1 { return .rows(Array(values.joined()), count: count) }
        var rows: [Float] = []
        rows.reserveCapacity(values.reduce(0) { $0 + $1.count })
        for row in 0..<count {
            for (numbers, description) in zip(values, model.networkInputs) {
                rows += numbers[(row * description.rowCount)..<((row + 1) * description.rowCount)]
            }
        }
        return .rows(rows, count: count)
    }

    /// The numbers of one of several inputs, and how many rows they are.
    ///
    /// - Throws: ``RequestRefusal``.
    private func numbers(
        for description: TensorDescription, tail: ArraySlice<UInt8>, maxRows: Int
    ) throws -> (values: [Float], rows: Int) {
        guard let datatype, datatype.isNumeric else {
            throw RequestRefusal(
                .badRequest, "expected \(description.datatype.rawValue), got \(datatype?.rawValue ?? "no datatype")")
        }
        guard let shape, let rows = shape.first, rows > 0, shape.dropFirst() == description.shape.dropFirst() else {
            throw RequestRefusal(
                .badRequest, "expected the shape \(description.shape), -1 for any number, got \(shape ?? [])")
        }
        if rows > maxRows { throw ModelInput.tooMany(maxRows) }
        if binarySize == nil, !tail.isEmpty {
            throw RequestRefusal(.badRequest, "unexpected additional input data")
        }
        let values = try values(datatype, count: rows * description.rowCount, tail)
        try ModelInput.checkFinite(values)
        return (values, rows)
    }

    /// Its name for people.
    private var shownName: String { (name ?? "").shown(maxBytes: 100) }
}
