// SPDX-License-Identifier: MIT

import ArgumentParser
import Inference
import SystemCalls

/// The flags that say what a file leaves open.
struct GraphModelFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Size of the network's input, for a network that leaves it open: 224x224, or 224.", valueName: "HxW"))
    var size: String?

    @Option(
        help: ArgumentHelp(
            "The network, for weights that fit several: tf_efficientnet_b0, deit_tiny_patch16_224.", valueName: "name"))
    var architecture: String?

    @Option(
        help: ArgumentHelp("Names of the classes, a line each, in the order of the answers.", valueName: "file"),
        completion: .file())
    var labels: String?

    func options() throws -> GraphModelOptions {
        var options = GraphModelOptions()
        options.size = try size.map(Self.size)
        options.architecture = architecture
        options.labels = try labels.map(Self.lines)
        return options
    }

    static func size(_ text: String) throws -> (height: Int, width: Int) {
        let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        let numbers = sides.compactMap(\.self)
        guard (1...2).contains(sides.count), numbers.count == sides.count,
            numbers.allSatisfy({ (1...8192).contains($0) })
        else { throw ValidationError("--size takes a height and a width of 1 to 8192, as in 224x224, not '\(text)'.") }
        return (numbers[0], numbers[numbers.count - 1])
    }

    /// The lines of a file of names, without those that are empty at its end.
    private static func lines(of path: String) throws -> [String] {
        let bytes = try FileDescriptor.open(path, FileDescriptor.readOnly).readAll(limit: 4 << 20)
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0.hasSuffix("\r") ? $0.dropLast() : $0) }
        while lines.last == "" { lines.removeLast() }
        return lines
    }
}
