/// Names and letters of charsets that iconv does not know, or reads otherwise than Python: what most mail readers agree on. A test
/// compares each with Python's.
enum CharsetTables {
    /// iconv's names for those that it has under another one. Keys are names without anything but letters and digits, in lowercase.
    static let aliases: [String: String] = [
        "646": "ASCII", "ansix341968": "ASCII", "ansix341986": "ASCII", "iso646irv": "ASCII", "8859": "LATIN1",
        "iso8859": "LATIN1", "latin": "LATIN1", "l9": "ISO-8859-15", "thai": "ISO-8859-11", "tis6200": "ISO-8859-11",
        "tis62025290": "ISO-8859-11", "tis62025291": "ISO-8859-11", "tis620": "ISO-8859-11", "big5tw": "BIG5", "csbig5": "BIG5",
        "xmactradchinese": "BIG5", "hkscs": "BIG5-HKSCS", "ibm039": "CP037", "ibm1125": "CP1125", "cp866u": "CP1125",
        "csibm858": "CP858", "cpis": "CP861", "csibm861": "CP861", "mskanji": "CP932", "ms949": "CP949", "ms950": "CP950",
        "936": "GBK", "korean": "EUC-KR", "ksc5601": "EUC-KR", "ksc56011987": "EUC-KR", "ksx1001": "EUC-KR",
        "xmackorean": "EUC-KR", "chinese": "EUC-CN", "csiso58gb231280": "EUC-CN", "eucgb2312cn": "EUC-CN",
        "gb23121980": "EUC-CN", "gb231280": "EUC-CN", "isoir58": "EUC-CN", "xmacsimpchinese": "EUC-CN",
        "gb180302000": "GB18030", "cp1051": "HP-ROMAN8", "ibm1051": "HP-ROMAN8", "iso2022jp1": "ISO-2022-JP-2",
        "iso2022jp2004": "ISO-2022-JP-3", "iso2022jp3": "ISO-2022-JP-3", "ms1361": "JOHAB", "cp1361": "JOHAB",
        "maccyrillic": "MAC-CYRILLIC",
        "273": "CP273", "ibm273": "CP273", "csibm273": "CP273", "1026": "CP1026", "ibm1026": "CP1026", "csibm1026": "CP1026",
        "kz1048": "RK1048",
        "maclatin2": "MAC-CENTRALEUROPE", "maccentraleurope": "MAC-CENTRALEUROPE", "maccenteuro": "MAC-CENTRALEUROPE",
        "macroman": "MACINTOSH", "ptcp154": "PT154", "csptcp154": "PT154", "cp154": "PT154", "cyrillicasian": "PT154",
        "shiftjis": "SHIFT_JIS", "sjis": "SHIFT_JIS", "csshiftjis": "SHIFT_JIS", "xmacjapanese": "SHIFT_JIS",
        "shiftjis2004": "SHIFT_JISX0213",
        "sjis2004": "SHIFT_JISX0213", "shiftjisx0213": "SHIFT_JISX0213", "sjisx0213": "SHIFT_JISX0213",
        "eucjis2004": "EUC-JISX0213", "jisx0213": "EUC-JISX0213",
        "eucjisx0213": "EUC-JISX0213", "u16": "UTF-16", "u32": "UTF-32", "unicodebigunmarked": "UTF-16BE",
        "unicodelittleunmarked": "UTF-16LE", "u7": "UTF-7", "unicode11utf7": "UTF-7", "u8": "UTF-8", "utf": "UTF-8",
        "utf8ucs2": "UTF-8", "utf8ucs4": "UTF-8", "cp65001": "UTF-8", "utf8sig": "UTF-8",
    ]

    /// Letters that iconv gives for a charset, by its iconv name, and those they stand for.
    static let corrections: [String: [Unicode.Scalar: Unicode.Scalar]] = [
        "SHIFT_JIS": ["\u{A5}": "\\", "\u{203E}": "~"], "JOHAB": ["\u{20A9}": "\\"],
        "CP856": ["\u{203E}": "\u{AF}", "\u{2022}": "\u{B7}"], "CP273": ["\u{AF}": "\u{203E}"],
        "CP1026": ["\u{2014}": "\u{AF}", "\u{2DB}": "\u{B8}"],
        "SHIFT_JISX0213": [
            "\u{FF3C}": "\\", "\u{FF5E}": "~", "\u{2014}": "\u{2015}", "\u{FF5F}": "\u{2985}", "\u{FF60}": "\u{2986}",
        ],
        "ISO-2022-JP-3": ["\u{FF5F}": "\u{2985}", "\u{FF60}": "\u{2986}"],
        "MACINTOSH": ["\u{394}": "\u{2206}", "\u{E01E}": "\u{F8FF}"], "MAC-CYRILLIC": ["\u{A4}": "\u{20AC}"],
        "BIG5": eten.merging(
            [
                "\u{2027}": "\u{2022}", "\u{FE51}": "\u{FF64}", "\u{AF}": "\u{203E}", "\u{FF5E}": "\u{223C}",
                "\u{2295}": "\u{2641}", "\u{2299}": "\u{2609}", "\u{2215}": "\u{FF0F}", "\u{FE68}": "\u{FF3C}",
                "\u{FFE5}": "\u{A5}", "\u{FFE0}": "\u{A2}", "\u{FFE1}": "\u{A3}",
            ], uniquingKeysWith: { $1 }),
        "CP950": eten,
    ]

    /// Kana, Cyrillic and numbers of Big5, which iconv takes for private letters from U+F6B1.
    private static let eten: [Unicode.Scalar: Unicode.Scalar] = {
        let letters = """
            ヾゝゞ々ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへ\
            べぺほぼぽまみむめもゃやゅゆょよらりるれろゎわゐゑをんァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチ\
            ヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロヮワヰヱヲンヴヵヶДЕЁЖЗИЙ\
            КЛМУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя①②③④⑤⑥⑦⑧⑨⑩⑴\
            ⑵⑶⑷⑸⑹⑺⑻⑼⑽
            """
        let codes = (0xF6B1...0xF7A9).compactMap { Unicode.Scalar($0 as UInt32) }
        return Dictionary(uniqueKeysWithValues: zip(codes, letters.unicodeScalars))
    }()

    /// What the bytes from 0x80 stand for in charsets of one byte a letter that iconv does not have; U+FFFD: nothing.
    static let letters: [String: [Unicode.Scalar]] = upper.mapValues { Array($0.unicodeScalars) }

    private static let upper = [
        "cp720": """
        \u{80}\u{81}éâ\u{84}à\u{86}çêëèïî\u{8D}\u{8E}\u{8F}\u{90}\u{651}\u{652}ô¤\u{640}ûù\u{621}\u{622}\u{623}\
        \u{624}£\u{625}\u{626}\u{627}\u{628}\u{629}\u{62A}\u{62B}\u{62C}\u{62D}\u{62E}\u{62F}\u{630}\u{631}\
        \u{632}\u{633}\u{634}\u{635}«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\u{636}\u{637}\u{638}\
        \u{639}\u{63A}\u{641}µ\u{642}\u{643}\u{644}\u{645}\u{646}\u{647}\u{648}\u{649}\u{64A}≡\u{64B}\u{64C}\
        \u{64D}\u{64E}\u{64F}\u{650}≈°∙·√ⁿ²■\u{A0}
        """,
        "cp1006": """
        \u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8A}\u{8B}\u{8C}\u{8D}\u{8E}\u{8F}\u{90}\
        \u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9A}\u{9B}\u{9C}\u{9D}\u{9E}\u{9F}\u{A0}\u{6F0}\
        \u{6F1}\u{6F2}\u{6F3}\u{6F4}\u{6F5}\u{6F6}\u{6F7}\u{6F8}\u{6F9}\u{60C}\u{61B}\u{AD}\u{61F}\u{FE81}\
        \u{FE8D}\u{FE8E}\u{FE8E}\u{FE8F}\u{FE91}\u{FB56}\u{FB58}\u{FE93}\u{FE95}\u{FE97}\u{FB66}\u{FB68}\u{FE99}\
        \u{FE9B}\u{FE9D}\u{FE9F}\u{FB7A}\u{FB7C}\u{FEA1}\u{FEA3}\u{FEA5}\u{FEA7}\u{FEA9}\u{FB84}\u{FEAB}\u{FEAD}\
        \u{FB8C}\u{FEAF}\u{FB8A}\u{FEB1}\u{FEB3}\u{FEB5}\u{FEB7}\u{FEB9}\u{FEBB}\u{FEBD}\u{FEBF}\u{FEC1}\u{FEC5}\
        \u{FEC9}\u{FECA}\u{FECB}\u{FECC}\u{FECD}\u{FECE}\u{FECF}\u{FED0}\u{FED1}\u{FED3}\u{FED5}\u{FED7}\u{FED9}\
        \u{FEDB}\u{FB92}\u{FB94}\u{FEDD}\u{FEDF}\u{FEE0}\u{FEE1}\u{FEE3}\u{FB9E}\u{FEE5}\u{FEE7}\u{FE85}\u{FEED}\
        \u{FBA6}\u{FBA8}\u{FBA9}\u{FBAA}\u{FE80}\u{FE89}\u{FE8A}\u{FE8B}\u{FEF1}\u{FEF2}\u{FEF3}\u{FBB0}\u{FBAE}\
        \u{FE7C}\u{FE7D}
        """,
        "macgreek": """
        Ä¹²É³ÖÜ΅àâä΄¨çéèêë£™îï•½‰ôö¦€ùûü†ΓΔΘΛΞΠß®©ΣΪ§≠°·Α±≤≥¥ΒΕΖΗΙΚΜΦΫΨΩάΝ¬ΟΡ≈Τ«»…\u{A0}ΥΧΆΈœ–―“”‘’÷ΉΊΌΎέήίόΏύαβψ\
        δεφγηιξκλμνοπώρστθωςχυζϊϋΐΰ\u{AD}
        """,
        "maciceland": """
        ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûüÝ°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{A0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€ÐðÞþý·‚„\
        ‰ÂÊÁËÈÍÎÏÌÓÔ\u{F8FF}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ
        """,
        "macturkish": """
        ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{A0}ÀÃÕŒœ–—“”‘’÷◊ÿŸĞğİıŞş‡·‚„\
        ‰ÂÊÁËÈÍÎÏÌÓÔ\u{F8FF}ÒÚÛÙ\u{F8A0}ˆ˜¯˘˙˚¸˝˛ˇ
        """,
    ]
}
