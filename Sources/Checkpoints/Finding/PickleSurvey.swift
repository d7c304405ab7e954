// SPDX-License-Identifier: MIT

/// Everything of note in a pickle: its tensors with their places, and the places that could be a network's weights.
///
/// Each value is visited once, breadth first, without recursion: shared parts and cycles cost nothing.
struct PickleSurvey {
    /// A place that holds weights directly.
    struct Candidate {
        enum Kind {
            /// Names and tensors.
            case dictionary
            /// A whole `nn.Module`, or a TorchScript module.
            case module
            /// Tensors without names in a list, a tuple, or a dict with numbers for keys: named by their place.
            case sequence
            /// One tensor.
            case tensor
        }
        let path: String
        let id: PickleNode.ID
        let kind: Kind
        /// None of its tensors has more than one element.
        let holdsScalarsOnly: Bool
    }

    let graph: PickleGraph
    private(set) var rebuilder: TensorRebuilder
    /// Every tensor, at the first place where it was met.
    private(set) var tensors: [(path: String, tensor: StoredTensor)] = []
    private(set) var candidates: [Candidate] = []
    /// Places with tensors that have no names, and dicts of NumPy's arrays: taken where there is nothing better.
    private(set) var fallbacks: [Candidate] = []
    /// Values that were nested too deep to be looked at.
    private(set) var passedOver: [String] = []
    /// Something was nested deeper than ``CheckpointLimits/maxDepth``.
    var isCutOff: Bool { !passedOver.isEmpty }
    /// All containers by place.
    private(set) var places: [String: PickleNode.ID] = [:]
    /// Single values near the top: epoch, best accuracy and their like.
    private(set) var facts: [(name: String, value: String)] = []
    /// Names of classes near the top, with their place.
    private(set) var classNames: (path: String, names: [String])?
    let limits: CheckpointLimits
    /// The code of a TorchScript archive.
    var script: TorchScriptCode?

    init(
        graph: PickleGraph, source: any StorageSource, limits: CheckpointLimits, dequantises: Bool = false,
        script: TorchScriptCode? = nil
    ) throws {
        self.graph = graph
        self.limits = limits
        self.script = script
        rebuilder = TensorRebuilder(graph: graph, source: source, limits: limits, dequantises: dequantises)
        try walk()
    }

    private struct Visit {
        let id: PickleNode.ID
        let path: String
        let depth: Int
        let inModule: Bool
    }

    private mutating func walk() throws {
        var queue = [Visit(id: graph.root, path: "", depth: 0, inModule: false)]
        var seen: Set<PickleNode.ID> = [graph.root]
        var next = 0
        while next < queue.count {
            let visit = queue[next]
            next += 1
            if let tensor = try named(visit.path, { survey in try survey.rebuilder.tensor(visit.id) }) {
                tensors.append((visit.path, tensor))
                if notesFact(at: visit) { note(fact: try tensor.scalarText(), at: visit) }
                if visit.depth == 0 {
                    fallbacks.append(Candidate(path: "", id: visit.id, kind: .tensor, holdsScalarsOnly: false))
                }
                continue
            }
            let inModule = try survey(visit)
            guard visit.depth < limits.maxDepth else {
                if !isCutOff, !graph.children(of: visit.id).isEmpty {
                    passedOver.append("what is nested deeper than \(limits.maxDepth) (--limit maxDepth)")
                }
                continue
            }
            for child in parts(of: visit) where seen.insert(child.id).inserted {
                queue.append(Visit(id: child.id, path: child.path, depth: visit.depth + 1, inModule: inModule))
            }
        }
    }

    /// Notes what a value is; tells whether it is a module, or within one.
    private mutating func survey(_ visit: Visit) throws -> Bool {
        if notesFact(at: visit) { note(fact: graph.scalarText(visit.id), at: visit) }
        if classNames == nil, ClassNames.mayStand(at: visit.path, depth: visit.depth) {
            classNames = graph.classNames(visit.id).map { (visit.path, $0) }
        }
        if graph.moduleState(visit.id) != nil {
            places[visit.path] = visit.id
            if !visit.inModule {
                candidates.append(Candidate(path: visit.path, id: visit.id, kind: .module, holdsScalarsOnly: false))
            }
            return true
        }
        // What describes a tensor of an unusual kind is no place of weights.
        if let object = graph.object(visit.id), graph.callable(of: object)?.name.hasPrefix("_rebuild_") == true {
            return true
        }
        guard let pairs = graph.pairs(visit.id) else {
            if !visit.inModule { try surveySequence(visit) }
            return visit.inModule
        }
        try checkKeys(pairs)
        if places[visit.path] == nil { places[visit.path] = visit.id }
        guard !visit.inModule else { return true }
        var (count, scalars, arrays, numbered) = (0, 0, 0, 0)
        for pair in pairs where graph.string(pair.key) != nil || graph.int(pair.key) != nil {
            guard let tensor = try named(graph.path(visit.path, pair.key), { try $0.rebuilder.tensor(pair.value) })
            else { continue }
            if graph.string(pair.key) == nil {
                numbered += 1
            } else if tensor.isArray {
                arrays += 1
            } else {
                count += 1
                if tensor.elementCount <= 1 { scalars += 1 }
            }
        }
        if count > 0 {
            candidates.append(
                Candidate(path: visit.path, id: visit.id, kind: .dictionary, holdsScalarsOnly: scalars == count))
        } else if arrays > 0 {
            fallbacks.append(Candidate(path: visit.path, id: visit.id, kind: .dictionary, holdsScalarsOnly: false))
        } else if numbered > 0 {
            fallbacks.append(Candidate(path: visit.path, id: visit.id, kind: .sequence, holdsScalarsOnly: false))
        }
        return false
    }

    /// Notes a list or tuple of nothing but tensors.
    private mutating func surveySequence(_ visit: Visit) throws {
        guard let items = graph.sequence(visit.id), let first = items.first,
            try named(visit.path, { try $0.rebuilder.tensor(first) }) != nil
        else { return }
        places[visit.path] = places[visit.path] ?? visit.id
        for item in items where try named(visit.path, { try $0.rebuilder.tensor(item) }) == nil { return }
        fallbacks.append(Candidate(path: visit.path, id: visit.id, kind: .sequence, holdsScalarsOnly: false))
    }

    /// Python keeps the last of two equal keys, others the first: neither is right.
    private func checkKeys(_ pairs: [PicklePair]) throws {
        var seen: Set<String> = []
        for name in pairs.lazy.compactMap({ graph.string($0.key) }) where !seen.insert(name).inserted {
            throw CheckpointError.clashingNames(first: name, second: name)
        }
    }

    private func parts(of visit: Visit) -> [(path: String, id: PickleNode.ID)] {
        if let pairs = graph.pairs(visit.id) { return pairs.map { (graph.path(visit.path, $0.key), $0.value) } }
        if let items = graph.sequence(visit.id) {
            return items.enumerated().map { (visit.path.isEmpty ? "\($0)" : "\(visit.path).\($0)", $1) }
        }
        guard let object = graph.object(visit.id) else { return graph.children(of: visit.id).map { (visit.path, $0) } }
        // A state that is a dict holds the object's attributes.
        return graph.children(of: visit.id).filter { $0 != object.callable }.map { (visit.path, $0) }
    }

    private func notesFact(at visit: Visit) -> Bool {
        (1...2).contains(visit.depth) && !visit.path.isEmpty && facts.count < 100
            && !WeightsFinder.isTrainingState(visit.path)
    }

    private mutating func note(fact value: String?, at visit: Visit) {
        if let value { facts.append((visit.path, value)) }
    }

    /// Gives errors about a tensor the place where it was met.
    private mutating func named<Result>(_ path: String, _ body: (inout PickleSurvey) throws -> Result) throws -> Result
    {
        do {
            return try body(&self)
        } catch CheckpointError.invalidTensor(_, let reason) {
            throw CheckpointError.invalidTensor(name: path, reason: reason)
        }
    }

    /// The tensor of a value, errors named after `path`.
    mutating func tensor(_ id: PickleNode.ID, named path: String) throws -> StoredTensor? {
        try named(path) { try $0.rebuilder.tensor(id) }
    }
}

extension PickleGraph {
    /// The place of a key below `path`.
    func path(_ path: String, _ key: PickleNode.ID) -> String {
        let name = string(key) ?? int(key).map { String($0) } ?? "?"
        return path.isEmpty ? name : "\(path).\(name)"
    }

    /// The attributes of a module: a pickled `nn.Module`, or an object of a TorchScript archive.
    func moduleState(_ id: PickleNode.ID) -> [PicklePair]? {
        guard let object = object(id) else { return nil }
        // A torch.fx.GraphModule is made from its attributes, and its code from them.
        if callable(of: object)?.module == "torch.fx.graph_module", let attributes = tuple(object.arguments)?.first,
            let pairs = pairs(attributes), pairs.contains(where: { string($0.key) == "_modules" })
        {
            return pairs
        }
        guard let state = object.states.last, let pairs = pairs(state) else { return nil }
        if callable(of: object)?.module.hasPrefix("__torch__") == true { return pairs }
        let names = Set(pairs.compactMap { string($0.key) })
        return names.contains("_parameters") && names.contains("_modules") ? pairs : nil
    }
}
