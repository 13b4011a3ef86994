"""Sends mails to an SMTP server of this machine: smtp.py PORT FIRST COUNT. Each has a To, a Cc, and one whom only the envelope names."""

import email.message
import smtplib
import sys

port, first, count = map(int, sys.argv[1:])
with smtplib.SMTP("127.0.0.1", port) as server:
    for number in range(first, first + count):
        mail = email.message.EmailMessage()
        mail["From"], mail["To"], mail["Cc"] = "news@example.com", f"to-{number}@example.com", "cc@example.com"
        mail["Subject"] = f"Number {number}"
        mail.set_content(f"Mail number {number}. Grüße!\n" * (number % 50 + 1))
        server.send_message(mail, to_addrs=[f"to-{number}@example.com", "cc@example.com", "hidden@example.com"])
