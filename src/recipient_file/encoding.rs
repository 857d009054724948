//! Character encodings of text files, and how they are detected: by the byte order mark, by what is
//! valid UTF-8, or else by the frequencies of letters.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_KR, GB18030, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};

/// The character encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    Gb18030,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    Big5,
    #[serde(rename = "shift_jis")]
    ShiftJis,
    EucKr,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Self; 8] = [
        Self::Utf8,
        Self::Gb18030,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Big5,
        Self::ShiftJis,
        Self::EucKr,
        Self::Windows1252,
    ];

    /// Returns the name used in forms.
    pub fn key(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Big5 => "big5",
            Self::ShiftJis => "shift_jis",
            Self::EucKr => "euc-kr",
            Self::Windows1252 => "windows-1252",
        }
    }

    pub(super) fn decoder(self) -> &'static encoding_rs::Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Gb18030 => GB18030,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::Big5 => BIG5,
            Self::ShiftJis => SHIFT_JIS,
            Self::EucKr => EUC_KR,
            Self::Windows1252 => WINDOWS_1252,
        }
    }
}

/// Detects the encoding of a text from its first bytes. `utf8` says whether the whole text is UTF-8
/// (see [`Utf8::is_likely`]). Where nothing else is certain, a text is taken for GB18030, the
/// superset of GBK that Chinese spreadsheets use.
pub(super) fn detect(head: &[u8], utf8: bool) -> Encoding {
    if head.starts_with(UTF8_MARK) {
        return Encoding::Utf8;
    }
    match utf16(head) {
        Some(encoding) => encoding,
        None if utf8 => Encoding::Utf8,
        None => legacy(head),
    }
}

/// Detects UTF-16 by its byte order mark, or by the zero bytes of ASCII characters, which no other
/// text has.
pub(super) fn utf16(head: &[u8]) -> Option<Encoding> {
    if head.starts_with(b"\xff\xfe") {
        return Some(Encoding::Utf16Le);
    }
    if head.starts_with(b"\xfe\xff") {
        return Some(Encoding::Utf16Be);
    }
    let head = &head[..head.len().min(4_096)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    // Some Chinese characters have a zero byte too: 一 is U+4E00.
    let many = (head.len() / 32).max(2);
    if low >= many && low > 2 * high {
        Some(Encoding::Utf16Le)
    } else if high >= many && high > 2 * low {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// The least bytes beyond ASCII by which other encodings of East Asia are told from GB18030.
const ENOUGH_BYTES: usize = 12;

/// Tells encodings of East Asia apart by the frequencies of their letters.
fn legacy(head: &[u8]) -> Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, true);
    let guess = |country: Option<&[u8]>| {
        let guess = detector.guess(country, Utf8Detection::Deny);
        Encoding::ALL.into_iter().find(|encoding| encoding.decoder() == guess)
    };
    let enough = head.iter().filter(|byte| !byte.is_ascii()).count() >= ENOUGH_BYTES;
    match guess(None) {
        Some(other @ (Encoding::Big5 | Encoding::ShiftJis | Encoding::EucKr)) if enough => other,
        _ => guess(Some(b"cn")).unwrap_or(Encoding::Gb18030),
    }
}

/// The byte order mark of UTF-8.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Tells whether a text that arrives in pieces is UTF-8, though some bytes may be damaged.
#[derive(Debug, Default)]
pub struct Utf8 {
    invalid: u64,
    /// Characters of several bytes. Of the letters of other encodings, few are such by chance.
    several_bytes: u64,
    /// The first bytes, as many as a byte order mark has.
    beginning: Vec<u8>,
    incomplete: Vec<u8>,
}

impl Utf8 {
    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        let missing = UTF8_MARK.len() - self.beginning.len();
        self.beginning.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        let joined;
        let mut bytes = if self.incomplete.is_empty() {
            bytes
        } else {
            joined = [self.incomplete.as_slice(), bytes].concat();
            &joined
        };
        loop {
            match std::str::from_utf8(bytes) {
                Ok(valid) => {
                    self.count(valid);
                    self.incomplete = Vec::new();
                    return;
                }
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    self.count(std::str::from_utf8(valid).unwrap_or_default());
                    let Some(length) = error.error_len() else {
                        self.incomplete = rest.to_vec();
                        return;
                    };
                    self.invalid += 1;
                    bytes = &rest[length..];
                }
            }
        }
    }

    /// Leading bytes are counted, not characters: that is quicker.
    fn count(&mut self, valid: &str) {
        if self.invalid > 0 || self.several_bytes < 1_000 {
            let leading = valid.bytes().filter(|byte| *byte >= 0xc0).count();
            self.several_bytes += leading as u64;
        }
    }

    /// Returns whether the text is UTF-8: it has its byte order mark, or all of it is valid, or all
    /// but a little.
    pub fn is_likely(&self) -> bool {
        let invalid = self.invalid + u64::from(!self.incomplete.is_empty());
        self.beginning == UTF8_MARK || invalid == 0 || self.several_bytes >= invalid
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn likely(bytes: &[u8]) -> bool {
        let mut utf8 = Utf8::default();
        utf8.update(bytes);
        utf8.is_likely()
    }

    #[test]
    fn a_damaged_byte_does_not_change_the_encoding() {
        let mut damaged = "手机号,姓名,分钟\n18500001234,韩梅梅,5\n".as_bytes().to_vec();
        damaged.extend(b"18500001235,\xe6\x9d\x8e\xe6,5\n");
        assert!(likely(&damaged));
        assert_eq!(detect(&damaged, true), Encoding::Utf8);
        for damaged in [
            &b"phone,name\n18500001234,Jos\xc3\xa9\n18500001235,M\xc3\xbcller\n18500001236,Ren\xc3\n"[..],
            b"1,\xe9\x9f\xa9\xe6\n2,\xe9\x9f\xa9\xe6\n3,\xe9\x9f\xa9\xe6\n",
            b"1,\xf0\x9f\x98\x80\xf0\x9f\x98\x80\n2,\xf0\x9f\x98\n",
        ] {
            assert!(likely(damaged), "{damaged:?}");
        }
        let with_mark = [&b"\xef\xbb\xbf"[..], b"a\xff\xff\xff"].concat();
        assert_eq!(detect(&with_mark, likely(&with_mark)), Encoding::Utf8);
        let (gbk, _, _) = encoding_rs::GBK.encode("手机号,姓名\n18500001234,李雷联通\n");
        assert!(!likely(&gbk));
    }

    #[test]
    fn encodings_are_told_apart_by_their_letters() {
        let text = "手機號碼,姓名,內容\n18500001234,陳小明,您好，您的訂單已經出貨，請注意查收\n";
        let (big5, _, _) = BIG5.encode(text);
        assert_eq!(detect(&big5, false), Encoding::Big5);
        let text = "手机号,姓名,内容\n18500001234,李雷,您好，您的订单已经发货，请注意查收\n";
        let (gbk, _, _) = GB18030.encode(text);
        assert_eq!(detect(&gbk, false), Encoding::Gb18030);
        let (short, _, _) = GB18030.encode("手机号\n18500001234\n");
        assert_eq!(detect(&short, false), Encoding::Gb18030);
    }

    #[test]
    fn utf_16_is_found_without_its_mark() {
        for text in
            ["phone,name\n18500001234,Li", "18500001234,一二三一一一您好，欢迎光临云帆书店一\n"]
        {
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert_eq!(utf16(&little), Some(Encoding::Utf16Le), "{text}");
            assert_eq!(utf16(&big), Some(Encoding::Utf16Be), "{text}");
        }
        assert_eq!(utf16("手机号,姓名".as_bytes()), None);
    }

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_how_a_text_is_cut(
            text in "\u{feff}?a?\u{feff}?[a字é😀]{0,20}",
            damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..6),
            size in 1_usize..7,
        ) {
            let mut bytes = text.into_bytes();
            for (at, byte) in damage {
                let at = at % (bytes.len() + 1);
                bytes.insert(at, byte);
            }
            let mut pieces = Utf8::default();
            bytes.chunks(size).for_each(|piece| pieces.update(piece));
            let mut whole = Utf8::default();
            whole.update(&bytes);
            let found = |utf8: &Utf8| {
                (utf8.invalid, utf8.incomplete.clone(), utf8.beginning.clone(), utf8.is_likely())
            };
            prop_assert_eq!(found(&pieces), found(&whole), "{:?}", bytes);
            let valid = std::str::from_utf8(&bytes).is_ok();
            prop_assert_eq!(whole.invalid == 0 && whole.incomplete.is_empty(), valid);
        }
    }
}
