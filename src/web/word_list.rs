//! A list of words that a team keeps, typed one a line or with commas between: its field, and how
//! it is read.

use std::collections::HashSet;

use askama::Template;
use serde::Deserialize;

use super::components::Drawing;
use super::layout::Layout;

/// What was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    words: String,
}

/// The field, labelled by the texts `{name}-label` and `{name}-hint`.
#[derive(Debug, Template)]
#[template(path = "components/word_list.html")]
pub struct WordList {
    label: String,
    hint: String,
    typed: String,
    problem: Option<String>,
}

impl askama::filters::HtmlSafe for WordList {}

impl WordList {
    /// As it is kept.
    pub fn kept(l: &Layout, name: &str, words: &[String]) -> Self {
        Self::new(l, name, words.join("\n"), None)
    }

    /// As it was typed, with what is wrong.
    pub fn wrong(l: &Layout, name: &str, typed: Typed, fault: &Fault) -> Self {
        Self::new(l, name, typed.words, Some(fault.told(l)))
    }

    fn new(l: &Layout, name: &str, typed: String, problem: Option<String>) -> Self {
        let [label, hint] = ["label", "hint"].map(|part| l.t(&format!("{name}-{part}")));
        Self { label, hint, typed, problem }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }
}

/// What a list may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Words.
    pub most: usize,
    /// Letters of one.
    pub longest: usize,
}

/// What is wrong with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This word has too many letters, or none that count; how many it may have.
    Word(String, usize),
    /// There are more words than this.
    Many(usize),
}

impl Fault {
    fn told(&self, l: &Layout) -> String {
        match self {
            Self::Word(word, longest) => {
                let word = word.chars().take(*longest).collect::<String>();
                l.with(
                    "sensitive-words-error-word",
                    &[("word", word.into()), ("longest", (*longest).into())],
                )
            }
            Self::Many(most) => l.with("sensitive-words-error-many", &[("most", (*most).into())]),
        }
    }
}

impl Typed {
    /// The words in their order, each once: those with the same `letters` are one word.
    pub fn read(
        &self,
        limits: Limits,
        letters: impl Fn(&str) -> String,
    ) -> Result<Vec<String>, Fault> {
        let mut known = HashSet::new();
        let mut words = Vec::new();
        for word in self.words.split(['\n', ',', '，', ';', '；', '、', '\t']) {
            let seen: String = word.chars().filter(|letter| !letter.is_control()).collect();
            let word = seen.trim().to_owned();
            if word.is_empty() {
                continue;
            }
            let letters = letters(&word);
            if letters.is_empty() || word.chars().count() > limits.longest {
                return Err(Fault::Word(word, limits.longest));
            }
            if known.insert(letters) {
                words.push(word);
            }
        }
        if words.len() > limits.most { Err(Fault::Many(limits.most)) } else { Ok(words) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Result<Vec<String>, Fault> {
        let letters = |word: &str| word.replace('.', "").to_lowercase();
        Typed { words: typed.to_owned() }.read(Limits { most: 3, longest: 4 }, letters)
    }

    #[test]
    fn words_are_parted_by_lines_and_commas_and_kept_once() {
        let words = ["T", "退订", "stop"].map(str::to_owned).to_vec();
        assert_eq!(read("T，t\r\n\n 退订 、T.;；stop\t\u{7}"), Ok(words));
        assert_eq!(read(" \n,"), Ok(Vec::new()));
    }

    #[test]
    fn a_word_without_letters_or_with_too_many_is_named_and_so_are_too_many_words() {
        assert_eq!(read("T\n..."), Err(Fault::Word("...".to_owned(), 4)));
        assert_eq!(read("a,stops"), Err(Fault::Word("stops".to_owned(), 4)));
        assert_eq!(read("a,b,c,d"), Err(Fault::Many(3)));
    }
}
