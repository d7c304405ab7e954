// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Sums of products, as Einstein's convention writes them: `torch.einsum`.
///
/// Shape: as the equation says, "bij, bjk -> bik" for example; "..." stands for any axes in front, broadcast together.
public struct Einsum: Operator {
    /// The equation, with or without spaces.
    public var equation: String

    /// Describes the operator.
    public init(_ equation: String) { self.equation = equation }

    /// The field's name.
    public var name: String { "Einsum" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("equation", equation)] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        let plan = try Plan(self, inputs.map(\.shape))
        return [Fact(inputs[0].elementType, try Shape(checking: plan.output.map { plan.sizes[$0] }))]
    }

    /// Sums, output by output.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let plan = try Plan(self, inputs.map(\.shape))
        let summed = plan.sizes.indices.filter { !plan.output.contains($0) }
        let elements = inputs.map { $0.doubles() }
        let outer = plan.terms.map { strides in
            Array(Offsets(plan.output.map { plan.sizes[$0] }, strides: plan.output.map { strides[$0] }))
        }
        let inner = plan.terms.map { strides in
            Array(Offsets(summed.map { plan.sizes[$0] }, strides: summed.map { strides[$0] }))
        }
        let shape = Shape(plan.output.map { plan.sizes[$0] })
        let values = (0..<shape.elementCount).map { output in
            (0..<inner[0].count).reduce(0.0) { sum, index in
                sum + elements.indices.reduce(1) { $0 * elements[$1][outer[$1][output] + inner[$1][index]] }
            }
        }
        return [try Tensor(values, as: inputs[0].elementType, shape: shape)]
    }

    /// Products that the sums take, all together.
    func productCount(for inputs: [Fact]) -> Int {
        guard let plan = try? Plan(self, inputs.map(\.shape)) else { return 0 }
        return plan.sizes.reduce(1, saturatingProduct)
    }

    /// The equation read for given shapes: letters become numbers.
    struct Plan {
        /// For each letter, its size.
        var sizes: [Int] = []
        /// For each input, the stride of each letter: 0 where the input does not have it.
        var terms: [[Int]] = []
        /// The output's letters.
        var output: [Int] = []

        init(_ op: Einsum, _ shapes: [Shape]) throws {
            let text = op.equation.filter { $0 != " " }
            var sides = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard sides.count <= 2, sides.count == 1 || sides[1].hasPrefix(">"), text.utf8.count <= 1000 else {
                throw op.fault("the equation '\(op.equation)'")
            }
            let right = sides.count == 2 ? String(sides.removeLast().dropFirst()) : nil
            let left = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard left.count == shapes.count, !shapes.isEmpty else {
                throw op.fault("'\(op.equation)' is not of \(shapes.count) values")
            }
            let ellipsis = zip(left, shapes).map { term, shape in
                term.contains("...") ? shape.rank - (term.count - 3) : 0
            }
            guard ellipsis.allSatisfy({ (0...64).contains($0) }) else { throw op.fault("'\(op.equation)'") }
            let widest = ellipsis.max() ?? 0
            let letters = try left.map { try Plan.letters($0, rank: widest, op) }
            var names: [String] = []
            for name in letters.joined() where !names.contains(name) { names.append(name) }
            sizes = [Int](repeating: 1, count: names.count)
            for (index, shape) in shapes.enumerated() {
                // A term whose "..." stands for fewer axes has the last ones.
                let missing = left[index].contains("...") ? widest - ellipsis[index] : 0
                var own = letters[index]
                if missing > 0, let first = own.firstIndex(of: ".0") { own.removeSubrange(first..<(first + missing)) }
                guard own.count == shape.rank else { throw op.fault("'\(left[index])' is not of \(shape)") }
                var strides = [Int](repeating: 0, count: names.count)
                for (axis, name) in own.enumerated() {
                    guard let letter = names.firstIndex(of: name) else { continue }
                    guard shape[axis] == sizes[letter] || sizes[letter] == 1 || shape[axis] == 1 else {
                        throw op.fault("'\(name)' is \(sizes[letter]) and \(shape[axis]) in '\(op.equation)'")
                    }
                    if shape[axis] != 1 {
                        sizes[letter] = shape[axis]
                        strides[letter] += shape.strides[axis]
                    }
                }
                terms.append(strides)
            }
            let wanted: [String]
            if let right {
                wanted = try Plan.letters(right, rank: widest, op)
            } else {
                let single = names.filter { name in !name.hasPrefix(".") && letters.joined().count { $0 == name } == 1 }
                wanted = names.filter { $0.hasPrefix(".") }.sorted() + single.sorted()
            }
            output = try wanted.map { name in
                guard let letter = names.firstIndex(of: name) else { throw op.fault("'\(op.equation)'") }
                return letter
            }
            guard Set(output).count == output.count else { throw op.fault("'\(op.equation)'") }
        }

        /// A term's letters; axes of "..." are called ".0", ".1" and so on.
        private static func letters(_ term: String, rank: Int, _ op: Einsum) throws -> [String] {
            var result: [String] = []
            var rest = Substring(term)
            while let first = rest.first {
                if rest.hasPrefix("...") {
                    guard !result.contains(where: { $0.hasPrefix(".") }) else { throw op.fault("'\(op.equation)'") }
                    result += (0..<rank).map { ".\($0)" }
                    rest = rest.dropFirst(3)
                } else {
                    guard first.isASCII, first.isLetter else { throw op.fault("'\(op.equation)'") }
                    result.append(String(first))
                    rest = rest.dropFirst()
                }
            }
            return result
        }
    }
}
