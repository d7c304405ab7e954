// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Tensors put together, repeated, turned, padded.
    static var joins: [String: AtenTranslator] {
        [
            "aten.cat.default": { [.value(try concatenate($0))] },
            "aten.concat.default": { [.value(try concatenate($0))] },
            "aten.stack.default": { call in
                let all = try call.allTensors("tensors")
                let type = call.promoted(all)
                let axis = try call.axis(call.int("dim", 0), of: call.shape(all[0]).rank + 1)
                let parts = try all.map { id in
                    var dimensions = call.shape(id).dimensions
                    guard axis <= dimensions.count else { throw call.invalid("axis \(axis) of \(dimensions)") }
                    dimensions.insert(1, at: axis)
                    return try call.reshape(call.cast(id, to: type), dimensions)
                }
                return [.value(try parts.count == 1 ? parts[0] : call.addAll(Concat(axis: axis), parts)[0])]
            },
            "aten.repeat.default": { [.value(try tile($0, $0.ints("repeats") ?? []))] },
            "aten.tile.default": { [.value(try tile($0, $0.ints("dims") ?? []))] },
            "aten.repeat_interleave.self_int": { call in
                var x = try call.tensor("self")
                let times = try call.int("repeats", 1)
                call.ignore("output_size")
                if !call.has("dim") { x = try call.reshape(x, [call.shape(x).elementCount]) }
                let shape = call.shape(x)
                let axis = try call.axis(call.int("dim", 0), of: shape.rank)
                guard shape.rank > 0, times > 0 else { throw call.invalid("\(times) repeats of \(shape)") }
                var (apart, spread, whole) = (shape.dimensions, shape.dimensions, shape.dimensions)
                apart.insert(1, at: axis + 1)
                spread.insert(times, at: axis + 1)
                let (length, overflow) = whole[axis].multipliedReportingOverflow(by: times)
                guard !overflow else { throw call.invalid("\(times) repeats of \(shape)") }
                whole[axis] = length
                let wide = try call.expand(call.reshape(x, apart), to: call.checked(spread))
                return [.value(try call.reshape(wide, whole))]
            },
            "aten.roll.default": { [.value(try roll($0))] },
            "aten.flip.default": { call in
                let x = try call.tensor("self")
                let shape = call.shape(x)
                var slice = Slice(
                    starts: shape.dimensions.map { _ in 0 }, counts: shape.dimensions,
                    steps: shape.dimensions.map { _ in 1 })
                for axis in try (call.ints("dims") ?? []).map({ try call.axis($0, of: shape.rank) })
                where shape[axis] > 0 {
                    (slice.starts[axis], slice.steps[axis]) = (shape[axis] - 1, -1)
                }
                return [.value(try call.add(slice, x))]
            },
            "aten.pad.default": { [.value(try pad($0, $0.string("mode") ?? "constant"))] },
            "aten.constant_pad_nd.default": { [.value(try pad($0, "constant"))] },
            "aten.reflection_pad1d.default": { [.value(try pad($0, "reflect"))] },
            "aten.reflection_pad2d.default": { [.value(try pad($0, "reflect"))] },
            "aten.replication_pad1d.default": { [.value(try pad($0, "replicate"))] },
            "aten.replication_pad2d.default": { [.value(try pad($0, "replicate"))] },
            "aten.pixel_shuffle.default": { call in
                let x = try call.tensor("self")
                let (shape, factor) = (call.shape(x), try call.int("upscale_factor", 1))
                guard shape.rank == 4, (1...(1 << 15)).contains(factor), shape[1] % (factor * factor) == 0 else {
                    throw call.invalid("blocks of \(factor) in \(shape)")
                }
                let depth = shape[1] / (factor * factor)
                let apart = try call.reshape(x, [shape[0], depth, factor, factor, shape[2], shape[3]])
                let moved = try call.transpose(apart, [0, 1, 4, 2, 5, 3])
                return [.value(try call.reshape(moved, [shape[0], depth, shape[2] * factor, shape[3] * factor]))]
            },
            "aten.pixel_unshuffle.default": { call in
                let x = try call.tensor("self")
                let (shape, factor) = (call.shape(x), try call.int("downscale_factor", 1))
                guard shape.rank == 4, (1...(1 << 15)).contains(factor), shape[2] % factor == 0, shape[3] % factor == 0
                else { throw call.invalid("blocks of \(factor) in \(shape)") }
                let (height, width) = (shape[2] / factor, shape[3] / factor)
                let apart = try call.reshape(x, [shape[0], shape[1], height, factor, width, factor])
                let moved = try call.transpose(apart, [0, 1, 3, 5, 2, 4])
                return [.value(try call.reshape(moved, [shape[0], shape[1] * factor * factor, height, width]))]
            },
            "aten.channel_shuffle.default": { call in
                let x = try call.tensor("self")
                let (shape, groups) = (call.shape(x), try call.int("groups", 1))
                guard shape.rank >= 3, groups > 0, shape[1] % groups == 0 else {
                    throw call.invalid("\(groups) groups of \(shape)")
                }
                let behind = shape.dimensions.dropFirst(2)
                let apart = try call.reshape(x, [shape[0], groups, shape[1] / groups] + behind)
                let order = [0, 2, 1] + Array(3..<(3 + behind.count))
                return [.value(try call.reshape(call.transpose(apart, order), shape.dimensions))]
            },
        ]
    }

    private static func concatenate(_ call: Call) throws -> Graph.ValueID {
        let all = try call.allTensors("tensors")
        let type = call.promoted(all)
        // Of old an empty list of numbers goes with everything.
        let parts = try all.filter { call.shape($0).dimensions != [0] }.map { try call.cast($0, to: type) }
        guard let first = parts.first else { return all[0] }
        let axis = try call.axis(call.int("dim", 0), of: call.shape(first).rank)
        return try parts.count == 1 ? first : call.addAll(Concat(axis: axis), parts)[0]
    }

    private static func tile(_ call: Call, _ repeats: [Int]) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let own = call.shape(x).dimensions
        let rank = max(own.count, repeats.count)
        guard rank <= call.importer.limits.maxRank, repeats.allSatisfy({ $0 >= 0 }) else {
            throw call.invalid("repeats \(repeats)")
        }
        let wide = try call.reshape(x, [Int](repeating: 1, count: rank - own.count) + own)
        let times = [Int](repeating: 1, count: rank - repeats.count) + repeats
        return times.allSatisfy { $0 == 1 } ? wide : try call.add(Tile(times), wide)
    }

    private static func roll(_ call: Call) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let shape = call.shape(x)
        let (shifts, dims) = (try call.ints("shifts") ?? [], try call.ints("dims") ?? [])
        if dims.isEmpty, shifts.count == 1 {
            let flat = try call.reshape(x, [shape.elementCount])
            return try call.reshape(rolled(call, flat, 0, shifts[0]), shape.dimensions)
        }
        guard shifts.count == dims.count else { throw call.invalid("shifts \(shifts) of axes \(dims)") }
        return try zip(shifts, dims).reduce(x) { value, pair in
            try rolled(call, value, call.axis(pair.1, of: shape.rank), pair.0)
        }
    }

    private static func rolled(_ call: Call, _ x: Graph.ValueID, _ axis: Int, _ shift: Int) throws -> Graph.ValueID {
        let size = call.shape(x).dimensions[axis]
        guard size > 0 else { return x }
        let back = ((shift % size) + size) % size
        guard back > 0 else { return x }
        let parts = try call.addAll(Split(axis: axis, sizes: [size - back, back]), [x])
        return try call.addAll(Concat(axis: axis), [parts[1], parts[0]])[0]
    }

    /// Pairs from the last axis on: before and after.
    private static func pad(_ call: Call, _ mode: String) throws -> Graph.ValueID {
        let x = try call.tensor(call.node.inputs.contains { $0.name == "input" } ? "input" : "self")
        let rank = call.shape(x).rank
        let pairs = try call.ints(call.node.inputs.contains { $0.name == "padding" } ? "padding" : "pad") ?? []
        guard pairs.count % 2 == 0, pairs.count / 2 <= rank else {
            throw call.invalid("a padding of \(pairs) of \(rank) axes")
        }
        var (before, after) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
        for place in 0..<(pairs.count / 2) {
            (before[rank - 1 - place], after[rank - 1 - place]) = (pairs[2 * place], pairs[2 * place + 1])
        }
        let kind: Pad.Mode
        switch mode {
        case "constant": kind = .constant(try call.double("value", 0))
        case "reflect": kind = .reflect
        case "replicate": kind = .edge
        case "circular": kind = .wrap
        default: throw call.unsupported("mode '\(mode)'")
        }
        return (before + after).allSatisfy { $0 == 0 }
            ? x : try call.add(Pad(before: before, after: after, mode: kind), x)
    }
}
