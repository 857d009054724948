//! What the variables of a template mean, as one text for the reviewer.

use crate::domain::text::{Segment, TemplateText};

/// Returns the meanings of the variables as one text for the reviewer: `{1}…；{2}…`.
pub fn write_instruction(meanings: &[String]) -> String {
    let each = meanings.iter().enumerate().filter(|(_, meaning)| !meaning.trim().is_empty());
    let each: Vec<String> =
        each.map(|(index, meaning)| format!("{{{}}}{}", index + 1, meaning.trim())).collect();
    each.join("；")
}

/// Splits the text of [`write_instruction`] into the meanings of the variables. A text of another
/// form becomes the meaning of the first variable.
pub fn read_instruction(instruction: &str, variables: usize) -> Vec<String> {
    let mut meanings = vec![String::new(); variables.max(1)];
    let parsed = TemplateText::parse(instruction);
    let mut current = None;
    for segment in parsed.segments(&[]) {
        match (segment, current) {
            (Segment::Variable { n, .. }, _) => {
                current = Some(n - 1);
                meanings.resize(meanings.len().max(n), String::new());
            }
            (Segment::Literal(literal), Some(index)) => {
                let text = literal.trim_matches(['；', ';', '：', ':', '，', ',', ' ', '=']);
                if let Some(meaning) = meanings.get_mut(index) {
                    text.clone_into(meaning);
                }
            }
            (Segment::Literal(_), None) => {
                instruction.clone_into(&mut meanings[0]);
                return meanings;
            }
        }
    }
    meanings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings_survive_a_round_trip_and_a_free_text_stays_whole() {
        let meanings = ["订单号".to_owned(), String::new(), "日期".to_owned()];
        let written = write_instruction(&meanings);
        assert_eq!(written, "{1}订单号；{3}日期");
        assert_eq!(read_instruction(&written, 3), meanings);
        assert_eq!(read_instruction("变量一是订单号{2}", 1), ["变量一是订单号{2}"]);
        assert_eq!(read_instruction("", 2), ["", ""]);
    }
}
