//! The field for a list of words, one a line or separated by commas: how it is shown and read.

use std::collections::HashSet;

use askama::Template;
use serde::Deserialize;

use super::layout::Layout;
use super::status::Drawing;

/// The posted list, as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    words: String,
    /// Given to add the forbidden topics that are missing.
    add_topics: Option<String>,
}

impl Typed {
    /// Returns whether the forbidden topics are to be added.
    pub fn adds_topics(&self) -> bool {
        self.add_topics.is_some()
    }
}

/// The field, with the texts `{name}-label` and `{name}-hint`.
#[derive(Debug, Template)]
#[template(path = "ui/word_list.html")]
pub struct WordList {
    label: String,
    hint: String,
    typed: String,
    problem: Option<String>,
}

impl askama::filters::HtmlSafe for WordList {}

impl WordList {
    /// Returns the field with the saved words.
    pub fn saved(l: &Layout, name: &str, words: &[String]) -> Self {
        Self::new(l, name, words.join("\n"), None)
    }

    /// Returns the field as typed, with what is wrong.
    pub fn invalid(l: &Layout, name: &str, typed: Typed, problem: &WordListProblem) -> Self {
        Self::new(l, name, typed.words, Some(problem.sentence(l)))
    }

    fn new(l: &Layout, name: &str, typed: String, problem: Option<String>) -> Self {
        let [label, hint] = ["label", "hint"].map(|part| l.t(&format!("{name}-{part}")));
        Self { label, hint, typed, problem }
    }

    /// Returns whether the field is empty.
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }
}

/// The limits of a list.
#[derive(Debug, Clone, Copy)]
pub struct WordLimits {
    /// The largest number of words.
    pub max_words: usize,
    /// The largest length of a word in characters.
    pub max_length: usize,
}

/// What is wrong with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordListProblem {
    /// This word is too long, or has no letters that count; with the largest length.
    Word(String, usize),
    /// There are more words than this.
    TooMany(usize),
}

impl WordListProblem {
    fn sentence(&self, l: &Layout) -> String {
        match self {
            Self::Word(word, max_length) => {
                let word = word.chars().take(*max_length).collect::<String>();
                l.with(
                    "sensitive-words-error-word",
                    &[("word", word.into()), ("longest", (*max_length).into())],
                )
            }
            Self::TooMany(max) => l.with("sensitive-words-error-many", &[("most", (*max).into())]),
        }
    }
}

impl Typed {
    /// Returns the words in their order without duplicates; words with the same `letters` are
    /// duplicates.
    ///
    /// # Errors
    ///
    /// The first word that is not allowed, or the limit that the list exceeds.
    pub fn read(
        &self,
        limits: WordLimits,
        letters: impl Fn(&str) -> String,
    ) -> Result<Vec<String>, WordListProblem> {
        let mut seen = HashSet::new();
        let mut words = Vec::new();
        for word in self.words.split(['\n', ',', '，', ';', '；', '、', '\t']) {
            let printable: String = word.chars().filter(|letter| !letter.is_control()).collect();
            let word = printable.trim().to_owned();
            if word.is_empty() {
                continue;
            }
            let letters = letters(&word);
            if letters.is_empty() || word.chars().count() > limits.max_length {
                return Err(WordListProblem::Word(word, limits.max_length));
            }
            if seen.insert(letters) {
                words.push(word);
            }
        }
        if words.len() > limits.max_words {
            Err(WordListProblem::TooMany(limits.max_words))
        } else {
            Ok(words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Result<Vec<String>, WordListProblem> {
        let letters = |word: &str| word.replace('.', "").to_lowercase();
        Typed { words: typed.to_owned(), ..Typed::default() }
            .read(WordLimits { max_words: 3, max_length: 4 }, letters)
    }

    #[test]
    fn words_are_split_at_lines_and_commas_without_duplicates() {
        let words = ["T", "退订", "stop"].map(str::to_owned).to_vec();
        assert_eq!(read("T，t\r\n\n 退订 、T.;；stop\t\u{7}"), Ok(words));
        assert_eq!(read(" \n,"), Ok(Vec::new()));
    }

    #[test]
    fn words_without_letters_long_words_and_too_many_words_are_reported() {
        assert_eq!(read("T\n..."), Err(WordListProblem::Word("...".to_owned(), 4)));
        assert_eq!(read("a,stops"), Err(WordListProblem::Word("stops".to_owned(), 4)));
        assert_eq!(read("a,b,c,d"), Err(WordListProblem::TooMany(3)));
    }
}
