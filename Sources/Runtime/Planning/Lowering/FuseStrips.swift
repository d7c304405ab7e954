// SPDX-License-Identifier: MIT

import Graphs
import Kernels

extension Planner {
    /// The step before, if it writes an image that nothing but the step to come reads.
    mutating func takeProducer(of source: Graph.ValueID) -> Draft? {
        let value = resolved(source)
        guard value == source.index, readers.only(source) != nil, let draft = drafts.last, draft.writesPixels,
            draft.writes == [value]
        else { return nil }
        let shape = shape(source)
        let fitsChannels = draft.stripChannels != nil && ChannelStripsStep.suits(pixels: shape[2] * shape[3])
        guard fitsChannels || byteCount(of: value) >= machine.l2Bytes else { return nil }
        return drafts.removeLast()
    }

    /// One step of two: what the first writes, the second reads while it lies in a cache.
    func strips(_ producer: Draft, _ consumer: Draft, pixels: Int) -> Draft {
        let hidden = producer.writes[0]
        let stripChannels = ChannelStripsStep.suits(pixels: pixels) ? producer.stripChannels : nil
        let (first, second) = (producer.summary, consumer.summary)
        var summary = StepSummary(
            name: "\(first.name), \(second.name)", operation: "\(first.operation); \(second.operation)",
            inputShape: first.inputShape, outputShape: second.outputShape,
            algorithm: "\(stripChannels != nil ? "channels" : "rows") of \(first.algorithm), \(second.algorithm)",
            reason: "the image between stays in \(stripChannels != nil ? "L1" : "L2")",
            multiplyAdds: first.multiplyAdds + second.multiplyAdds,
            executedMultiplyAdds: first.executedMultiplyAdds + second.executedMultiplyAdds,
            weightBytes: first.weightBytes + second.weightBytes)
        summary.candidates = first.candidates
        return Draft(
            summary: summary,
            reads: producer.reads, writes: consumer.writes,
            make: { slot in
                // The image between has no place.
                let places = { $0 == hidden ? Slot(region: .image, byteOffset: 0, byteCount: 0) : slot($0) }
                let steps = (producer.make(places), consumer.make(places))
                if let stripChannels, let first = steps.0 as? any ColumnStep, let second = steps.1 as? DepthwiseStep {
                    return ChannelStripsStep(producer: first, consumer: second, stripChannels: stripChannels)
                }
                guard let first = steps.0 as? any PixelStep, let second = steps.1 as? DepthwiseStep else {
                    preconditionFailure("steps of another kind than their drafts say")
                }
                return RowStripsStep(producer: first, consumer: second)
            })
    }
}
