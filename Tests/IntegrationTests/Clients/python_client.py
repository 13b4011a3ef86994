"""Plays scenes with the Python client against a daemon with the configurations `mail` and `sms`; prints a line for each that went as it should.

python_client.py SOCKET FOLDER, of which FOLDER is for what it needs on disk.
"""

import asyncio
import datetime
import email.message
import os
import pathlib
import signal
import socket
import sys
import threading
import time

import msgexport
import msgexport.aio
from msgexport import Code, Message, Outcome, Sms, protobuf, wire

SOCKET, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])


def text(number, prefix="python", configuration="sms"):
    return Message(f"{prefix}-{number}", configuration, Sms("24365", "+12025550123", f"text {number}"))


def failure(body):
    """The error that it raises."""
    try:
        body()
    except msgexport.Error as error:
        return error
    raise AssertionError("it went well")


def one_message_and_again():
    with msgexport.connect(SOCKET) as client:
        result = client.ingest(text(1))
        assert result.outcome is Outcome.STORED and result.is_kept, result
        left = result.expires_at - result.ingested_at
        assert datetime.timedelta(days=3) <= left <= datetime.timedelta(days=4), left
        assert client.ingest(text(1)).outcome is Outcome.DUPLICATE
        assert client.ingest(text("off", configuration="off").__class__("off", "off", mail("x"))).outcome is Outcome.EXPORT_DISABLED


def mail(body):
    message = email.message.EmailMessage()
    message["From"] = "Ada Löve <a@example.com>"
    message["To"] = "b@example.com, c@example.com"
    message["Subject"] = "Grüße 🦷"
    message.set_content(body)
    message.add_alternative(f"<p>{body}</p>", subtype="html")
    message.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="ä.bin")
    return message


def a_mail_as_python_has_it():
    with msgexport.connect(SOCKET) as client:
        sent = Message("python-mail", "mail", mail("Grüße"), recipients=["b@example.com", "hidden@example.com"])
        assert client.ingest(sent).outcome is Outcome.STORED
        assert client.ingest(Message("python-bytes", "mail", mail("x").as_bytes())).is_kept
        assert client.ingest(Message("python-parts", "mail", msgexport.Email(to=[msgexport.Address("b@example.com")], text=""))).is_kept


def errors_say_what_and_where():
    with msgexport.connect(SOCKET) as client:
        error = failure(lambda: client.ingest(text(1, configuration="nope")))
        assert error.code is Code.NOT_FOUND and not error.may_be_stored and "configuration" in error.field, repr(error)
        error = failure(lambda: client.ingest(Message("x", "sms", Sms("1", ""))))
        assert error.code is Code.INVALID_ARGUMENT and error.field, repr(error)
        error = failure(lambda: client.ingest(Message("python-1", "sms", Sms("1", "2", "other"))))
        assert error.code is Code.ALREADY_EXISTS, repr(error)
        error = failure(lambda: client.ingest(Message("x" * 300, "sms", Sms("1", "2", "secret content"))))
        assert error.code is Code.INVALID_ARGUMENT and "secret" not in str(error), repr(error)


def large_messages_go_in_chunks():
    with msgexport.connect(SOCKET) as client:
        large = Message("python-large", "mail", msgexport.Email(to=[msgexport.Address("b@example.com")], text="0123456789" * 900_000))
        assert client.ingest(large).outcome is Outcome.STORED
        assert client.ingest(large).outcome is Outcome.DUPLICATE
        error = failure(lambda: client.ingest(Message("x", "mail", msgexport.Email(text="x" * (65 << 20)))))
        assert error.code is Code.INVALID_ARGUMENT and error.limit == 64 << 20, repr(error)
        found = dict((message.id, answer) for message, answer in client.ingest_many([text(1), large, text("beside")]))
        assert [found[id].outcome.name for id in ("python-1", "python-large", "python-beside")] == ["DUPLICATE", "DUPLICATE", "STORED"]


def many_at_a_time():
    with msgexport.connect(SOCKET) as client:
        batch = [text(number, "many") for number in range(3000)] + [text("bad", "many", "nope")]
        answers = {message.id: answer for message, answer in client.ingest_many(iter(batch))}
        assert len(answers) == 3001 and answers["many-bad"].code is Code.NOT_FOUND
        assert all(answers[f"many-{number}"].is_kept for number in range(3000))
        # Whoever takes one answer and goes leaves a client that can go on.
        for _ in client.ingest_many(iter(batch)):
            break
        assert client.ingest(text(1)).outcome is Outcome.DUPLICATE


def who_leaves_a_bulk_leaves_the_others_alone():
    with msgexport.connect(SOCKET) as client:
        failures = []

        def work():
            try:
                for each in range(300):
                    client.ingest(text(each, "beside"))
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        for round in range(10):
            for _ in client.ingest_many(text(number, f"left-{round}") for number in range(100)):
                break
        thread.join()
        assert not failures, failures


def what_cannot_be_sent_is_answered_and_the_rest_goes_on():
    with msgexport.connect(SOCKET) as client:
        bad = Message("unsendable", "sms", Sms("24365", "+12025550123", "secret \ud800"))
        answers = {message.id: answer for message, answer in client.ingest_many([text(1), bad, text("after", "unsendable")])}
        assert answers["python-1"].is_kept and answers["unsendable-after"].is_kept
        error = answers["unsendable"]
        assert error.code is Code.INVALID_ARGUMENT and not error.may_be_stored and "secret" not in repr(error), repr(error)
        # What the source raises is not taken for an outage of the daemon's.
        def source():
            yield text(1)
            raise msgexport.Error(Code.UNAVAILABLE, "the source's own")

        error = failure(lambda: list(client.ingest_many(source())))
        assert error.message == "the source's own"
        for raw in (b"Cc: a b <\n\nx", b"Message-ID: \xe2\x80\xb9\n\nx", b"Content-Type: text/plain; charset=a\x00b\n\nx",
                    b"Content-Type: text/plain; charset=idna\n\n\xff\xfe"):
            assert client.ingest(Message(None, "mail", raw, recipients=["b@example.com"])).is_kept, raw
        assert "Hello" not in repr(Message("x", "mail", msgexport.Email(subject="Hello", to=[msgexport.Address("Hello@x")])))


def who_is_interrupted_leaves_no_half_of_a_frame():
    deaf = serve("interrupted", lambda connection: time.sleep(60))

    class Interruption(BaseException):
        pass

    def interrupt(*_):
        raise Interruption

    client = msgexport.connect(deaf, timeout=20)
    old = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        client.ingest(Message("x", "mail", msgexport.Email(text="x" * 3_000_000)))
        raise AssertionError("it went well")
    except Interruption:
        assert client._connection.failure
    finally:
        signal.signal(signal.SIGALRM, old)


def an_answer_that_nobody_knows_is_an_error():
    def answer(connection):
        while len(connection.recv(1 << 16)) > 0:
            result = protobuf.IngestResponse(results=[{"outcome": 5}]).SerializeToString()
            packed = protobuf.TtrpcResponse(payload=result).SerializeToString()
            connection.sendall(wire.HEADER.pack(len(packed), 1, wire.RESPONSE, 0) + packed)

    error = failure(lambda: msgexport.connect(serve("newer", answer)).ingest(text(1)))
    assert error.code is Code.UNKNOWN and error.may_be_stored, repr(error)


def an_earlier_try_may_have_stored_what_a_later_one_is_refused():
    tries = []

    def answer(connection):
        tries.append(connection.recv(1 << 16))
        if len(tries) == 1:
            return connection.close()
        status = {"code": int(Code.NOT_FOUND), "message": "no such configuration"}
        packed = protobuf.TtrpcResponse(status=status).SerializeToString()
        connection.sendall(wire.HEADER.pack(len(packed), 1, wire.RESPONSE, 0) + packed)

    error = failure(lambda: msgexport.connect(serve("lossy", answer)).ingest(text(1)))
    assert error.code is Code.NOT_FOUND and error.may_be_stored and len(tries) == 2, repr(error)


def threads_share_a_client():
    with msgexport.connect(SOCKET) as client:
        failures = []

        def work(number):
            try:
                for each in range(50):
                    assert client.ingest(text(f"{number}-{each}", "thread")).outcome is Outcome.STORED
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures


def a_child_of_a_fork_has_its_own_connection():
    with msgexport.connect(SOCKET) as client:
        client.ingest(text("before", "fork"))
        child = os.fork()
        if child == 0:
            try:
                client.ingest(text("child", "fork"))
                os._exit(0)
            except BaseException:
                os._exit(1)
        client.ingest(text("parent", "fork"))
        assert os.waitpid(child, 0)[1] == 0
        assert client.ingest(text("after", "fork")).outcome is Outcome.STORED


def serve(name, answer):
    """A socket of somebody else's, on which `answer` is run for each connection."""
    path = str(FOLDER / name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return path


def who_is_not_there_or_not_the_daemon_is_told():
    absent = failure(lambda: msgexport.connect(str(FOLDER / "absent"), retry=0.2).ingest(text(1)))
    assert absent.code is Code.UNAVAILABLE and "msgexportd" in absent.hint and not absent.may_be_stored, repr(absent)
    other = serve("other", lambda connection: (connection.recv(10), connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    error = failure(lambda: msgexport.connect(other).ingest(text(1)))
    assert error.code is Code.INTERNAL and "not the daemon" in error.message, repr(error)
    silent = serve("silent", lambda connection: time.sleep(60))
    error = failure(lambda: msgexport.connect(silent, timeout=0.3).ingest(text(1)))
    assert error.code is Code.DEADLINE_EXCEEDED and error.may_be_stored and "0.3" in error.message, repr(error)
    deaf = serve("deaf", lambda connection: time.sleep(60))
    large = Message("x", "mail", msgexport.Email(text="x" * 9_000_000))
    error = failure(lambda: msgexport.connect(deaf, timeout=0.5, retry=0).ingest(large))
    assert error.may_be_stored, repr(error)
    closing = serve("closing", lambda connection: connection.close())
    error = failure(lambda: list(msgexport.connect(closing, retry=0.2).ingest_many([text(1)])))
    assert error.code is Code.UNAVAILABLE, repr(error)


def closed_is_closed():
    client = msgexport.connect(SOCKET)
    client.ingest(text(1))
    client.close()
    assert failure(lambda: client.ingest(text(1))).code is Code.CANCELLED
    waiting = msgexport.connect(str(FOLDER / "silent"), timeout=30)
    threading.Timer(0.2, waiting.close).start()
    assert failure(lambda: waiting.ingest(text(1))).code is Code.CANCELLED


async def asynchronous():
    async with msgexport.aio.connect(SOCKET) as client:
        results = await asyncio.gather(*(client.ingest(text(number, "aio")) for number in range(200)))
        assert all(result.outcome is Outcome.STORED for result in results)
        large = Message("python-large", "mail", msgexport.Email(to=[msgexport.Address("b@example.com")], text="0123456789" * 900_000))
        assert (await client.ingest(large)).outcome is Outcome.DUPLICATE
        try:
            await client.ingest(text(1, configuration="nope"))
            raise AssertionError("it went well")
        except msgexport.Error as error:
            assert error.code is Code.NOT_FOUND, repr(error)

        async def source():
            for number in range(2000):
                yield text(number, "aio-many")
            yield large

        answers = {message.id: answer async for message, answer in client.ingest_many(source())}
        assert len(answers) == 2001 and all(answer.is_kept for answer in answers.values())
        # One that is cancelled leaves the others alone.
        task = asyncio.ensure_future(client.ingest(text("cancelled", "aio")))
        await asyncio.sleep(0)
        task.cancel()
        assert (await client.ingest(text(1, "aio"))).outcome is Outcome.DUPLICATE
        await answers_come_while_the_source_waits(client)
    await a_daemon_that_is_stuck_costs_no_memory()
    for path, code in ((FOLDER / "absent", Code.UNAVAILABLE), (FOLDER / "other", Code.INTERNAL), (FOLDER / "silent", Code.DEADLINE_EXCEEDED)):
        try:
            async with msgexport.aio.connect(str(path), timeout=0.4, retry=0.1) as client:
                await client.ingest(text(1))
            raise AssertionError("it went well")
        except msgexport.Error as error:
            assert error.code is code, repr(error)


async def answers_come_while_the_source_waits(client):
    answered = asyncio.Queue()

    async def source():
        for number in range(3):
            yield text(number, "waits")
            assert (await asyncio.wait_for(answered.get(), 10)).is_kept

    async for _, answer in client.ingest_many(source()):
        answered.put_nowait(answer)
    # One that leaves leaves the others alone.
    others = [asyncio.ensure_future(client.ingest(text(number, "others"))) for number in range(50)]
    async for _ in client.ingest_many([text(number, "leaves") for number in range(50)]):
        break
    assert all(result.is_kept for result in await asyncio.gather(*others))


async def a_daemon_that_is_stuck_costs_no_memory():
    deaf = serve("stuck", lambda connection: time.sleep(60))
    large = Message("x", "mail", msgexport.Email(text="x" * 2_000_000))
    async with msgexport.aio.connect(deaf, timeout=0.2, retry=0) as client:
        for _ in range(10):
            try:
                await client.ingest(large)
                raise AssertionError("it went well")
            except msgexport.Error as error:
                assert error.may_be_stored, repr(error)
        left = client._connection._transport.get_write_buffer_size() if client._connection else 0
        assert left < 4_000_000, left
        try:
            async for _ in client.ingest_many([large, large]):
                pass
            raise AssertionError("it went well")
        except msgexport.Error as error:
            assert error.code in (Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE), repr(error)


def the_same_for_asyncio():
    asyncio.run(asynchronous())


for scene in (
    one_message_and_again, a_mail_as_python_has_it, errors_say_what_and_where, large_messages_go_in_chunks, many_at_a_time,
    who_leaves_a_bulk_leaves_the_others_alone, what_cannot_be_sent_is_answered_and_the_rest_goes_on,
    who_is_interrupted_leaves_no_half_of_a_frame, an_answer_that_nobody_knows_is_an_error,
    an_earlier_try_may_have_stored_what_a_later_one_is_refused, threads_share_a_client, a_child_of_a_fork_has_its_own_connection, who_is_not_there_or_not_the_daemon_is_told, closed_is_closed,
    the_same_for_asyncio,
):
    scene()
    print(scene.__name__, flush=True)
