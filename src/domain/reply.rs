//! Replies: what a person texted back, and whether it says that they want no more.

use std::collections::HashSet;

/// Letters of a reply that are kept. What is beyond stays in the push as it came.
pub const MAX_LENGTH: usize = 10_000;
/// No opt-out is longer than this: it is looked for in short texts only.
const MAX_OPT_OUT_LENGTH: usize = 40;

/// What a reply says about further texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "opt_out", rename_all = "snake_case")]
pub enum OptOut {
    /// Nothing.
    None,
    /// The person wants no more.
    Stands,
    /// It was taken for an opt-out, and somebody of the team said that it is none.
    TakenBack,
}

impl OptOut {
    /// The name used in files and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Stands => "stands",
            Self::TakenBack => "taken_back",
        }
    }
}

/// What was written, without what no screen shows and no database takes: control characters other
/// than line breaks and tabs. Direction marks stay, since right-to-left texts need them; pages
/// isolate them.
pub fn clean(written: &str) -> String {
    let written = written.replace("\r\n", "\n");
    let seen = written.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    seen.take(MAX_LENGTH).collect()
}

/// What surrounds an opt-out in what people really send: `回复T`, `我要退订`, or the whole
/// `拒收请回复R` that stood at the end of the text.
const AROUND: [&str; 18] = [
    "请", "回复", "回", "发送", "发", "编辑", "短信", "我", "要", "帮我", "谢谢", "了", "吧",
    "退订", "拒收", "取消", "订阅", "或",
];

/// A project's opt-out words. A reply is an opt-out when, without punctuation and spaces and
/// whatever its width and case, it consists of nothing but such words and what surrounds them.
#[derive(Debug, Clone, Default)]
pub struct OptOutWords {
    words: HashSet<String>,
}

impl OptOutWords {
    /// Words as a team typed them.
    pub fn new(typed: &[String]) -> Self {
        let words = typed.iter().map(|word| compact(word)).filter(|word| !word.is_empty());
        Self { words: words.collect() }
    }

    /// Whether a reply opts out.
    pub fn opts_out(&self, reply: &str) -> bool {
        let whole = compact(reply);
        if whole.is_empty() || whole.chars().count() > MAX_OPT_OUT_LENGTH {
            return false;
        }
        self.words.contains(&whole) || self.is_made_of_words(reply)
    }

    /// Latin letters and digits that stand together are one word: `TNT` is no opt-out, `回T` is one.
    fn is_made_of_words(&self, reply: &str) -> bool {
        let mut opts_out = false;
        for run in runs(reply) {
            match self.read(&run) {
                Some(has_word) => opts_out |= has_word,
                None => return false,
            }
        }
        opts_out
    }

    /// Whether a run holds an opt-out word; `None` when something else is in it.
    fn read(&self, run: &str) -> Option<bool> {
        if run.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return self.words.contains(run).then_some(true);
        }
        // What the first letters of the run can be read as, place by place.
        let letters: Vec<char> = run.chars().collect();
        let mut read: Vec<Option<bool>> = vec![None; letters.len() + 1];
        read[0] = Some(false);
        for from in 0..letters.len() {
            let Some(before) = read[from] else { continue };
            for to in from + 1..=letters.len() {
                let piece: String = letters[from..to].iter().collect();
                let is_word = self.words.contains(&piece);
                if is_word || AROUND.contains(&piece.as_str()) {
                    read[to] = Some(read[to].unwrap_or(false) || before || is_word);
                }
            }
        }
        read[letters.len()]
    }
}

/// A letter in one width and case; `None` for what is none.
fn plain(letter: char) -> Option<char> {
    let narrow = match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        other => other,
    };
    let lower = narrow.to_lowercase().next().unwrap_or(narrow);
    lower.is_alphanumeric().then_some(lower)
}

/// The letters alone.
pub fn compact(text: &str) -> String {
    text.chars().filter_map(plain).collect()
}

/// The letters, parted where something else stands between them and where Latin meets other script.
fn runs(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut last = None;
    for letter in text.chars() {
        let kind = plain(letter).map(|plain| (plain, plain.is_ascii_alphanumeric()));
        match (kind, last) {
            (Some((plain, latin)), Some(before)) if latin == before => {
                if let Some(run) = runs.last_mut() {
                    run.push(plain);
                }
            }
            (Some((plain, _)), _) => runs.push(plain.to_string()),
            (None, _) => {}
        }
        last = kind.map(|(_, latin)| latin);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> OptOutWords {
        let typed = ["T", "TD", "R", "N", "QX", "退订", "拒收", "取消订阅", "stop", "no more"];
        OptOutWords::new(&typed.map(str::to_owned))
    }

    #[test]
    fn an_opt_out_is_known_whatever_its_width_case_and_punctuation() {
        for reply in [
            "T",
            "t",
            " T ",
            "Ｔ",
            "ｔｄ。",
            "【R】",
            "“退订”",
            "退订！！",
            "回复T",
            "回Ｔ退订",
            "TD退订",
            "退订回T",
            "拒收请回复R",
            "请回复 R 拒收",
            "T T T",
            "我要退订",
            "取消订阅，谢谢",
            "N\n",
            "Stop.",
            "No more",
            "\u{202e}退订\u{202c}",
            "退\u{200b}订",
            "发送TD或T",
        ] {
            assert!(words().opts_out(reply), "{reply:?}");
        }
    }

    #[test]
    fn what_is_more_than_an_opt_out_is_none() {
        for reply in [
            "",
            "。",
            "TNT",
            "RT",
            "Tom",
            "不要退订",
            "怎么退订",
            "退订了吗",
            "请回复",
            "取消",
            "订阅",
            "T恤有货吗",
            "No",
            "5",
            "我",
            "收到，谢谢",
            "请把书寄到TD大厦",
        ] {
            assert!(!words().opts_out(reply), "{reply:?}");
        }
        assert!(!words().opts_out(&"退订".repeat(500)));
        assert!(!OptOutWords::new(&[" 。".to_owned()]).opts_out("。"));
    }

    #[test]
    fn a_clean_text_has_lines_and_no_control_characters() {
        assert_eq!(clean("a\r\nb\0\u{1b}[31m\u{7f}\tc"), "a\nb[31m\tc");
        assert_eq!(clean(&"字".repeat(20_000)).chars().count(), MAX_LENGTH);
        assert_eq!(clean("\u{202e}שלום😀"), "\u{202e}שלום😀");
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_an_opt_out_panic(text in ".{0,60}") {
            let _ = words().opts_out(&text);
            prop_assert_eq!(clean(&clean(&text)), clean(&text));
        }
    }
}
