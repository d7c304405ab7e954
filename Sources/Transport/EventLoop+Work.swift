// SPDX-License-Identifier: MIT

/// Who works on what was queued: an inference thread, or the loop itself where that is quicker.
extension EventLoop {
    /// How long networks may run on the loop's thread in one round, and how long and how many what is to be read for them may be.
    private static let lightNanoseconds: UInt64 = 300_000
    private static let lightBytes = 16 << 10
    /// More share the waking of a thread, and run there as a batch, while the loop reads on.
    private static let mostLightJobs = 4
    /// Nobody watches over light work: it ends soon.
    private static let unwatched = InferenceThreads.Activity()

    /// Does what is light, and has the threads take the rest.
    ///
    /// To hand a job to a thread that sleeps, and its answer back, costs two wake-ups, which are longer than a small network. So
    /// while a thread is idle the loop borrows its runner, for jobs that are short to read and that are expected to be done
    /// within ``lightNanoseconds``, by what a row of the model was measured to take.
    func passOnWork() {
        hasQueued = false
        // By the cost of the last one. One is always tried: reading it is little beside a network that is not light.
        let most = max(1, Int(clamping: Self.lightNanoseconds / max(lastCost, 1)))
        var completions: [(Completion, JobTimes)] = []
        for shared in runners {
            let isFree = shared.borrow { runner in
                let jobs = queue.takeLight(maxBytes: Self.lightBytes, most: min(most, Self.mostLightJobs))
                if jobs.isEmpty { return }
                let work = InferenceLoop(queue: queue, activity: Self.unwatched, clock: clock) {
                    completions.append(($0, $1))
                }
                let count = work.run(light: jobs, within: Self.lightNanoseconds, runner, lastCost: &lastCost)
                if count < jobs.count { queue.putBack(jobs[count...]) }
            }
            if isFree { break }
        }
        if !completions.isEmpty {
            now = clock.now
            for (completion, times) in completions { completion(self, times) }
            flushAll()
        }
        // What is left, and what answers have brought up: requests that waited in their connections.
        queue.wakeThreads()
        hasQueued = false
    }
}
