"""Writes awkward mails, made from a seed: generate.py SEED COUNT FOLDER. The same seed gives the same mails.

Each mail mixes what real ones get wrong or strange: charsets and their labels, transfer encodings, encoded words, long and raw
headers, address forms, nesting, missing ends, line ends. `expect.py` says what Python reads from them.
"""

import base64
import pathlib
import quopri
import random
import sys

# A text for each charset, of letters it has. Names as senders write them: aliases and case included.
TEXTS = {
    "Latin": ("Grüße aus Köln, señor – façade", ["utf-8", "UTF8", "utf-16", "utf-16le", "utf-32", "utf-7", "windows-1252", "cp1252"]),
    "Western": ("Grüße aus Köln, señor", ["iso-8859-1", "ISO_8859-1:1987", "latin1", "l1", "iso-8859-15", "cp850", "cp437", "cp858", "macintosh", "mac-iceland", "mac-turkish", "cp1140", "iso8859_9", "windows-1254", "hp-roman8"]),
    "Central": ("Příliš žluťoučký kůň", ["iso-8859-2", "windows-1250", "cp852", "mac-latin2", "iso-8859-16" ]),
    "Cyrillic": ("Съешь ещё этих мягких булок", ["koi8-r", "KOI8-U", "windows-1251", "iso-8859-5", "cp866", "cp855", "mac-cyrillic", "ptcp154", "kz1048", "cp1125"]),
    "Greek": ("Ξεσκεπάζω την ψυχοφθόρα", ["iso-8859-7", "windows-1253", "cp737", "cp869", "mac-greek"]),
    "Hebrew": ("דג סקרן שט בים", ["iso-8859-8", "windows-1255", "cp862", "cp424"]),
    "Arabic": ("نص حكيم له سر", ["iso-8859-6", "windows-1256", "cp864", "cp720"]),
    "Thai": ("เป็นมนุษย์สุดประเสริฐ", ["tis-620", "iso-8859-11", "cp874"]),
    "Vietnamese": ("sừng", ["utf-8"]),
    "Japanese": ("今日は世界、カタカナ~\\", ["iso-2022-jp", "shift_jis", "euc-jp", "cp932", "iso-2022-jp-2", "iso-2022-jp-3", "euc-jis-2004"]),
    "Simplified": ("快速的棕色狐狸", ["gb2312", "gbk", "gb18030", "hz-gb-2312", "euc-cn", "chinese"]),
    "Traditional": ("敏捷的棕色狐狸", ["big5", "big5-hkscs", "cp950", "Big5_TW"]),
    "Korean": ("다람쥐 헌 쳇바퀴에 타고파", ["euc-kr", "ks_c_5601-1987", "cp949", "iso-2022-kr", "johab"]),
    "Plain": ("the quick brown fox", ["us-ascii", "ANSI_X3.4-1968", "646", "utf-8"]),
}
NAMES = ["Ada Lovelace", "Grüße, Jr.", "今日は", "O'Neil", 'Quote "Q" Back\\slash', "Иван Иванов", "dots. and, commas", "x@y"]
WORDS = ["subject", "Grüße", "今日は", "price: 5 €", "🦷 dental", "with \"quotes\"", "=?not-a-word", "tab\tin", "Ünïcödé", "a" * 40]


class Mail:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.end = self.random.choice([b"\r\n", b"\r\n", b"\n"])
        self.boundaries = 0

    def chance(self, share):
        return self.random.random() < share

    # Headers

    def word(self, text):
        """An encoded word (RFC 2047), in a charset that has the text."""
        charset = self.random.choice(["utf-8", "UTF-8", "utf-8", "iso-8859-1", "gb18030", "iso-2022-jp", "koi8-r", "shift_jis"])
        try:
            content = text.encode(charset)
        except UnicodeEncodeError:
            charset, content = "utf-8", text.encode()
        if self.chance(0.5):
            return b"=?%s?%s?%s?=" % (charset.encode(), self.random.choice([b"b", b"B"]), base64.b64encode(content))
        quoted = b"".join(
            b"_" if byte == 0x20 else bytes([byte]) if chr(byte).isalnum() and byte < 0x80 else b"=%02X" % byte for byte in content)
        return b"=?%s?%s?%s?=" % (charset.encode(), self.random.choice([b"q", b"Q"]), quoted)

    def text(self):
        """The value of an unstructured header."""
        parts = []
        for _ in range(self.random.randint(1, 5)):
            text = self.random.choice(WORDS)
            if text.isascii():
                parts.append(text.encode())
            elif self.chance(0.75):
                parts.append(self.word(text))
            elif self.chance(0.6):
                parts.append(text.encode())
            else:
                parts.append("Grüße".encode("latin-1"))
        value = b" "
        for index, part in enumerate(parts):
            if index:
                value += self.random.choice([b" ", b" ", b"  ", self.end + b" ", self.end + b"\t"])
            value += part
        if self.chance(0.05):
            value += b" " + b"long" * 400
        return value

    def phrase(self):
        kind = self.random.random()
        if kind < 0.1:
            return self.random.choice([b"Ada Lovelace", b"J. R. R. Tolkien", b"mixed \"quoted\" words", b"Bob"])
        if kind < 0.15:
            return b'"' + self.word("Gr\u00fc\u00dfe") + b'"'
        if kind < 0.2:
            return b"Dr. " + self.word("Gr\u00fc\u00dfe")
        name = self.random.choice(NAMES)
        if not name.isascii():
            return self.word(name) if self.chance(0.8) else b'"' + name.encode() + b'"'
        return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'

    def address(self):
        local = self.random.choice([b"ada", b"bob.smith", b"x+tag", b"o'neil", "grüße".encode(), b"a_b-c"])
        domain = self.random.choice([b"example.com", b"xn--bcher-kva.example", "bücher.example".encode(), b"sub.example.org", b"EXAMPLE.NET"])
        bare = local + b"@" + domain
        kind = self.random.random()
        if kind < 0.05:
            return b'"john doe"@' + domain
        if kind < 0.1:
            return bare + b" (a comment)"
        if kind < 0.35:
            return bare
        if kind < 0.45:
            return b"<" + bare + b">"
        return self.phrase() + b" <" + bare + b">"

    def addresses(self):
        parts = []
        for _ in range(self.random.randint(1, 4)):
            if self.chance(0.05):
                parts.append(b"undisclosed-recipients:;")
            elif self.chance(0.12):
                members = b", ".join(self.address() for _ in range(self.random.randint(0, 2)))
                parts.append(b"team: " + members + b";")
            else:
                parts.append(self.address())
        return b" " + (b"," + self.random.choice([b" ", self.end + b" "])).join(parts)

    def headers(self):
        fields = []
        if self.chance(0.9):
            fields.append((b"From", b" " + self.address()))
        if self.chance(0.9):
            fields.append((b"To", self.addresses()))
        if self.chance(0.3):
            fields.append((self.random.choice([b"Cc", b"CC", b"cc"]), self.addresses()))
        if self.chance(0.1):
            fields.append((b"Bcc", self.addresses()))
        if self.chance(0.2):
            fields.append((b"Reply-To", self.addresses()))
        if self.chance(0.9):
            fields.append((self.random.choice([b"Subject", b"SUBJECT", b"subject"]), self.text()))
        if self.chance(0.1):
            fields.append((b"Subject", self.text()))
        if self.chance(0.1):
            fields.append((b"To", self.addresses()))
        for _ in range(self.random.randint(0, 3)):
            fields.append((b"X-Note", self.text() if self.chance(0.9) else b""))
        fields.append((b"MIME-Version", b" 1.0"))
        self.random.shuffle(fields)
        return b"".join(name + b":" + value + self.end for name, value in fields)

    # Bodies

    def part(self, subtype=None, attached=False):
        """A leaf: header fields, an empty line, content."""
        if attached and self.chance(0.5):
            content = self.random.randbytes(self.random.randint(0, 300))
            return self.leaf(b"application/octet-stream", content, self.random.choice([b"base64", b"base64", b"x-uuencode"]), True)
        text, charsets = TEXTS[self.random.choice(list(TEXTS))]
        charset = self.random.choice(charsets)
        lines = [text] * self.random.randint(1, 3)
        if self.chance(0.1):
            lines.append("long " * 400)
        if subtype == b"html":
            lines = ["<p>", *lines, "</p>"]
        content = (self.end.decode().join(lines) + self.end.decode()).encode(charset if charset != "Big5_TW" else "big5", "replace")
        label = charset.encode()
        wrong = self.random.random()
        if wrong < 0.05:
            label = b"us-ascii"
        elif wrong < 0.1:
            label = b"utf-8"
        elif wrong < 0.13:
            label = b"x-nobody-knows"
        elif wrong < 0.16:
            label = None
        mime = b"text/" + (subtype or self.random.choice([b"plain", b"plain", b"html"]))
        if label is not None:
            quoted = self.random.choice([b"%s", b'"%s"']) if b":" not in label else b'"%s"'
            mime += b"; " + self.random.choice([b"charset", b"CHARSET"]) + b"=" + quoted % label
        if charset.lower().startswith(("utf-16", "utf-32")):
            return self.leaf(mime, content, b"base64", attached)
        return self.leaf(mime, content, self.random.choice([b"8bit", b"quoted-printable", b"base64", b"", b"QUOTED-PRINTABLE"]), attached)

    def leaf(self, mime, content, encoding, attached):
        head = b"Content-Type: " + mime + self.end
        if encoding:
            head += b"Content-Transfer-Encoding: " + encoding + self.end
        if attached:
            head += b"Content-Disposition: attachment" + self.filename() + self.end
        elif self.chance(0.1):
            head += b"Content-Disposition: inline" + self.filename() + self.end
        if encoding == b"base64":
            content = base64.encodebytes(content).replace(b"\n", self.end)
        elif encoding.lower() == b"quoted-printable":
            content = quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", self.end)
        elif encoding == b"x-uuencode":
            content = self.uuencoded(content)
        return head + self.end + content

    def uuencoded(self, content):
        import binascii

        lines = [binascii.b2a_uu(content[start:start + 45]) for start in range(0, len(content), 45)]
        return (b"begin 644 data\n" + b"".join(lines) + b" \nend\n").replace(b"\n", self.end)

    def filename(self):
        kind = self.random.random()
        if kind < 0.2:
            return b""
        if kind < 0.5:
            return b'; filename="report %d.pdf"' % self.random.randint(1, 99)
        if kind < 0.75:
            return b";" + self.end + b" filename*=utf-8''Gr%C3%BC%C3%9Fe%20" + b"%d.pdf" % self.random.randint(1, 99)
        if kind < 0.9:
            return (b";" + self.end + b" filename*0*=iso-8859-1'de'Gr%FC%DFe%20;" + self.end + b' filename*1="aus ";'
                    + self.end + b" filename*2*=K%F6ln.txt")
        return b"; filename=plain.txt"

    def body(self, depth=0):
        kind = self.random.random()
        if depth > 3 or kind < 0.35:
            return self.part()
        if kind < 0.75:
            parts = [self.body(depth + 1)] + [
                self.random.choice([lambda: self.part(attached=True), self.inner])() for _ in range(self.random.randint(0, 2))]
            return self.multipart(b"mixed", parts)
        if kind < 0.87:
            return self.multipart(b"alternative", [self.part(b"plain"), self.part(b"html")])
        if kind < 0.9:
            return self.multipart(b"report; report-type=delivery-status", [self.part(b"plain"), self.part(b"csv"), self.inner()])
        if kind < 0.93:
            return self.multipart(b"digest", [self.end + self.headers() + self.part(b"plain") for _ in range(2)])
        image = self.leaf(b"image/png", self.random.randbytes(40), b"base64", False)
        return self.multipart(b"related", [self.part(b"html"), image])

    def inner(self):
        """A mail within the mail."""
        return b"Content-Type: message/rfc822" + self.end + self.end + self.headers() + self.part()

    def multipart(self, subtype, parts):
        self.boundaries += 1
        boundary = b"=_%d_%d" % (self.boundaries, self.random.randint(0, 9999))
        content = self.random.choice([b"", b"This is a preamble." + self.end])
        for part in parts:
            content += b"--" + boundary + self.end + part + self.end
        # Some lose their end on the way.
        if not self.chance(0.08):
            content += b"--" + boundary + b"--" + self.end
            content += self.random.choice([b"", b"epilogue" + self.end])
        quote = b'"' if b"=" in boundary else b""
        return b"Content-Type: multipart/" + subtype + b"; boundary=" + quote + boundary + quote + self.end + self.end + content

    def bytes(self):
        return self.headers() + self.body()


seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
for number in range(count):
    (folder / f"{number:04}.eml").write_bytes(Mail(f"{seed}/{number}").bytes())
