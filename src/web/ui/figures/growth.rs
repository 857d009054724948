//! Growth of a figure.

/// Returns the growth in percent, with its sign; a dash if there was nothing before.
pub fn growth(now: i64, before: i64) -> String {
    if before == 0 {
        return "—".to_owned();
    }
    #[allow(clippy::cast_precision_loss)]
    let percent = (now - before) as f64 * 100.0 / before as f64;
    if percent.abs() < 10.0 {
        format!("{percent:+.1}%").replace('-', "−")
    } else {
        format!("{percent:+.0}%").replace('-', "−")
    }
}
