// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Images of other sizes.
    static var images: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = [:]
        let linear = ["upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"]
        for overload in ["vec", "default"] {
            for name in ["upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"] {
                all["aten.\(name).\(overload)"] = {
                    [.value(try resize($0, .nearest(.floor), .asymmetric))]
                }
            }
            for name in linear { all["aten.\(name).\(overload)"] = { [.value(try resize($0, .linear))] } }
            all["aten.upsample_bicubic2d.\(overload)"] = { [.value(try resize($0, .cubic(-0.75)))] }
            for (name, interpolation) in [
                ("_upsample_bilinear2d_aa", Resize.Interpolation.linear), ("_upsample_bicubic2d_aa", .cubic(-0.5)),
            ] {
                all["aten.\(name).\(overload)"] = { [.value(try resize($0, interpolation, antialias: true))] }
            }
        }
        for overload in ["vec", "default"] {
            for name in ["_upsample_nearest_exact1d", "_upsample_nearest_exact2d"] {
                all["aten.\(name).\(overload)"] = {
                    [.value(try resize($0, .nearest(.roundPreferCeil), .halfPixel))]
                }
            }
        }
        return all
    }

    private static func resize(
        _ call: Call, _ interpolation: Resize.Interpolation, _ coordinates: Resize.Coordinates? = nil,
        antialias: Bool = false
    ) throws -> Graph.ValueID {
        let x = try call.tensor(call.node.inputs.contains { $0.name == "input" } ? "input" : "self")
        let shape = call.shape(x)
        guard shape.rank >= 3 else { throw call.invalid("takes [N, C, ...], not \(shape)") }
        let spatial = Array(shape.dimensions.dropFirst(2))
        let aligns = try coordinates == nil && call.flag("align_corners")
        var given = try call.doubles("scale_factors")
        for (place, name) in ["scales_d", "scales_h", "scales_w", "scales"].enumerated() where call.has(name) {
            // One for each axis, from the last on.
            var all = given ?? spatial.map { _ in 0 }
            let axis = place == 3 ? 0 : spatial.count - 3 + place
            if all.indices.contains(axis) { all[axis] = try call.double(name, 0) }
            given = all
        }
        var sizes = try call.ints("output_size") ?? []
        if sizes.isEmpty, let factors = given {
            guard factors.count == spatial.count, factors.allSatisfy({ $0 > 0 && $0 < 0x1p30 }) else {
                throw call.invalid("scale_factors \(factors) of \(shape)")
            }
            sizes = zip(spatial, factors).map { Int(truncating: (Double($0) * $1).rounded(.down)) }
        }
        guard sizes.count == spatial.count, sizes.allSatisfy({ (1...(1 << 30)).contains($0) }),
            spatial.allSatisfy({ $0 > 0 })
        else { throw call.invalid("sizes \(sizes) of \(shape)") }
        // PyTorch takes the factors that were given, not the sizes' ratio, where both are known.
        let scales = zip(spatial, sizes).enumerated().map { axis, pair in
            if let factor = given?[axis], factor > 0 { return factor }
            return Double(pair.1) / Double(pair.0)
        }
        if sizes == spatial, scales.allSatisfy({ $0 == 1 }) { return x }
        var op = Resize(
            sizes: sizes, scales: scales, interpolation: interpolation,
            coordinates: coordinates ?? (aligns ? .alignCorners : .halfPixel))
        op.antialias = antialias
        // As Pillow, the filter is cut off at the image's edge.
        op.excludesOutside = antialias
        return try call.add(op, x)
    }
}
