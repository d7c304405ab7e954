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
    private static let trainingWords: Set<String> = [
        "optim", "optims", "opt", "sched", "scheduler", "schedulers", "scaler", "amp", "gradscaler",
    ]
    private static let trainingBeginnings = ["optimizer", "optimiser", "lr_sched"]

    /// The place belongs to an optimizer, a schedule or their like, by its name.
    static func isTrainingState(_ path: String) -> Bool {
        path.split(separator: ".").contains { part in
            let name = part.asciiLowercased
            if trainingBeginnings.contains(where: { name.hasPrefix($0) }) { return true }
            return name.split { !$0.isLetter }.contains { word in
                trainingWords.contains(String(word)) || trainingBeginnings.contains { word.hasPrefix($0) }
            }
        }
    }

    /// The names that networks give their tensors, which no optimizer has.
    private static let parameterNames: Set<Substring> = ["weight", "bias", "running_mean", "running_var"]

    /// The place that holds the weights.
    ///
    /// - Throws: `CheckpointError.noWeights`, `.ambiguousWeights` or `.keyNotFound`.
    static func choose(
        _ survey: PickleSurvey, key: String?, allowsNothing: Bool = false
    ) throws -> PickleSurvey.Candidate? {
        if allowsNothing, survey.tensors.isEmpty { return nil }
        if let key { return try find(key, in: survey) }
        var all = survey.candidates.filter { !isTrainingState($0.path) }
        if all.isEmpty {
            // The name of a network may only look like an optimizer's: its tensors' names tell.
            all = survey.candidates.filter { candidate in
                candidate.kind == .module
                    || survey.graph.pairs(candidate.id)?.contains { pair in
                        let name = survey.graph.string(pair.key)?.split(separator: ".").last
                        return name.map { parameterNames.contains($0) } ?? false
                    } == true
            }
        }
        if all.isEmpty { all = survey.fallbacks.filter { !isTrainingState($0.path) } }
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
        let exact = (survey.candidates + survey.fallbacks).filter { $0.path == key }
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
        case .sequence:
            let parts =
                graph.sequence(candidate.id)?.enumerated().map { (String($0), $1) }
                ?? (graph.pairs(candidate.id) ?? []).map { (graph.path("", $0.key), $0.value) }
            return (try parts.compactMap { name, id in try tensor(id, named: name).map { (name, $0) } }, [])
        case .tensor: return (try tensor(candidate.id, named: "tensor").map { [("tensor", $0)] } ?? [], [])
        }
    }

    private mutating func dictionaryWeights(
        _ candidate: Candidate
    ) throws -> (tensors: [(name: String, tensor: StoredTensor)], others: [String]) {
        var tensors: [(name: String, tensor: StoredTensor)] = []
        var others: [String] = []
        var names: Set<String> = []
        for pair in graph.pairs(candidate.id) ?? [] {
            guard let name = graph.string(pair.key) ?? graph.int(pair.key).map({ String($0) }) else { continue }
            guard names.insert(name).inserted else { throw CheckpointError.clashingNames(first: name, second: name) }
            if let tensor = try tensor(pair.value, named: name) {
                tensors.append((name, tensor))
            } else {
                let packed = try packedTensors(in: pair.value, named: name)
                tensors += packed
                if packed.isEmpty { others.append(name) }
            }
        }
        // An array among tensors is a fact of the training, not a weight.
        if tensors.contains(where: { !$0.tensor.isArray }) {
            others += tensors.filter(\.tensor.isArray).map(\.name)
            tensors.removeAll(where: \.tensor.isArray)
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
            return try visitScript(id, state, prefix: prefix, depth: depth, survey: &survey)
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
        // Quantised layers keep their weights beside the parameters.
        for pair in state {
            guard let name = graph.string(pair.key), name.hasPrefix("_packed_params") else { continue }
            tensors += try survey.packedTensors(in: pair.value, named: prefix + name)
        }
        for pair in graph.pairs(modules) ?? [] {
            guard let name = graph.string(pair.key), graph.moduleState(pair.value) != nil else { continue }
            try visit(pair.value, prefix: "\(prefix)\(name).", depth: depth + 1, survey: &survey)
        }
    }

    /// TorchScript keeps tensors and modules as attributes, side by side.
    private mutating func visitScript(
        _ id: PickleNode.ID, _ state: [PicklePair], prefix: String, depth: Int, survey: inout PickleSurvey
    ) throws {
        let graph = survey.graph
        let type = graph.object(id).flatMap { graph.callable(of: $0) }
        let stateNames = try type.flatMap { try survey.script?.stateNames(of: $0) }
        for pair in state {
            guard let name = graph.string(pair.key), graph.moduleState(pair.value) == nil else { continue }
            if try survey.tensor(pair.value, named: prefix + name) == nil {
                tensors += try survey.packedTensors(in: pair.value, named: prefix + name)
            } else if stateNames?.contains(name) ?? true {
                try take(pair.value, name: prefix + name, survey: &survey)
            }
        }
        for pair in state where graph.moduleState(pair.value) != nil {
            guard let name = graph.string(pair.key) else { continue }
            try visit(pair.value, prefix: "\(prefix)\(name).", depth: depth + 1, survey: &survey)
        }
    }

    private mutating func take(_ id: PickleNode.ID, name: String, survey: inout PickleSurvey) throws {
        if let tensor = try survey.tensor(id, named: name) {
            tensors.append((name, tensor))
        } else {
            tensors += try survey.packedTensors(in: id, named: name)
        }
    }
}

extension PickleGraph {
    /// The texts in a set, which protocol 2 writes as `set([...])`.
    fileprivate func strings(in id: PickleNode.ID) -> Set<String> {
        var items: [PickleNode.ID] = []
        if case .set(let set) = self[id] { items = set.items }
        if let object = object(id), let list = tuple(object.arguments)?.first {
            items = (sequence(list) ?? []) + object.items
        }
        return Set(items.compactMap { string($0) })
    }
}
