//! The segments of a text, so that its variables can be told from its words.

use crate::domain::text;

/// A segment of the text: a literal of the template, or the value of a variable.
#[derive(Debug)]
pub struct Segment {
    /// Its text.
    pub text: String,
    /// Whether it is a variable.
    pub variable: bool,
}

/// Returns the segments of a text; a variable without a value is shown by its number.
pub fn segments_of(text: &text::TemplateText, params: &[String]) -> Vec<Segment> {
    text.segments(params)
        .map(|segment| match segment {
            text::Segment::Literal(literal) => {
                Segment { text: literal.to_owned(), variable: false }
            }
            text::Segment::Variable { n, value: "" } => {
                Segment { text: format!("{{{n}}}"), variable: true }
            }
            text::Segment::Variable { value, .. } => {
                Segment { text: value.to_owned(), variable: true }
            }
        })
        .collect()
}
