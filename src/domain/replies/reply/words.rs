//! Splitting replies into clauses and words. Letter width, case, traditional characters, invisible
//! characters and emoji make no difference.

/// A sequence of words: each Chinese character is one, and each run of other letters and digits.
pub(super) type Words = Vec<String>;

/// A reply, split.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// The words of each clause.
    pub clauses: Vec<Words>,
    /// Whether it has a question mark.
    pub asks: bool,
}

impl Split {
    /// Returns all words as one.
    pub fn letters(&self) -> String {
        self.clauses.iter().flatten().map(String::as_str).collect()
    }
}

/// Traditional characters, each before its simplified one, of the words that the vocabulary knows.
const TRADITIONAL: &str = "訂订閱阅請请絕绝別别發发誤误麼么嗎吗無无還还給给為为簡简訊讯傳传謝谢幫帮煩烦點点\
     號号碼码刪删單单從从復复覆复繼继續续擾扰騷骚廣广電电話话個个這这們们說说會会過过時时對对沒没錯错銷销關关\
     閉闭遠远問问內内資资戶户終终斷断開开來来後后讓让應应該该樣样辦办妳你處处擁拥聯联繫系願愿須须準准許许\
     轟轰濫滥亂乱罵骂媽妈總总經经將将營营類类業业務务強强烈烈徹彻統统條条裡里裏里嘅的佢他咗了";

/// Returns a character in half width, lower case and simplified form.
fn plain(letter: char) -> char {
    let narrow = match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        other => other,
    };
    let lower = narrow.to_lowercase().next().unwrap_or(narrow);
    if !is_chinese(lower) {
        return lower;
    }
    let mut pairs = TRADITIONAL.chars();
    while let (Some(traditional), Some(simplified)) = (pairs.next(), pairs.next()) {
        if traditional == lower {
            return simplified;
        }
    }
    lower
}

fn is_chinese(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

/// What a character is in a text.
enum Kind {
    /// A word of its own.
    Single,
    /// A part of a word, with those of the same alphabet.
    Letter { is_far: bool },
    /// Nothing: the word goes on.
    Invisible,
    /// The end of a clause.
    End,
    /// Anything else ends the word.
    Space,
}

fn kind(letter: char) -> Kind {
    match letter {
        '🛑' | '🚫' | '⛔' => Kind::Single,
        letter if is_chinese(letter) => Kind::Single,
        // From Thai on, words have nothing in common with Latin ones.
        letter if letter.is_alphanumeric() => Kind::Letter { is_far: letter >= '\u{e00}' },
        '\''
        | '’'
        | '‘'
        | '´'
        | '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{300}'..='\u{36f}' => Kind::Invisible,
        ',' | '.' | '!' | ';' | '?' | '。' | '、' | '…' | '~' | '～' | '\n' | '—' | '/' => {
            Kind::End
        }
        _ => Kind::Space,
    }
}

/// Splits a reply.
pub(super) fn split(text: &str) -> Split {
    let mut split = Split::default();
    let mut clause = Words::new();
    let mut open: Option<bool> = None;
    for letter in text.chars().map(plain) {
        split.asks |= matches!(letter, '?' | '⁇' | '⁈' | '⁉' | '❓' | '❔' | '؟');
        match kind(letter) {
            Kind::Single => {
                clause.push(letter.to_string());
                open = None;
            }
            Kind::Letter { is_far } => match clause.last_mut().filter(|_| open == Some(is_far)) {
                Some(word) => word.push(letter),
                None => {
                    clause.push(letter.to_string());
                    open = Some(is_far);
                }
            },
            Kind::Invisible => {}
            Kind::Space => open = None,
            Kind::End => {
                open = None;
                if !clause.is_empty() {
                    split.clauses.push(std::mem::take(&mut clause));
                }
            }
        }
    }
    if !clause.is_empty() {
        split.clauses.push(clause);
    }
    split
}

/// Returns the words of a text, in one sequence.
pub(super) fn of(text: &str) -> Words {
    split(text).clauses.concat()
}
