// SPDX-License-Identifier: MIT

extension Planner {
    /// Steps with all addresses known.
    struct Layout {
        var steps: [any Step]
        var firstBatchStep: Int
        var imageArenaBytes: Int
        var batchArenaBytes: Int
    }

    /// Decides which steps run on whole batches, and gives each value a place in an arena that lasts as long as it is read.
    func placed() -> Layout {
        // The longest end of the list that works on vectors only.
        var firstBatchStep = drafts.count
        while firstBatchStep > 0, drafts[firstBatchStep - 1].isRowwise { firstBatchStep -= 1 }

        var lastRead: [Int: Int] = [:]
        for (step, draft) in drafts.enumerated() {
            for value in draft.reads { lastRead[value] = step }
        }
        var slots: [Int: Slot] = [:]
        for (place, input) in graph.inputs.enumerated() {
            slots[input.index] = Slot(region: .input(place), byteOffset: 0, byteCount: byteCount(of: input.index))
        }
        var image = ArenaLayout()
        var batch = ArenaLayout()
        for (step, draft) in drafts.enumerated() {
            for value in draft.writes {
                let death = max(lastRead[value] ?? step, step)
                slots[value] = place(
                    value, of: draft, step: step, death: death, firstBatchStep: firstBatchStep, lastRead: lastRead,
                    slots: slots, image: &image, batch: &batch)
            }
        }
        order.byteCount = weights.byteCount
        let steps = drafts.map { draft in
            draft.make { value in
                guard let slot = slots[value] else {
                    preconditionFailure("value \(value) is read before it is written")
                }
                return slot
            }
        }
        return Layout(
            steps: steps, firstBatchStep: firstBatchStep, imageArenaBytes: image.byteCount,
            batchArenaBytes: batch.byteCount)
    }

    private func place(
        _ value: Int, of draft: Draft, step: Int, death: Int, firstBatchStep: Int, lastRead: [Int: Int],
        slots: [Int: Slot], image: inout ArenaLayout, batch: inout ArenaLayout
    ) -> Slot {
        let size = byteCount(of: value)
        if let place = finalValues.firstIndex(of: value) {
            return Slot(region: .output(place), byteOffset: 0, byteCount: size)
        }
        // Values of the batch's steps stay for all images, so what an earlier image wrote must not be overwritten by the
        // next: what crosses the border is born at the border.
        let crosses = step >= firstBatchStep || death >= firstBatchStep
        if let source = draft.inPlace, lastRead[source] == step, let slot = slots[source], slot.byteCount == size,
            slot.region == (crosses ? .batch : .image)
        {
            if crosses {
                batch.extend(offset: slot.byteOffset, death: death)
            } else {
                image.extend(offset: slot.byteOffset, death: death)
            }
            return slot
        }
        if crosses {
            let offset = batch.place(byteCount: size, birth: max(step, firstBatchStep - 1), death: death)
            return Slot(region: .batch, byteOffset: offset, byteCount: size)
        }
        let offset = image.place(byteCount: size, birth: step, death: death)
        return Slot(region: .image, byteOffset: offset, byteCount: size)
    }
}
