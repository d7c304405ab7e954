// SPDX-License-Identifier: MIT

/// A number as a program has it.
enum Number: Equatable, Sendable {
    case int(Int)
    case double(Double)
    case bool(Bool)
    /// One that another node gives: a size.
    case named(String)
}

/// What a node is given, or gives: one of the forms of `Argument` in `torch/_export/serde/schema.py`.
indirect enum Argument: Sendable {
    case none
    case tensor(String)
    /// Tensors, some of which may be absent.
    case tensors([String?])
    case number(Number)
    case numbers([Number])
    case text(String)
    /// The number of an element type.
    case scalarType(Int)
    /// What does not matter here: a device, a layout, a memory format.
    case immaterial
    /// A graph that the node calls.
    case graph(GraphMessage)
    /// A form that is not read, by its name.
    case other(String)
}

/// One operator of the program.
struct NodeMessage: Sendable {
    var target = ""
    var name = ""
    var inputs: [(name: String, argument: Argument)] = []
    var outputs: [Argument] = []
    /// Path of the module in which it stands.
    var module = ""

    /// The target without what all have in common: "aten.conv2d.default".
    var shownOp: String { target.hasPrefix("torch.ops.") ? String(target.dropFirst(10)) : target }
}

/// A dimension as the program declares it.
enum Dimension: Equatable, Sendable {
    case size(Int)
    /// A symbol by its name.
    case symbol(String)
    /// Something computed of symbols, as text.
    case expression(String)
}

/// What the program says of a tensor.
struct TensorMessage: Sendable {
    var scalarType = 0
    var sizes: [Dimension] = []
}

/// A graph of nodes.
struct GraphMessage: Sendable {
    var inputs: [Argument] = []
    var outputs: [Argument] = []
    var nodes: [NodeMessage] = []
    var tensors: [String: TensorMessage] = [:]
}

/// What one of the graph's inputs stands for.
enum InputMessage: Sendable {
    /// A parameter, a buffer or a constant by the name in the weights or constants.
    case weight(argument: String, name: String)
    case user(Argument)
    /// A value that was given when the program was exported.
    case constant(name: String, value: Argument)
    case other(kind: String)
}

/// What one of the graph's outputs stands for.
enum OutputMessage: Sendable {
    case user(Argument)
    /// What the caller does not get: a buffer that the program changes.
    case hidden
    case other(kind: String)
}

/// The text of a program, read.
struct ProgramMessage: Sendable {
    var graph: GraphMessage?
    var inputs: [InputMessage] = []
    var outputs: [OutputMessage] = []
    /// Names for what the caller gets; nil for what stands under no key, nothing where the program does not say.
    var outputNames: [String?] = []
    var schemaVersion: (major: Int, minor: Int)?
    var torchVersion = ""
    /// Version of ATen's operators.
    var opsets: [(name: String, version: Int)] = []
}
