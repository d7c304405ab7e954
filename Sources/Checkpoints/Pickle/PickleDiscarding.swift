// SPDX-License-Identifier: MIT

/// What a checkpoint holds beside its weights can be millions of numbers: replay buffers, vocabularies, lists of tokens. Long
/// lists of plain data are not kept: their values go again as soon as a batch of them (a thousand, as Python writes them) has
/// been read, so that memory is bounded by what can lead to a tensor.
enum PickleDiscarding {
    /// So many items of a list are kept in any case: no shape, name or list of keys is longer.
    static let longContainer = 4096
    /// In a graph of so many values ``crowdedContainer`` items are.
    static let crowdedGraph = 200_000
    static let crowdedContainer = 256
}

/// An open mark.
struct PickleMark {
    /// Values on the stack below it.
    let height: Int
    /// Values in the graph before it.
    let nodeCount: Int
    /// Entries of the memo before it.
    let putCount: Int
}

/// Values by slot. Python numbers the slots from 0, which makes them an array; any others are few.
struct PickleMemo {
    private var dense: [PickleNode.ID] = []
    private var sparse: [UInt64: PickleNode.ID] = [:]
    /// The slots in the order of their use, as far as a mark is open.
    private(set) var puts: [UInt64] = []

    var count: Int { dense.count + sparse.count }

    subscript(slot: UInt64) -> PickleNode.ID? {
        slot < UInt64(dense.count) ? dense[Int(slot)] : sparse[slot]
    }

    mutating func put(_ slot: UInt64, _ id: PickleNode.ID) {
        set(slot, id)
        puts.append(slot)
    }

    private mutating func set(_ slot: UInt64, _ id: PickleNode.ID) {
        if slot < UInt64(dense.count) {
            dense[Int(slot)] = id
        } else if slot == UInt64(dense.count) {
            dense.append(id)
            sparse[slot] = nil
        } else {
            sparse[slot] = id
        }
    }

    /// Lets every slot used since a mark that holds a value from `base` on hold `replacement`, and forgets the order of
    /// their use.
    mutating func replace(since putCount: Int, from base: PickleNode.ID, by replacement: PickleNode.ID) {
        for slot in puts[min(putCount, puts.count)...] {
            if let id = self[slot], id >= base { set(slot, replacement) }
        }
        puts.removeSubrange(min(putCount, puts.count)...)
    }
}

extension PickleNode {
    /// A number, a Boolean or None: what is never remembered.
    var isNumber: Bool {
        switch self {
        case .none, .bool, .int, .bigInt, .float: true
        default: false
        }
    }
}

extension PickleMachine {
    /// How many items of a container are kept.
    func keptCount(_ id: PickleNode.ID) -> Int {
        switch graph.nodes[id] {
        case .list(let list), .set(let list): list.items.count
        case .object(let object): object.items.count
        default: 0
        }
    }

    /// Takes note that items of a container were not kept.
    func shorten(_ id: PickleNode.ID) {
        if case .list(let list) = graph.nodes[id] { list.isShortened = true }
    }

    /// Takes the values above the mark just closed out of the graph, if they are plain data that nothing else refers to and
    /// their container is long enough; tells whether it did.
    mutating func isDiscarded(_ count: Int, kept: Int) -> Bool {
        let base = closed.nodeCount
        let isCrowded = base > PickleDiscarding.crowdedGraph
        let allowed = isCrowded ? PickleDiscarding.crowdedContainer : PickleDiscarding.longContainer
        // Nothing older can hold a value from behind the mark: it would have been pushed again.
        guard kept + count > allowed, lastSubstance < base, graph.nodes.count > base else { return false }
        graph.nodes.removeSubrange(base...)
        graph.nodes.append(.discarded)
        memo.replace(since: closed.putCount, from: base, by: base)
        return true
    }
}
