//! CSRF tokens as pages have them: masked anew in every answer. Pages are compressed and may hold what a
//! stranger chose; by the size of many answers that stranger could find out a token that stays the same
//! (BREACH).

use std::fmt;

use subtle::ConstantTimeEq;

/// The bytes of a token.
const BYTES: usize = 32;

/// A hidden field with a masked CSRF token.
#[derive(Debug, Clone)]
pub struct CsrfField(String);

impl CsrfField {
    /// Masks a token of 32 bytes in hex.
    pub fn masking(token: &str) -> Self {
        let mask = rand::random::<[u8; BYTES]>();
        let token = hex::decode(token).unwrap_or_default();
        let masked: Vec<u8> = token.iter().zip(mask).map(|(token, mask)| token ^ mask).collect();
        Self(hex::encode(mask) + &hex::encode(masked))
    }
}

impl fmt::Display for CsrfField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is hexadecimal, so nothing needs escaping.
        write!(f, "<input type=\"hidden\" {FIELD}{}\">", self.0)
    }
}

impl askama::filters::HtmlSafe for CsrfField {}

/// What stands before the token in a field.
const FIELD: &str = "name=\"csrf\" value=\"";

/// Returns the pieces of `html` between the tokens in it.
pub fn without_tokens(html: &str) -> impl Iterator<Item = &str> {
    let mut pieces = html.split(FIELD);
    let first = pieces.next();
    let after_token = |piece: &'_ str| -> usize { piece.find('"').unwrap_or(piece.len()) };
    first.into_iter().chain(pieces.map(move |piece| &piece[after_token(piece)..]))
}

/// Returns whether a page of ours sent this field, with this token masked in it.
pub fn is_token(sent: &str, token: &str) -> bool {
    let (Ok(sent), Ok(token)) = (hex::decode(sent), hex::decode(token)) else { return false };
    let Some((mask, masked)) = sent.split_at_checked(BYTES) else { return false };
    let unmasked: Vec<u8> = masked.iter().zip(mask).map(|(masked, mask)| masked ^ mask).collect();
    masked.len() == BYTES && token.len() == BYTES && unmasked.ct_eq(&token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_looks_different_each_time_and_is_recognized() {
        let (token, other) = ("5a".repeat(BYTES), "5b".repeat(BYTES));
        let [first, second] = [CsrfField::masking(&token), CsrfField::masking(&token)];
        assert_ne!(first.0, second.0);
        assert!(is_token(&first.0, &token) && is_token(&second.0, &token));
        assert!(!is_token(&first.0, &other));
    }

    #[test]
    fn what_is_no_masked_token_is_refused() {
        let token = "5a".repeat(BYTES);
        for sent in ["", "5a", "x", &token, &"00".repeat(BYTES), &"00".repeat(3 * BYTES)] {
            assert!(!is_token(sent, &token), "{sent}");
        }
        assert!(!is_token("", "") && !is_token(&"00".repeat(2 * BYTES), ""));
    }

    #[test]
    fn html_is_the_same_but_for_its_tokens() {
        let html = |token: &str| format!("<p>a</p>{}<b>c</b>", CsrfField::masking(token));
        let [first, second] = [html(&"5a".repeat(BYTES)), html(&"5b".repeat(BYTES))];
        assert!(without_tokens(&first).eq(without_tokens(&second)));
        let pieces: String = without_tokens(&first).collect();
        assert_eq!(pieces, "<p>a</p><input type=\"hidden\" \"><b>c</b>");
    }
}
