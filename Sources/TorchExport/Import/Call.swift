// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// What a node gives.
enum CallResult {
    case tensor(Binding)
    case number(Number)

    /// A tensor with a memory of its own.
    static func value(_ id: Graph.ValueID) -> CallResult { .tensor(Binding(id)) }
}

/// Translates a node of the program: adds what it does to the graph and answers its outputs. An output that is absent is nil.
typealias AtenTranslator = @Sendable (Call) throws -> [CallResult?]

/// Why a node would not run.
struct CallFault: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// A node of the program, as its translator sees it. Arguments are asked for by the names of ATen's schema; those that the program
/// leaves out have the schema's default.
final class Call {
    let node: NodeMessage
    let importer: ProgramImporter
    private var unread: Set<String>

    init(_ node: NodeMessage, _ importer: ProgramImporter) {
        self.node = node
        self.importer = importer
        unread = Set(
            node.inputs.compactMap { name, argument in
                switch argument {
                case .none, .immaterial: nil
                default: name
                }
            })
    }

    // MARK: Faults

    func unsupported(_ what: String) -> CallFault { CallFault("\(what) is not supported") }
    func invalid(_ reason: String) -> CallFault { CallFault(reason) }

    /// Checks that every argument has been read: one that is not known could change the operator's meaning.
    func checkArguments() throws {
        guard unread.isEmpty else { throw unsupported("argument '\(unread.sorted().joined(separator: "', '"))'") }
    }

    func readAllArguments() { unread = [] }

    /// Reads arguments that do not matter.
    func ignore(_ names: String...) { unread.subtract(names) }

    // MARK: Arguments

    private func argument(_ name: String) -> Argument? {
        unread.remove(name)
        guard let argument = node.inputs.first(where: { $0.name == name })?.argument else { return nil }
        if case .none = argument { return nil }
        return argument
    }

    func has(_ name: String) -> Bool { argument(name) != nil }

    /// The first argument that is a tensor: what an operator in place writes to.
    func firstBinding() throws -> Binding {
        guard case .tensor(let name)? = node.inputs.first?.argument else {
            throw invalid("its first argument is no tensor")
        }
        return try binding(named: name)
    }

    private func binding(named name: String) throws -> Binding {
        guard case .tensor(let binding)? = importer.names[name] else { throw invalid("'\(name)' is no tensor") }
        return binding
    }

    func binding(_ name: String) throws -> Binding {
        guard case .tensor(let value)? = argument(name) else { throw invalid("argument '\(name)' is no tensor") }
        return try binding(named: value)
    }

    func optional(_ name: String) throws -> Graph.ValueID? {
        guard let argument = argument(name) else { return nil }
        guard case .tensor(let value) = argument else { throw invalid("argument '\(name)' is no tensor") }
        return try binding(named: value).current(importer, name: value)
    }

    func tensor(_ name: String) throws -> Graph.ValueID {
        guard let id = try optional(name) else { throw invalid("argument '\(name)' is missing") }
        return id
    }

    func tensors(_ name: String) throws -> [Graph.ValueID?] {
        guard case .tensors(let names)? = argument(name) else {
            throw invalid("argument '\(name)' is no list of tensors")
        }
        return try names.map { name in try name.map { try binding(named: $0).current(importer, name: $0) } }
    }

    func allTensors(_ name: String) throws -> [Graph.ValueID] {
        let found = try tensors(name)
        let all = found.compactMap(\.self)
        guard all.count == found.count, !all.isEmpty else { throw invalid("argument '\(name)' lacks tensors") }
        return all
    }

    /// A number with its name looked up.
    func resolved(_ number: Number) throws -> Number {
        guard case .named(let name) = number else { return number }
        switch importer.names[name] {
        case .number(let value)?:
            if case .named = value { throw invalid("the number '\(name)' is not known") }
            return value
        case .tensor(let binding)?:
            let id = try binding.current(importer, name: name)
            guard let tensor = importer.constant(id), tensor.elementCount == 1 else {
                throw invalid("the number '\(name)' depends on the program's input")
            }
            return tensor.elementType.isFloatingPoint ? .double(tensor.doubles()[0]) : .int(tensor.integers()[0])
        default: throw invalid("the number '\(name)' is not known")
        }
    }

    func number(_ name: String) throws -> Number? {
        guard let argument = argument(name) else { return nil }
        guard case .number(let number) = argument else { throw invalid("argument '\(name)' is no number") }
        return try resolved(number)
    }

    /// The number at a place: for functions of Python, whose arguments have no names worth asking for.
    func number(at place: Int) throws -> Number {
        guard node.inputs.indices.contains(place), case .number(let number) = node.inputs[place].argument else {
            throw invalid("argument \(place) is no number")
        }
        unread.remove(node.inputs[place].name)
        return try resolved(number)
    }

    func int(_ name: String) throws -> Int? {
        switch try number(name) {
        case .int(let value)?: return value
        case .bool(let value)?: return value ? 1 : 0
        case nil: return nil
        default: throw invalid("argument '\(name)' is no integer")
        }
    }

    func int(_ name: String, _ standard: Int) throws -> Int { try int(name) ?? standard }

    func double(_ name: String) throws -> Double? { try number(name).map(\.double) }
    func double(_ name: String, _ standard: Double) throws -> Double { try double(name) ?? standard }

    func flag(_ name: String, _ standard: Bool = false) throws -> Bool {
        switch try number(name) {
        case .bool(let value)?: return value
        case .int(let value)?: return value != 0
        case nil: return standard
        default: throw invalid("argument '\(name)' is no truth")
        }
    }

    func ints(_ name: String) throws -> [Int]? {
        guard let argument = argument(name) else { return nil }
        func integer(_ number: Number) throws -> Int {
            guard case .int(let value) = try resolved(number) else {
                throw invalid("argument '\(name)' is no list of integers")
            }
            return value
        }
        switch argument {
        case .numbers(let numbers): return try numbers.map(integer)
        case .number(let number): return [try integer(number)]
        case .tensors(let names) where names.isEmpty: return []
        default: throw invalid("argument '\(name)' is no list of integers")
        }
    }

    func doubles(_ name: String) throws -> [Double]? {
        guard let argument = argument(name) else { return nil }
        guard case .numbers(let numbers) = argument else { throw invalid("argument '\(name)' is no list of numbers") }
        return try numbers.map { try resolved($0).double }
    }

    func string(_ name: String) throws -> String? {
        guard let argument = argument(name) else { return nil }
        guard case .text(let text) = argument else { throw invalid("argument '\(name)' is no text") }
        return text
    }

    /// An element type; halves are computed as Float32.
    func elementType(_ name: String) throws -> ElementType? {
        guard let argument = argument(name) else { return nil }
        switch argument {
        case .scalarType(let number), .number(.int(let number)):
            guard let type = ElementType(scalarType: number) else { throw unsupported("element type \(number)") }
            return type.widened
        default: throw invalid("argument '\(name)' is no element type")
        }
    }

    // MARK: Checks

    /// An axis counted from the front.
    func axis(_ axis: Int, of rank: Int) throws -> Int {
        guard (-rank..<rank).contains(axis) else { throw invalid("axis \(axis) of a value of \(rank) dimensions") }
        return axis < 0 ? axis + rank : axis
    }

    /// Sizes of a shape, each of a size that can be.
    func checked(_ dimensions: [Int]) throws -> Shape {
        let shape = try Shape(checking: dimensions)
        guard shape.rank <= importer.limits.maxRank else { throw invalid("\(shape.rank) dimensions") }
        return shape
    }
}

extension Number {
    /// As a Double; a name has none.
    var double: Double {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .bool(let value): value ? 1 : 0
        case .named: .nan
        }
    }
}
