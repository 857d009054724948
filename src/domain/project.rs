//! The rules for the names of projects.

/// Why a project cannot have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProjectNameProblem {
    /// The slug is not 1 to 40 of a–z, 0–9 and hyphens, starting with a letter or digit.
    #[error(
        "project slug must be 1 to 40 of a-z, 0-9 and hyphens, starting with a letter or digit"
    )]
    Slug,
}

/// Checks a slug, the name of a project in URLs.
///
/// # Errors
/// [`ProjectNameProblem::Slug`] when it is too long, empty or has other characters.
pub fn check_slug(slug: &str) -> Result<(), ProjectNameProblem> {
    let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut bytes = slug.bytes();
    let well_formed = slug.len() <= 40
        && bytes.next().is_some_and(letter_or_digit)
        && bytes.all(|byte| letter_or_digit(byte) || byte == b'-');
    if well_formed { Ok(()) } else { Err(ProjectNameProblem::Slug) }
}
