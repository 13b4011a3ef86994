"""Prints, as JSON, the charsets that Python reads: for each name letters of it, as bytes (in base64) and as text.

Left out are codecs that are no charset of a mail, and letters that Python itself does not read back.
"""

import base64
import encodings.aliases
import json
import sys

OTHER_NAMES = ["cp720", "cp737", "cp856", "cp874", "cp875", "cp1006", "koi8_t", "koi8_u", "utf_8_sig"]
NO_CHARSETS = {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "oem", "quopri_codec", "rot_13", "tactis", "uu_codec", "zlib_codec"}


def letters(codec):
    """Letters of every part of the basic plane that the codec has."""
    found = []
    for code in list(range(0x20, 0x7F)) + list(range(0xA0, 0xD800)) + list(range(0xF900, 0xFFF0)):
        try:
            if chr(code).encode(codec).decode(codec) == chr(code):
                found.append(chr(code))
        except UnicodeError:
            pass
    return found[:95] + found[95::max(1, len(found) // 3000)]


expected = {}
names = {name: codec for name, codec in encodings.aliases.aliases.items() if codec not in NO_CHARSETS}
names.update({codec: codec for codec in list(names.values()) + OTHER_NAMES})
for codec in sorted(set(names.values())):
    # Letters between spaces: some charsets compose neighbours.
    text = " ".join(letters(codec))
    expected[codec] = {"bytes": base64.b64encode(text.encode(codec)).decode(), "text": text, "names": sorted(n for n in names if names[n] == codec)}
json.dump(expected, sys.stdout)
