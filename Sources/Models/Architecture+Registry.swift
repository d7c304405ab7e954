// SPDX-License-Identifier: MIT

import Layers
import Tensors

extension Architecture {
    /// Names of all architectures, each once.
    public static var names: [String] {
        var names: [String] = []
        for family in families {
            for architecture in family.members(ArchitectureSizes(classes: 1)) where !names.contains(architecture.name) {
                names.append(architecture.name)
            }
        }
        return names
    }

    /// All architectures that the weights fit, without more than a twentieth of their bytes left over. Several fit where libraries
    /// give the same names to networks that differ in paddings, or in how they prepare photos.
    public static func fitting(_ weights: StateDict) -> [Architecture] {
        let unwrapped = weights.unwrapped
        var fitting: [(architecture: Architecture, leftOver: Int)] = []
        for family in families where family.mayHold(unwrapped) {
            for architecture in family.members(for: unwrapped) {
                if let leftOver = architecture.leftOver(of: unwrapped) { fitting.append((architecture, leftOver)) }
            }
        }
        let least = fitting.map(\.leftOver).min()
        return fitting.filter { $0.leftOver == least }.map(\.architecture)
    }

    /// Finds the architecture whose weights these are.
    ///
    /// - Parameter hint: What may name one of several that fit: the file's name, or the name that a checkpoint notes.
    /// - Throws: `ModelError.unrecognised` with the comparison to the nearest one.
    public static func recognised(in weights: StateDict, hint: String = "") throws -> Architecture {
        let fitting = fitting(weights)
        if let chosen = try fitting.chosen(by: hint) { return chosen }
        throw ModelError.unrecognised(nearest: nearest(to: weights.unwrapped))
    }

    /// Finds the architecture of a name, in the family and size that fits the weights best.
    ///
    /// - Throws: `ModelError.unknownArchitecture` if no architecture has that name.
    public static func named(_ name: String, for weights: StateDict) throws -> Architecture {
        let unwrapped = weights.unwrapped
        let matching = families.flatMap { $0.members(for: unwrapped) }.filter { $0.name == name }
        if let fitting = matching.first(where: { $0.leftOver(of: unwrapped) != nil }) { return fitting }
        guard let best = matching.max(by: { $0.audit(unwrapped).likeness < $1.audit(unwrapped).likeness }) else {
            throw ModelError.unknownArchitecture(name, known: names)
        }
        return best
    }

    /// The architecture of a name, family and number of classes, for weights that are prepared already.
    ///
    /// - Parameter side: Side of the pictures, for networks whose weights belong to one.
    /// - Returns: nil if there is none.
    public static func named(_ name: String, family: String, classes: Int, side: Int? = nil) -> Architecture? {
        guard classes > 0 else { return nil }
        let sizes = ArchitectureSizes(classes: classes, side: side)
        for candidates in families {
            let found = candidates.members(sizes).first {
                $0.name == name && $0.family == family && $0.classes == classes
            }
            if let found { return found }
        }
        return nil
    }

    /// Bytes of the weights that the network leaves over; nil if one is missing or of another shape, or if more than a twentieth
    /// is left.
    func leftOver(of weights: StateDict) -> Int? {
        guard let known = taken(from: weights) else { return nil }
        let names = weights.names
        let counts = names.count(where: WeightsAudit.isCount)
        if known.count == names.count - counts { return 0 }
        let taken = Set(known)
        let prefix = weights.prefix
        let others = names.filter { !taken.contains(prefix + $0) && !WeightsAudit.isCount($0) }
        let bytes = others.reduce(0) { $0 + (weights.tensor(named: $1)?.byteCount ?? 0) }
        return bytes <= weights.byteCount / 20 ? bytes : nil
    }

    private static func nearest(to weights: StateDict) -> WeightsAudit? {
        let likely = families.filter { $0.landmarks.contains(where: weights.contains) }
        var nearest: WeightsAudit?
        for architecture in (likely.isEmpty ? families : likely).flatMap({ $0.members(for: weights) }) {
            let audit = architecture.audit(weights)
            if audit.likeness > nearest?.likeness ?? 0 { nearest = audit }
        }
        return nearest
    }
}

extension [Architecture] {
    /// What the names of networks hold that have the weights of others, and parts without weights besides: a pooling before each stride,
    /// another activation.
    private static var lookalikes: [String] { ["resnetaa", "resnetblur", "quickgelu"] }

    /// The one whose name stands in a text, the longest of them, else the first.
    ///
    /// - Throws: `ModelError.lookalike` if the text names a network that these weights fit as well, and that isn't known.
    public func chosen(by hint: String) throws -> Architecture? {
        let text = String(decoding: hint.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
        let named = filter { text.contains($0.name) || text.contains($0.nameWithoutSide) }
        let chosen = named.max { $0.name.utf8.count < $1.name.utf8.count } ?? first
        guard let chosen else { return nil }
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        for word in words where !word.contains(chosen.name) {
            if Self.lookalikes.contains(where: { word.contains($0) }) {
                throw ModelError.lookalike(String(word), fits: chosen.name)
            }
        }
        return chosen
    }
}
