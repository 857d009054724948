//! Replies: their text, and whether it is an opt-out.

use std::collections::HashSet;

/// The largest length of a stored reply, in characters. The rest is found in the push only.
pub const MAX_LENGTH: usize = 10_000;
/// The largest length of an opt-out, in characters; longer replies are not examined.
const MAX_OPT_OUT_LENGTH: usize = 40;

/// Whether a reply is an opt-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "opt_out", rename_all = "snake_case")]
pub enum OptOut {
    /// It is not.
    None,
    /// It is: the recipient wants no more messages.
    Active,
    /// It was taken for an opt-out, and a member of the project decided that it is not.
    Undone,
}

impl OptOut {
    /// Returns the name used in files, where it stays as it was first published, and in message
    /// keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Active => "stands",
            Self::Undone => "taken_back",
        }
    }
}

/// Returns the text of a reply without control characters other than line breaks and tabs, which no
/// screen shows and the database does not accept, and at most [`MAX_LENGTH`] characters of it.
/// Direction marks stay, since right-to-left texts need them; pages isolate them.
pub fn clean(reply: &str) -> String {
    let reply = reply.replace("\r\n", "\n");
    let visible = reply.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    visible.take(MAX_LENGTH).collect()
}

/// Words that real opt-outs have around a keyword: `回复T`, `我要退订`, or all of the
/// `拒收请回复R` at the end of the text they reply to.
const FILLERS: [&str; 18] = [
    "请", "回复", "回", "发送", "发", "编辑", "短信", "我", "要", "帮我", "谢谢", "了", "吧",
    "退订", "拒收", "取消", "订阅", "或",
];

/// The opt-out keywords of a project. A reply is an opt-out if it consists of keywords and filler
/// words only; punctuation, spaces, letter width and case do not matter.
#[derive(Debug, Clone, Default)]
pub struct OptOutKeywords {
    keywords: HashSet<String>,
}

impl OptOutKeywords {
    /// Creates the set of keywords that members typed.
    pub fn new(typed: &[String]) -> Self {
        let keywords = typed.iter().map(|keyword| compact(keyword));
        Self { keywords: keywords.filter(|keyword| !keyword.is_empty()).collect() }
    }

    /// Returns whether a reply is an opt-out.
    pub fn opts_out(&self, reply: &str) -> bool {
        let letters = compact(reply);
        if letters.is_empty() || letters.chars().count() > MAX_OPT_OUT_LENGTH {
            return false;
        }
        self.keywords.contains(&letters) || self.consists_of_keywords(reply)
    }

    /// Returns whether each run of `reply` consists of keywords and fillers, with at least one
    /// keyword. Adjacent Latin letters and digits are one word: `TNT` is no opt-out, `回T` is one.
    fn consists_of_keywords(&self, reply: &str) -> bool {
        let mut opts_out = false;
        for run in runs(reply) {
            match self.has_keyword(&run) {
                Some(has_keyword) => opts_out |= has_keyword,
                None => return false,
            }
        }
        opts_out
    }

    /// Returns whether a run has a keyword; `None` if it is not made of keywords and fillers.
    fn has_keyword(&self, run: &str) -> Option<bool> {
        if run.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return self.keywords.contains(run).then_some(true);
        }
        // For each prefix of the run: whether it has a keyword, or `None` if it cannot be split.
        let letters: Vec<char> = run.chars().collect();
        let mut prefixes: Vec<Option<bool>> = vec![None; letters.len() + 1];
        prefixes[0] = Some(false);
        for from in 0..letters.len() {
            let Some(before) = prefixes[from] else { continue };
            for to in from + 1..=letters.len() {
                let word: String = letters[from..to].iter().collect();
                let is_keyword = self.keywords.contains(&word);
                if is_keyword || FILLERS.contains(&word.as_str()) {
                    prefixes[to] = Some(prefixes[to].unwrap_or(false) || before || is_keyword);
                }
            }
        }
        prefixes[letters.len()]
    }
}

/// Returns a letter or digit in half width and lower case; `None` for other characters.
fn plain(letter: char) -> Option<char> {
    let narrow = match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        other => other,
    };
    let lower = narrow.to_lowercase().next().unwrap_or(narrow);
    lower.is_alphanumeric().then_some(lower)
}

/// Returns the letters and digits of a text, in half width and lower case.
pub fn compact(text: &str) -> String {
    text.chars().filter_map(plain).collect()
}

/// Returns the letters and digits of a text, split at all other characters and where Latin and
/// another script meet.
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

    fn keywords() -> OptOutKeywords {
        let typed = ["T", "TD", "R", "N", "QX", "退订", "拒收", "取消订阅", "stop", "no more"];
        OptOutKeywords::new(&typed.map(str::to_owned))
    }

    #[test]
    fn width_case_and_punctuation_of_an_opt_out_do_not_matter() {
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
            assert!(keywords().opts_out(reply), "{reply:?}");
        }
    }

    #[test]
    fn a_reply_with_other_words_is_no_opt_out() {
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
            assert!(!keywords().opts_out(reply), "{reply:?}");
        }
        assert!(!keywords().opts_out(&"退订".repeat(500)));
        assert!(!OptOutKeywords::new(&[" 。".to_owned()]).opts_out("。"));
    }

    #[test]
    fn a_clean_text_has_line_breaks_and_no_other_control_characters() {
        assert_eq!(clean("a\r\nb\0\u{1b}[31m\u{7f}\tc"), "a\nb[31m\tc");
        assert_eq!(clean(&"字".repeat(20_000)).chars().count(), MAX_LENGTH);
        assert_eq!(clean("\u{202e}שלום😀"), "\u{202e}שלום😀");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_panic(text in ".{0,60}") {
            let _ = keywords().opts_out(&text);
            prop_assert_eq!(clean(&clean(&text)), clean(&text));
        }
    }
}
