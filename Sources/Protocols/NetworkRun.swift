// SPDX-License-Identifier: MIT

/// One run of a network on rows that are ready for it. Runs of the same model that wait at the same time may become one: each
/// gets its own rows' answers, the same bits as alone.
package struct NetworkRun: Sendable {
    /// Rows, one after the other.
    package enum Rows: Sendable {
        /// Numbers as the network takes them.
        case numbers([Float])
        /// Values of 0 to 255 in the model's own size, channels last.
        case pixels([UInt8])
    }

    /// What came of the rows.
    package enum Output: Sendable {
        /// For numbers: rows of the model's output shape.
        case numbers([Float])
        /// For pixels: a class for each row.
        case classifications([Classification])

        /// All numbers, or the classes' probabilities, row by row.
        package var numbers: [Float] {
            switch self {
            case .numbers(let numbers): numbers
            case .classifications(let rows): rows.flatMap(\.scores)
            }
        }

        /// The classes; none for numbers.
        package var classifications: [Classification] {
            if case .classifications(let rows) = self { rows } else { [] }
        }
    }

    /// The index of the model among the service's.
    package let model: Int
    /// How many rows there are; at least one.
    package let count: Int
    package let rows: Rows

    package init(model: Int, count: Int, rows: Rows) {
        self.model = model
        self.count = count
        self.rows = rows
    }

    /// Runs the network.
    ///
    /// - Throws: What the runner throws.
    package func output(of runner: any InferenceRunner) throws -> Output {
        switch rows {
        case .numbers(let numbers): .numbers(try runner.run(model: model, rows: count, input: numbers))
        case .pixels(let pixels): .classifications(try runner.classify(model: model, pixels: pixels))
        }
    }

    /// Whether another run can be one with this one: the same model, the same kind of rows of the same length.
    package func canJoin(_ other: NetworkRun) -> Bool {
        guard model == other.model, count > 0, other.count > 0 else { return false }
        switch (rows, other.rows) {
        case (.numbers(let own), .numbers(let others)):
            return own.count * other.count == others.count * count && own.count % count == 0
        case (.pixels(let own), .pixels(let others)):
            return own.count * other.count == others.count * count && own.count % count == 0
        default: return false
        }
    }

    /// Several runs as one, their rows in order.
    ///
    /// - Precondition: Each can join the first.
    package static func joined(_ runs: [NetworkRun]) -> NetworkRun {
        var (numbers, pixels): ([Float], [UInt8]) = ([], [])
        for run in runs {
            switch run.rows {
            case .numbers(let rows): numbers += rows
            case .pixels(let rows): pixels += rows
            }
        }
        let count = runs.reduce(0) { $0 + $1.count }
        return NetworkRun(
            model: runs[0].model, count: count, rows: pixels.isEmpty ? .numbers(numbers) : .pixels(pixels))
    }

    /// The parts of an output that belong to each of the runs that were joined; nil if it has not as many rows.
    package static func parted(_ output: Output, among runs: [NetworkRun]) -> [Output]? {
        let rows = runs.reduce(0) { $0 + $1.count }
        func parts<Element>(_ all: [Element], _ make: ([Element]) -> Output) -> [Output]? {
            guard rows > 0, all.count % rows == 0 else { return nil }
            let length = all.count / rows
            var first = 0
            return runs.map { run in
                defer { first += run.count * length }
                return make(Array(all[first..<(first + run.count * length)]))
            }
        }
        switch output {
        case .numbers(let all): return parts(all) { .numbers($0) }
        case .classifications(let all): return parts(all) { .classifications($0) }
        }
    }
}
