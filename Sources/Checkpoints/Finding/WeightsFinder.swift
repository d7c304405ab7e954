// SPDX-License-Identifier: MIT

import Text

/// Tells the weights from everything else that a training checkpoint holds.
enum WeightsFinder {
    /// The usual names of weights, at the top of a checkpoint.
    static let weightNames: Set<String> = [
        "state_dict", "model_state_dict", "model", "model_state", "net", "net_state_dict", "network", "weights",
        "params",
        "generator", "module", "encoder_state_dict",
    ]
    /// The usual names of averaged weights, taken only where there are no others.
    static let averageNames: Set<String> = [
        "ema", "state_dict_ema", "model_ema", "ema_model", "ema_state_dict", "params_ema", "model_ema_state_dict",
        "swa",
    ]
    private static let trainingPrefixes = ["optim", "opt_state", "lr_sched", "scheduler", "scaler", "amp"]

    /// The place belongs to an optimizer, a schedule or their like.
    static func isTrainingState(_ path: String) -> Bool {
        path.split(separator: ".").contains { part in trainingPrefixes.contains { part.asciiLowercased.hasPrefix($0) } }
    }

    /// The place that holds the weights.
    ///
    /// - Throws: `CheckpointError.noWeights`, `.ambiguousWeights` or `.keyNotFound`.
    static func choose(_ survey: PickleSurvey, key: String?) throws -> PickleSurvey.Candidate {
        if let key { return try find(key, in: survey) }
        let all = survey.candidates.filter { !isTrainingState($0.path) }
        // A lone accuracy, saved as a tensor, makes no weights where there are others.
        let substantial = all.filter { !$0.holdsScalarsOnly }
        let candidates = substantial.isEmpty ? all : substantial
        if let root = candidates.first(where: { $0.path.isEmpty && $0.kind == .module }) { return root }

        for names in [weightNames, averageNames] {
            let named = candidates.filter { !$0.path.isEmpty && names.contains(String($0.path.prefix { $0 != "." })) }
            if named.count == 1 { return named[0] }
            // Within one named place the outermost wins: it is what the name means.
            if let outer = named.first(where: { names.contains($0.path) }),
                named.count(where: { $0.path == outer.path }) == 1,
                named.allSatisfy({ $0.path == outer.path || $0.path.hasPrefix(outer.path + ".") })
            {
                return outer
            }
            if named.count > 1 { throw CheckpointError.ambiguousWeights(candidates: named.map(\.path)) }
        }
        if let root = candidates.first(where: { $0.path.isEmpty }) { return root }
        switch candidates.count {
        case 0: throw CheckpointError.noWeights(found: survey.contentsText)
        case 1: return candidates[0]
        default: throw CheckpointError.ambiguousWeights(candidates: candidates.map(\.path))
        }
    }

    private static func find(_ key: String, in survey: PickleSurvey) throws -> PickleSurvey.Candidate {
        let exact = survey.candidates.filter { $0.path == key }
        if exact.count == 1 { return exact[0] }
        // A key with a dot in it can read like the way to another place.
        guard exact.isEmpty else { throw CheckpointError.ambiguousWeights(candidates: exact.map(\.path)) }
        guard let id = survey.places[key] else {
            let top = survey.places.keys.filter { !$0.isEmpty }.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
            throw CheckpointError.keyNotFound(key: key, available: top)
        }
        if survey.graph.moduleState(id) != nil {
            return PickleSurvey.Candidate(path: key, id: id, kind: .module, holdsScalarsOnly: false)
        }
        // A place that only leads to one that holds weights stands for it.
        let inside = survey.candidates.filter { $0.path.hasPrefix(key + ".") }
        guard inside.count == 1 else {
            throw inside.isEmpty
                ? CheckpointError.noWeights(found: "'\(key)' holds no tensors")
                : CheckpointError.ambiguousWeights(candidates: inside.map(\.path))
        }
        return inside[0]
    }
}

extension PickleSurvey {
    /// What there is, where no weights are.
    fileprivate var contentsText: String {
        let names = places.keys.filter { !$0.isEmpty && !$0.contains(".") }.sorted()
        let kinds = tensors.isEmpty ? "no tensors at all" : "\(tensors.count) tensors, none of them by name"
        return names.isEmpty ? kinds : "\(kinds); the file has \(names.prefix(12).joined(separator: ", "))"
    }

    /// The tensors of the place, in order, and the names of what else stands among them.
    mutating func weights(of candidate: Candidate) throws -> (
        tensors: [(name: String, tensor: StoredTensor)], others: [String]
    ) {
        switch candidate.kind {
        case .dictionary: return try dictionaryWeights(candidate)
        case .module:
            var walk = ModuleWalk(maxDepth: limits.maxDepth, maxModules: limits.maxTensors)
            try walk.visit(candidate.id, prefix: "", depth: 0, survey: &self)
            return (walk.tensors, [])
        }
    }

    private mutating func dictionaryWeights(
        _ candidate: Candidate
    ) throws -> (tensors: [(name: String, tensor: StoredTensor)], others: [String]) {
        var tensors: [(name: String, tensor: StoredTensor)] = []
        var others: [String] = []
        var names: Set<String> = []
        for pair in graph.pairs(candidate.id) ?? [] {
            guard let name = graph.string(pair.key) else { continue }
            guard names.insert(name).inserted else { throw CheckpointError.clashingNames(first: name, second: name) }
            if let tensor = try tensor(pair.value, named: name) {
                tensors.append((name, tensor))
            } else {
                others.append(name)
            }
        }
        return (tensors, others)
    }
}

/// Collects what `Module.state_dict()` would: parameters, persistent buffers, then the modules within.
private struct ModuleWalk {
    let maxDepth: Int
    let maxModules: Int
    private(set) var tensors: [(name: String, tensor: StoredTensor)] = []
    private var moduleCount = 0

    init(maxDepth: Int, maxModules: Int) {
        self.maxDepth = maxDepth
        self.maxModules = maxModules
    }

    /// Visits a module; one that is used twice is visited twice, as in PyTorch, so the visits are counted.
    mutating func visit(_ id: PickleNode.ID, prefix: String, depth: Int, survey: inout PickleSurvey) throws {
        guard depth < maxDepth else { throw CheckpointError.limitExceeded(limit: "maxDepth", maximum: maxDepth) }
        moduleCount += 1
        guard moduleCount <= maxModules else {
            throw CheckpointError.limitExceeded(limit: "maxTensors", maximum: maxModules)
        }
        let graph = survey.graph
        let state = graph.moduleState(id) ?? []
        func attribute(_ name: String) -> PickleNode.ID? { state.last { graph.string($0.key) == name }?.value }
        guard let modules = attribute("_modules"), attribute("_parameters") != nil else {
            return try visitScript(state, prefix: prefix, depth: depth, survey: &survey)
        }
        let transient = attribute("_non_persistent_buffers_set").map { graph.strings(in: $0) } ?? []
        for group in ["_parameters", "_buffers"] {
            for pair in attribute(group).flatMap({ graph.pairs($0) }) ?? [] {
                guard let name = graph.string(pair.key), group == "_parameters" || !transient.contains(name) else {
                    continue
                }
                try take(pair.value, name: prefix + name, survey: &survey)
            }
        }
        for pair in graph.pairs(modules) ?? [] {
            guard let name = graph.string(pair.key), graph.moduleState(pair.value) != nil else { continue }
            try visit(pair.value, prefix: "\(prefix)\(name).", depth: depth + 1, survey: &survey)
        }
    }

    /// TorchScript keeps tensors and modules as attributes, side by side.
    private mutating func visitScript(
        _ state: [PicklePair], prefix: String, depth: Int, survey: inout PickleSurvey
    ) throws {
        let graph = survey.graph
        for pair in state {
            guard let name = graph.string(pair.key) else { continue }
            if graph.moduleState(pair.value) == nil { try take(pair.value, name: prefix + name, survey: &survey) }
        }
        for pair in state where graph.moduleState(pair.value) != nil {
            guard let name = graph.string(pair.key) else { continue }
            try visit(pair.value, prefix: "\(prefix)\(name).", depth: depth + 1, survey: &survey)
        }
    }

    private mutating func take(_ id: PickleNode.ID, name: String, survey: inout PickleSurvey) throws {
        guard let tensor = try survey.tensor(id, named: name) else { return }
        tensors.append((name, tensor))
    }
}

extension PickleGraph {
    /// The texts in a set, which protocol 2 writes as `set([...])`.
    fileprivate func strings(in id: PickleNode.ID) -> Set<String> {
        var items: [PickleNode.ID] = []
        if case .set(let members) = self[id] { items = members }
        if let object = object(id), let list = tuple(object.arguments)?.first {
            items = (sequence(list) ?? []) + object.items
        }
        return Set(items.compactMap { string($0) })
    }
}
