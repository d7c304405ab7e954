// SPDX-License-Identifier: MIT

import Checkpoints
import Testing

@Suite("Finding the weights")
struct WeightsFinderTests {
    private typealias P = PickleBuilder

    private func summary(_ pairs: [(String, [UInt8])], key: String? = nil) throws -> CheckpointSummary {
        try open(pairs, key: key).summary
    }

    private func open(_ pairs: [(String, [UInt8])], key: String? = nil) throws -> Checkpoint {
        try Checkpoint.read(
            torchArchive(pickle: P.file(P.dictionary(pairs))).build(), selection: WeightsSelection(key: key))
    }

    private let weights = P.dictionary([("w", P.tensor()), ("b", P.tensor(size: [2]))])

    @Test("a bare dict of tensors is the weights")
    func bareDictionary() throws {
        #expect(try summary([("w", P.tensor()), ("note", P.text("x"))]).weightsPath == "")
    }

    @Test("the usual names are found, the optimizer never", arguments: ["state_dict", "model", "net", "ema", "params"])
    func usualNames(name: String) throws {
        let found = try summary([
            ("optimizer", P.dictionary([("state", weights)])), (name, weights), ("epoch", P.int(3)),
        ])
        #expect(found.weightsPath == name)
        #expect(found.trainingTensors == 0, "the tensors are the same ones")
        #expect(found.facts.map(\.name) == ["epoch"])
    }

    @Test("an optimizer alone holds no weights")
    func optimizerAlone() {
        #expect(throws: CheckpointError.self) { try summary([("optimizer", P.dictionary([("state", weights)]))]) }
    }

    @Test("weights within a named place are found")
    func nestedPlace() throws {
        #expect(
            try summary([("model", P.dictionary([("inner", weights), ("step", P.int(1))]))]).weightsPath
                == "model.inner")
    }

    @Test("the raw weights win over their average, which is named as another candidate")
    func averageIsSecond() throws {
        let found = try summary([("ema", weights), ("state_dict", weights)])
        #expect(found.weightsPath == "state_dict")
        #expect(found.candidates == ["ema"])
    }

    @Test("a root that holds tensors of its own is another candidate, named as --key takes it")
    func rootIsNamed() throws {
        let pairs = [("model_state", weights), ("mean", P.tensor(size: [3]))]
        #expect(try summary(pairs).candidates == [""])
        #expect(try summary(pairs, key: "").weightsPath == "")
    }

    @Test("names of classes are found as training scripts keep them")
    func classNames() throws {
        let list = P.list([P.text("cat"), P.text("dog")])
        let numbers = P.dictionary([("dog", P.int(1)), ("cat", P.int(0))])
        let names = P.dictionary([("1", P.text("dog")), ("0", P.text("cat"))])
        for (key, value) in [
            ("classes", list), ("CLASSES", list), ("class_names", P.tuple([P.text("cat"), P.text("dog")])),
            ("class_to_idx", numbers), ("label2id", numbers), ("id2label", names),
            ("meta", P.dictionary([("dataset", P.dictionary([("classes", list)]))])),
        ] {
            let found = try summary([("state_dict", weights), (key, value)])
            #expect(found.classNames == ["cat", "dog"], "\(key)")
            #expect(found.classNamesPlace.hasPrefix(key))
        }
        // Words for other things too: only beside the weights.
        for key in ["names", "labels", "categories"] {
            #expect(try summary([("state_dict", weights), (key, list)]).classNames == ["cat", "dog"])
            #expect(try summary([("state_dict", weights), ("args", P.dictionary([(key, list)]))]).classNames == [])
        }
    }

    @Test("what gives no name to each number from 0 up is none of that")
    func noClassNames() throws {
        for value in [
            P.list([]), P.list([P.text("cat"), P.int(1)]), P.int(3), P.text("cat"),
            P.dictionary([("cat", P.int(1)), ("dog", P.int(2))]), P.dictionary([("cat", P.int(0)), ("dog", P.int(0))]),
            P.dictionary([("cat", P.int(-1))]), P.dictionary([("x", P.text("cat"))]),
        ] {
            #expect(try summary([("state_dict", weights), ("classes", value)]).classNames == [])
        }
        #expect(try summary([("state_dict", weights), ("words", P.list([P.text("cat")]))]).classNames == [])
    }

    @Test("a network without weights is told from a file without a network")
    func networkWithoutWeights() {
        let state = P.dictionary(["_parameters", "_buffers", "_modules"].map { ($0, P.dictionary([])) })
        let identity = P.global("torch.nn.modules.linear", "Identity") + [0x29, 0x81] + state + [0x62]
        #expect(throws: CheckpointError.noWeights(found: "the file holds a network without any weights")) {
            try Checkpoint.read(torchArchive(pickle: P.file(identity)).build())
        }
        #expect(throws: CheckpointError.noWeights(found: "no tensors at all")) {
            try summary([("epoch", P.int(3))])
        }
    }

    @Test("two networks are ambiguous, and both are listed")
    func ambiguous() {
        #expect(throws: CheckpointError.ambiguousWeights(candidates: ["generator", "net"])) {
            try summary([("generator", weights), ("net", weights)])
        }
        #expect(throws: CheckpointError.ambiguousWeights(candidates: ["left", "right"])) {
            try summary([("left", weights), ("right", weights)])
        }
    }

    @Test("a key chooses")
    func keyChooses() throws {
        #expect(try summary([("generator", weights), ("net", weights)], key: "net").weightsPath == "net")
        #expect(try summary([("a", P.dictionary([("b", weights)]))], key: "a.b").weightsPath == "a.b")
        #expect(try summary([("a", P.dictionary([("b", weights)]))], key: "a").weightsPath == "a.b")
    }

    @Test("a key that leads nowhere names what there is")
    func keyNotFound() {
        #expect(throws: CheckpointError.keyNotFound(key: "nope", available: ["net"])) {
            try summary([("net", weights)], key: "nope")
        }
    }

    @Test("a lone accuracy that is a tensor does not make the file the weights")
    func scalarBesideWeights() throws {
        let found = try summary([("best", P.tensor(size: [], stride: [])), ("mine", weights)])
        #expect(found.weightsPath == "mine")
        #expect(found.facts.map { "\($0.name)=\($0.value)" } == ["best=1.0"])
    }

    @Test("no tensors at all is said so")
    func nothing() {
        #expect(throws: CheckpointError.noWeights(found: "no tensors at all; the file has epoch")) {
            try summary([("epoch", P.dictionary([]))])
        }
    }

    @Test("prefixes go, one after the other, where all names have them")
    func prefixes() throws {
        let checkpoint = try open([("module.model.a", P.tensor()), ("module.model.b", P.tensor(size: [2]))])
        #expect(checkpoint.stateDict.names == ["a", "b"])
        #expect(checkpoint.summary.removedPrefixes == ["module.", "model."])
        let mixed = try open([("module.a", P.tensor()), ("head.b", P.tensor(size: [2]))])
        #expect(mixed.stateDict.names == ["module.a", "head.b"])
    }

    @Test("wrappers of single blocks go from within the names, unless two names would become one")
    func innerPrefixes() throws {
        let checkpoint = try open([("layer._orig_mod.a", P.tensor()), ("head.b", P.tensor(size: [2]))])
        #expect(checkpoint.stateDict.names == ["layer.a", "head.b"])
        let clash = try open([("layer._orig_mod.a", P.tensor()), ("layer.a", P.tensor(size: [2]))])
        #expect(clash.stateDict.names == ["layer._orig_mod.a", "layer.a"])
    }

    @Test("a place that two keys lead to is ambiguous")
    func ambiguousPlace() {
        let other = P.dictionary([("v", P.tensor())])
        let pairs = [("net.ema", other), ("net", P.dictionary([("ema", weights)]))]
        #expect(throws: CheckpointError.ambiguousWeights(candidates: ["net.ema", "net.ema"])) {
            try summary(pairs, key: "net.ema")
        }
    }

    @Test("the epoch and the accuracy on data held out are found")
    func trainingFacts() throws {
        func facts(_ pairs: [(String, [UInt8])]) throws -> CheckpointSummary {
            try summary([("state_dict", weights)] + pairs)
        }
        let usual = try facts([
            ("epoch", P.int(7)), ("train_acc", P.text("0.99")), ("val_acc", P.text("0.75")), ("acc5", P.text("0.9")),
            ("best_acc1", P.text("81.25")), ("accumulation", P.int(4)),
        ])
        #expect(usual.epoch == 7)
        #expect(usual.accuracy == CheckpointSummary.Accuracy(name: "best_acc1", text: "81.25", share: 0.8125))
        let nested = try facts([("meta", P.dictionary([("epoch", P.int(3)), ("Accuracy", P.text("0.5"))]))])
        #expect(nested.epoch == 3)
        #expect(nested.accuracy?.name == "meta.Accuracy")
        #expect(nested.accuracy?.share == 0.5)
        let none = try facts([("epoch", P.text("last")), ("acc", P.text("nan")), ("train_acc", P.text("1"))])
        #expect(none.epoch == nil)
        #expect(none.accuracy == nil)
    }
}
