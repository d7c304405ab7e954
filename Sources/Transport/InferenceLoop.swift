// SPDX-License-Identifier: MIT

import Protocols
import Synchronization

/// What one inference thread does: it takes jobs, and works on those together that wait for the same network.
struct InferenceLoop {
    let queue: WorkQueue
    let activity: InferenceThreads.Activity
    let clock: AwakeClock
    /// Takes what the event loop is to do.
    let deliver: (@escaping Completion, JobTimes) -> Void
    /// A job that is longer to read than this joins no other: those would wait for it.
    private static let maxJoiningBytes = 64 << 10

    /// A job that has been read, and what it needs.
    private struct Begun {
        let job: Job
        let step: Job.Step
        let startedAt: UInt64
    }

    /// A run of a network for a job.
    private struct Member {
        let begun: Begun
        let run: NetworkRun
        let answer: (Result<NetworkRun.Output, any Error>, Bool) -> Completion
    }

    /// Works until the queue is closed and empty. Between jobs the runner can be borrowed.
    func run(_ shared: SharedRunner) {
        while let job = queue.take() {
            shared.use { runner in
                var next = begin(job, runner)
                while let begun = next { next = finish(begun, runner) }
                activity.startedAt.store(0, ordering: .relaxed)
            }
        }
    }

    /// Does jobs that are light, for as long as they are.
    ///
    /// - Parameters:
    ///   - nanoseconds: How long the networks may run.
    ///   - lastCost: How long the last network that a job wanted takes, if one did.
    /// - Returns: How many of the jobs are done. The next one is for another thread.
    func run(
        light jobs: [Job], within nanoseconds: UInt64, _ runner: any InferenceRunner, lastCost: inout UInt64
    ) -> Int {
        var expected: UInt64 = 0
        var groups: [[Member]] = []
        var count = 0
        for job in jobs {
            guard let begun = begin(job, runner) else {
                count += 1
                continue
            }
            switch begun.step {
            case .done(let completion): post(completion, of: begun)
            case .run(let run, let answer):
                let (cost, overflows) = runner.nanosecondsPerRow(model: run.model).multipliedReportingOverflow(
                    by: UInt64(run.count))
                lastCost = overflows ? .max : cost
                guard !overflows, cost <= nanoseconds - expected else { return runTogether(groups, runner, count) }
                expected += cost
                let member = Member(begun: begun, run: run, answer: answer)
                let most = runner.fastestBatch(model: run.model)
                if let last = groups.indices.last, run.canJoin(groups[last][0].run),
                    groups[last].reduce(run.count, { $0 + $1.run.count }) <= most
                {
                    groups[last].append(member)
                } else {
                    groups.append([member])
                }
            case .alone: return runTogether(groups, runner, count)
            }
            count += 1
        }
        return runTogether(groups, runner, count)
    }

    private func runTogether(_ groups: [[Member]], _ runner: any InferenceRunner, _ count: Int) -> Int {
        for members in groups { runTogether(members, runner) }
        return count
    }

    /// Reads a job; nil if it waited too long and has been told so.
    private func begin(_ job: Job, _ runner: any InferenceRunner) -> Begun? {
        let now = clock.now
        if now > job.deadline {
            post(job.late(), of: job, startedAt: now, endedAt: now)
            return nil
        }
        if activity.startedAt.load(ordering: .relaxed) == 0 { activity.startedAt.store(now, ordering: .relaxed) }
        runner.interest = job.interest
        return Begun(job: job, step: job.work(runner), startedAt: now)
    }

    /// Does what a job needs, and with it what others need that wait for the same network.
    ///
    /// - Returns: A job that was begun meanwhile and needs something else.
    private func finish(_ begun: Begun, _ runner: any InferenceRunner) -> Begun? {
        switch begun.step {
        case .done(let completion):
            post(completion, of: begun)
            return nil
        case .alone(let work):
            activity.startedAt.store(clock.now, ordering: .relaxed)
            runner.interest = begun.job.interest
            post(work(), of: begun)
            return nil
        case .run(let run, let answer):
            var members = [Member(begun: begun, run: run, answer: answer)]
            let other = gather(&members, runner)
            activity.startedAt.store(clock.now, ordering: .relaxed)
            runTogether(members, runner)
            return other
        }
    }

    /// Adds the jobs that wait and need the same network, up to the batch that is fastest. Waits for none.
    ///
    /// - Returns: The first job that needs something else.
    private func gather(_ members: inout [Member], _ runner: any InferenceRunner) -> Begun? {
        let first = members[0].run
        let most = runner.fastestBatch(model: first.model)
        var count = first.count
        while count < most, let job = queue.takeAnother(maxBytes: Self.maxJoiningBytes) {
            guard let begun = begin(job, runner) else { continue }
            switch begun.step {
            case .done(let completion): post(completion, of: begun)
            case .run(let run, let answer) where run.canJoin(first) && count + run.count <= most:
                members.append(Member(begun: begun, run: run, answer: answer))
                count += run.count
            default: return begun
            }
        }
        return nil
    }

    private func runTogether(_ members: [Member], _ runner: any InferenceRunner) {
        if members.count > 1 {
            let runs = members.map(\.run)
            runner.interest = WorkInterest()
            if let output = try? NetworkRun.joined(runs).output(of: runner),
                let parts = NetworkRun.parted(output, among: runs)
            {
                let end = clock.now
                let nanoseconds = end > members[0].begun.startedAt ? end - members[0].begun.startedAt : 0
                for (index, member) in members.enumerated() {
                    post(
                        member.answer(.success(parts[index]), index == 0), of: member.begun.job,
                        startedAt: member.begun.startedAt, endedAt: end,
                        worked: nanoseconds / UInt64(members.count))
                }
                return
            }
            // Something is wrong with one: each learns by itself what.
        }
        for member in members {
            runner.interest = member.begun.job.interest
            post(member.answer(Result { try member.run.output(of: runner) }, true), of: member.begun)
        }
    }

    private func post(_ completion: @escaping Completion, of begun: Begun) {
        post(completion, of: begun.job, startedAt: begun.startedAt, endedAt: clock.now)
    }

    /// - Parameter worked: The job's share of the thread's time, if it is not all from its start to its end.
    private func post(
        _ completion: @escaping Completion, of job: Job, startedAt: UInt64, endedAt: UInt64, worked: UInt64? = nil
    ) {
        var times = JobTimes()
        times.queued = startedAt > job.queuedAt ? startedAt - job.queuedAt : 0
        times.worked = endedAt > startedAt ? endedAt - startedAt : 0
        if times.worked > 0 { queue.record(nanoseconds: worked ?? times.worked) }
        deliver(completion, times)
    }
}
