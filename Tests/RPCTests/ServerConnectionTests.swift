import Model
import NIOCore
import RPC
import Testing

/// One connection's limits of time, without a clock.
@Suite struct ServerConnectionTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private func seconds(_ count: Int) -> TimeAmount { .seconds(Int64(count)) }

    private var fresh: ServerConnection { ServerConnection(methods: TestServer.descriptions, now: start) }

    private func bytes(_ frames: Frame...) -> ByteBuffer {
        var buffer = ByteBuffer()
        for frame in frames { frame.write(into: &buffer) }
        return buffer
    }

    private func isClosed(_ actions: [ServerConnection.Action]) -> Bool {
        actions.count == 1 && actions.allSatisfy { if case .close = $0 { true } else { false } }
    }

    @Test func `a connection that stays silent is closed when its time is over`() {
        var connection = fresh
        #expect(connection.nextWake == start + seconds(Limits.firstFrameSeconds))
        #expect(connection.wake(now: start + seconds(Limits.firstFrameSeconds) - .nanoseconds(1)) == [])
        #expect(isClosed(connection.wake(now: start + seconds(Limits.firstFrameSeconds))))
    }

    @Test func `one that has sent a frame may be silent for ever`() {
        var connection = fresh
        var sent = bytes(TestServer.echo.request(1))
        connection.receive(&sent)
        #expect(connection.next(now: start) != nil)
        #expect(connection.next(now: start) == nil)
        #expect(connection.nextWake == nil)
        #expect(connection.wake(now: .distantFuture) == [])
    }

    @Test func `a header sent one byte a second is not waited for longer than a frame may take`() {
        var connection = fresh
        var sent = bytes(TestServer.echo.request(1))
        connection.receive(&sent)
        _ = connection.next(now: start)
        var now = start
        var rest = bytes(TestServer.echo.request(3))
        for second in 1... {
            now = now + .seconds(1)
            guard var byte = rest.readSlice(length: 1) else { break }
            if isClosed(connection.wake(now: now)) {
                #expect(second == Limits.frameSeconds + 1, "counted from its first byte")
                return
            }
            connection.receive(&byte)
            #expect(connection.next(now: now) == nil)
        }
        #expect(Bool(false), "it was not closed")
    }

    @Test func `the time of a frame does not count while its peer is held`() {
        var connection = fresh
        var whole = bytes(TestServer.echo.request(1), TestServer.echo.request(3))
        var first = whole.readSlice(length: whole.readableBytes - 1) ?? ByteBuffer()
        connection.receive(&first)
        _ = connection.next(now: start)
        #expect(connection.next(now: start) == nil)
        connection.hold()
        #expect(connection.wake(now: start + seconds(Limits.frameSeconds * 3)) == [])
        #expect(connection.next(now: start + seconds(100)) == nil)
        #expect(connection.nextWake == start + seconds(100 + Limits.frameSeconds), "it counts anew when it is read again")
    }

    @Test func `the time to the first frame does not count while its peer is held, and counts anew after it`() {
        var connection = fresh
        connection.hold()
        #expect(connection.nextWake == nil)
        #expect(connection.wake(now: start + seconds(Limits.firstFrameSeconds * 3)) == [])
        #expect(connection.next(now: start + seconds(100)) == nil)
        #expect(connection.nextWake == start + seconds(100 + Limits.firstFrameSeconds))
    }

    @Test func `a skipped frame must come to its end too`() {
        var connection = fresh
        var header = ByteBuffer(bytes: [0, 0x50, 0, 0, 0, 0, 0, 1, 1, 0, 7])
        connection.receive(&header)
        #expect(connection.next(now: start) != nil)
        #expect(connection.next(now: start) == nil)
        #expect(isClosed(connection.wake(now: start + seconds(Limits.frameSeconds))))
    }

    @Test func `a peer that leaves its answers unread is closed, one that reads now and then is not`() {
        var connection = fresh
        var sent = bytes(TestServer.echo.request(1))
        connection.receive(&sent)
        _ = connection.next(now: start)
        _ = connection.next(now: start)
        connection.noteUnread(true, now: start)
        connection.noteUnread(true, now: start + seconds(Limits.unreadSeconds - 1))
        #expect(connection.nextWake == start + seconds(Limits.unreadSeconds))
        connection.noteUnread(false, now: start)
        #expect(connection.wake(now: .distantFuture) == [])
        connection.noteUnread(true, now: start)
        #expect(isClosed(connection.wake(now: start + seconds(Limits.unreadSeconds))))
    }

    @Test func `a large frame asks for memory by its header, a small one does not`() {
        var connection = fresh
        var header = ByteBuffer(bytes: [0, 0x10, 0, 0, 0, 0, 0, 1, 1, 0])
        connection.receive(&header)
        #expect(connection.next(now: start) == nil)
        #expect(connection.largeFrame == (1 << 20) + Frame.headerSize)
        var other = fresh
        var small = ByteBuffer(bytes: [0, 0, 0x10, 0, 0, 0, 0, 1, 1, 0])
        other.receive(&small)
        #expect(other.next(now: start) == nil)
        #expect(other.largeFrame == nil)
    }

    @Test func `who was not looked at in time is not closed for it: its time begins anew`() {
        let late = start + seconds(Limits.firstFrameSeconds + Limits.lateWakeSeconds + 1)
        var silent = fresh
        #expect(silent.wake(now: late).isEmpty)
        #expect(isClosed(silent.wake(now: late + seconds(Limits.firstFrameSeconds))))
        var cut = fresh
        var header = ByteBuffer(bytes: [0, 0, 0, 9, 0, 0, 0, 1, 1, 0])
        cut.receive(&header)
        #expect(cut.next(now: start) == nil)
        cut.noteUnread(true, now: start)
        let hour = start + seconds(3600)
        #expect(cut.wake(now: hour).isEmpty)
        #expect(cut.nextWake == hour + seconds(Limits.frameSeconds))
        #expect(isClosed(cut.wake(now: hour + seconds(Limits.frameSeconds))))
    }
}
