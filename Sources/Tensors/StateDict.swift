// SPDX-License-Identifier: MIT

/// The weights of a network by name, in the order of the file: PyTorch's `state_dict`.
///
/// A dictionary can be entered by prefix: `weights["features"]["0"]` sees the tensors `features.0.*` under their remaining
/// names, and still reports errors under the whole ones.
public struct StateDict: Sendable {
    private let tensors: [String: Tensor]
    /// All names in file order, the prefix's or not.
    private let allNames: [String]
    /// What stands before each name; empty, or ends in a dot.
    public let prefix: String
    private let recorder: Recorder?
    /// Whether tensors that are not as asked for end the recording.
    private let isCompared: Bool

    /// Gathers tensors.
    ///
    /// - Throws: `TensorError.duplicateName` if two have the same name.
    public init(_ entries: [(name: String, tensor: Tensor)]) throws {
        var tensors: [String: Tensor] = [:]
        tensors.reserveCapacity(entries.count)
        let contents = Contents(entries)
        for (name, tensor) in entries {
            var tensor = tensor
            tensor.origin = Origin(contents: contents, name: name)
            guard tensors.updateValue(tensor, forKey: name) == nil else { throw TensorError.duplicateName(name) }
        }
        self.init(tensors: tensors, names: entries.map(\.name), prefix: "", recorder: nil)
    }

    private init(
        tensors: [String: Tensor], names: [String], prefix: String, recorder: Recorder?, isCompared: Bool = false
    ) {
        self.tensors = tensors
        self.allNames = names
        self.prefix = prefix
        self.recorder = recorder
        self.isCompared = isCompared
    }

    /// A dictionary that answers every name with a placeholder of the shape asked for, and notes what was asked.
    ///
    /// Building a network from it tells which weights the network expects. The placeholders' values are never to be read.
    public static func recording() -> (weights: StateDict, recorder: Recorder) {
        let recorder = Recorder()
        return (StateDict(tensors: [:], names: [], prefix: "", recorder: recorder), recorder)
    }

    /// This dictionary with a note of each tensor that is asked for: building a network from it tells whether it fits. What is
    /// not there, or of another shape, throws `Mismatch`, which costs less than an error for people.
    public func compared() -> (weights: StateDict, recorder: Recorder) {
        let recorder = Recorder()
        return (
            StateDict(tensors: tensors, names: allNames, prefix: prefix, recorder: recorder, isCompared: true), recorder
        )
    }

    /// The part of the dictionary whose names begin with `prefix` and a dot.
    public subscript(prefix: String) -> StateDict {
        StateDict(
            tensors: tensors, names: allNames, prefix: self.prefix + prefix + ".", recorder: recorder,
            isCompared: isCompared)
    }

    /// Names below the prefix, in file order.
    public var names: [String] {
        prefix.isEmpty
            ? allNames : allNames.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    /// Number of tensors.
    public var count: Int { names.count }

    /// Bytes of all tensors.
    public var byteCount: Int { names.reduce(0) { $0 + (tensor(named: $1)?.byteCount ?? 0) } }

    /// Number of elements of all floating-point tensors: what is usually called the number of parameters.
    public var parameterCount: Int {
        names.reduce(0) { sum, name in
            guard let tensor = tensor(named: name), tensor.elementType.isFloatingPoint else { return sum }
            return sum + tensor.elementCount
        }
    }

    /// The tensor of a name, if there is one.
    public func tensor(named name: String) -> Tensor? { tensors[prefix + name] }

    /// Whether there is a tensor of that name.
    public func contains(_ name: String) -> Bool { tensor(named: name) != nil }

    /// Names and tensors in file order.
    public var entries: [(name: String, tensor: Tensor)] {
        names.compactMap { name in tensor(named: name).map { (name, $0) } }
    }

    /// The floating-point tensor of a name, its shape checked.
    ///
    /// A dictionary made by `recording()` notes the name and answers a placeholder.
    ///
    /// - Throws: `TensorError.missingTensor`, `.shapeMismatch` or `.notFloatingPoint`.
    public func weight(_ name: String, shape: Shape) throws -> Tensor {
        if let recorder {
            let whole = prefix + name
            return isCompared
                ? try recorder.compared(tensors[whole], name: whole, shape: shape)
                : try recorder.placeholder(name: whole, shape: shape)
        }
        guard let tensor = tensor(named: name) else {
            throw TensorError.missingTensor(name: prefix + name, nearest: nearestName(to: prefix + name))
        }
        guard tensor.shape == shape else {
            throw TensorError.shapeMismatch(name: prefix + name, expected: shape, actual: tensor.shape)
        }
        guard tensor.elementType.isFloatingPoint else {
            throw TensorError.notFloatingPoint(name: prefix + name, elementType: tensor.elementType)
        }
        return tensor
    }

    /// The name that shares the longest end with `wanted`: tells a reader which prefix is too many or missing.
    private func nearestName(to wanted: String) -> String? {
        let scored = tensors.keys.map { name in
            (name: name, shared: zip(name.reversed(), wanted.reversed()).prefix { $0 == $1 }.count)
        }
        let best = scored.max { ($0.shared, $1.name) < ($1.shared, $0.name) }
        guard let best, best.shared >= 4 else { return nil }
        return best.name
    }
}
