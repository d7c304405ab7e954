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
    /// All containers by place.
    private(set) var places: [String: PickleNode.ID] = [:]
    /// Single values near the top: epoch, best accuracy and their like.
    private(set) var facts: [(name: String, value: String)] = []
    let limits: CheckpointLimits

    init(graph: PickleGraph, source: any StorageSource, limits: CheckpointLimits) throws {
        self.graph = graph
        self.limits = limits
        rebuilder = TensorRebuilder(graph: graph, source: source, limits: limits)
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
                continue
            }
            let inModule = try survey(visit)
            guard visit.depth < limits.maxDepth else {
                throw CheckpointError.limitExceeded(limit: "maxDepth", maximum: limits.maxDepth)
            }
            for child in parts(of: visit) where seen.insert(child.id).inserted {
                queue.append(Visit(id: child.id, path: child.path, depth: visit.depth + 1, inModule: inModule))
            }
        }
    }

    /// Notes what a value is; tells whether it is a module, or within one.
    private mutating func survey(_ visit: Visit) throws -> Bool {
        if notesFact(at: visit) { note(fact: graph.scalarText(visit.id), at: visit) }
        if graph.moduleState(visit.id) != nil {
            places[visit.path] = visit.id
            if !visit.inModule {
                candidates.append(Candidate(path: visit.path, id: visit.id, kind: .module, holdsScalarsOnly: false))
            }
            return true
        }
        guard let pairs = graph.pairs(visit.id) else { return visit.inModule }
        try checkKeys(pairs)
        if places[visit.path] == nil { places[visit.path] = visit.id }
        guard !visit.inModule else { return true }
        var (count, scalars) = (0, 0)
        for pair in pairs where graph.string(pair.key) != nil {
            guard let tensor = try named(graph.path(visit.path, pair.key), { try $0.rebuilder.tensor(pair.value) })
            else { continue }
            count += 1
            if tensor.elementCount <= 1 { scalars += 1 }
        }
        if count > 0 {
            candidates.append(
                Candidate(path: visit.path, id: visit.id, kind: .dictionary, holdsScalarsOnly: scalars == count))
        }
        return false
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
        guard let object = object(id), let state = object.states.last, let pairs = pairs(state) else { return nil }
        if callable(of: object)?.module.hasPrefix("__torch__") == true { return pairs }
        let names = Set(pairs.compactMap { string($0.key) })
        return names.contains("_parameters") && names.contains("_modules") ? pairs : nil
    }
}
