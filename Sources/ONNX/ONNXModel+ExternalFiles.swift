// SPDX-License-Identifier: MIT

extension ONNXModel {
    /// The files beside the model's that hold its weights, by the names that it gives them, each once: paths below its folder.
    public var externalFiles: [String] {
        var names: [String] = []
        for tensor in graphMessage.initializers where tensor.isExternal {
            for entry in tensor.external where entry.key == "location" && !names.contains(entry.value) {
                names.append(entry.value)
            }
        }
        return names
    }
}
