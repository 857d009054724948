//! What a project may be called.

/// Why a slug or name cannot be a project's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProjectNameProblem {
    /// Not 1 to 40 of a–z, 0–9 and dashes, beginning with a letter or digit.
    #[error(
        "project slug must be 1 to 40 of a-z, 0-9 and hyphens, starting with a letter or digit"
    )]
    Slug,
}

/// Checks the part of the address that names a project.
pub fn check_slug(slug: &str) -> Result<(), ProjectNameProblem> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut bytes = slug.bytes();
    let well_formed = slug.len() <= 40
        && bytes.next().is_some_and(letter)
        && bytes.all(|byte| letter(byte) || byte == b'-');
    if well_formed { Ok(()) } else { Err(ProjectNameProblem::Slug) }
}
