// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import Inference

/// The flags that say what a file leaves open.
struct GraphModelFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Size of the network's input: 224x224, or 224. Default: what its file or the repository says.",
            valueName: "HxW"))
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
        options.size = try size.map { try Self.size($0) }
        options.architecture = architecture
        options.labels = try labels.map(LabelsFile.names)
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
}
