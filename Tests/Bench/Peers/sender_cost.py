"""What handing one message over costs a sender written in Python: sender_cost.py ingest|smtp|s3 WHERE COUNT, one after the other on one connection.

Prints microseconds a message: median, 99th percentile, all of it, CPU of this process. WHERE is a socket, or a port of this machine.
"""

import base64
import email.message
import email.utils
import hashlib
import hmac
import http.client
import os
import resource
import smtplib
import sys
import time

BODY = ("0123456789abcde\n" * 128)


def mail(number):
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.com", f"to-{number}@example.com", f"Number {number}"
    message.set_content(BODY)
    return message


def ingest(where):
    import msgexport

    client = msgexport.connect(where)
    run = f"{os.getpid()}-python"

    def send(number):
        outcome = client.ingest(msgexport.Message(f"{run}-{number}", "news", mail(number))).outcome
        assert outcome.name == "STORED", outcome

    return send


def smtp(where):
    server = smtplib.SMTP("127.0.0.1", int(where))
    return lambda number: server.send_message(mail(number))


def s3(where):
    server = http.client.HTTPConnection("127.0.0.1", int(where))
    run = f"{os.getpid()}"

    def put(number):
        date, path = email.utils.formatdate(usegmt=True), f"/exports/cost/{run}-{number}"
        text = f"PUT\n\ntext/plain\n{date}\n{path}".encode()
        sign = base64.b64encode(hmac.new(os.environ["S3_SECRET"].encode(), text, hashlib.sha1).digest()).decode()
        headers = {"Date": date, "Content-Type": "text/plain", "Authorization": f"AWS exporter:exporter:{sign}"}
        server.request("PUT", path, mail(number).as_bytes(), headers)
        answer = server.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body)

    return put


def main():
    kind, where, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    send = {"ingest": ingest, "smtp": smtp, "s3": s3}[kind](where)
    for number in range(-20, 0):
        send(number)
    times, before, start = [], resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for number in range(count):
        begun = time.perf_counter()
        send(number)
        times.append(time.perf_counter() - begun)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    times.sort()
    print(*(int(value * 1e6) for value in (times[count // 2], times[count * 99 // 100], wall / count, cpu / count)))


main()
