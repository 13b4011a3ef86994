import NIOCore

/// Work that waits until a turn of the event loop ends: all that had come on any connection was received then. On the event loop only.
struct TurnEnd: Sendable {
    private let eventLoop: any EventLoop
    private let works: NIOLoopBoundBox<[@Sendable (_ isAlone: Bool) -> Void]>

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        works = .makeBoxSendingValue([], eventLoop: eventLoop)
    }

    /// - Parameter work: is told whether nothing else waits for this turn's end.
    func add(_ work: @escaping @Sendable (_ isAlone: Bool) -> Void) {
        works.value.append(work)
        guard works.value.count == 1 else { return }
        // What is given to the loop while it serves what came is done after that.
        eventLoop.execute { [works] in
            let all = works.value
            works.value = []
            for work in all { work(all.count == 1) }
        }
    }
}
