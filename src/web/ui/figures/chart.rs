//! Charts as SVG, rendered by the server. A value appears when its bar is hovered or focused, and a
//! table with all values is always on the same page.

use askama::Template;

/// The upper and lower ends of the bars of a bar chart, in pixels from the top.
const TOP: f64 = 40.0;
const FLOOR: f64 = 204.0;
/// The same for a line chart.
const LINE_TOP: f64 = 34.0;
const LINE_FLOOR: f64 = 112.0;
/// The highest number of labels below the bars. Narrow screens show a third of them.
const MAX_NAMES: usize = 11;

/// An hour or a day of a chart.
#[derive(Debug, Clone)]
pub struct Point {
    /// The short label below it.
    pub name: String,
    /// Its values as text, first line.
    pub title: String,
    /// Its values as text, second line.
    pub detail: String,
    /// The stacked parts of its bar from the bottom up: CSS class and count.
    pub segments: Vec<(&'static str, i64)>,
    /// The count of the period before, for comparison.
    pub before: i64,
}

/// A chart of stacked bars, each with a line across it for the period before.
#[derive(Debug, Template)]
#[template(path = "ui/figures/chart/bars.html")]
pub struct Bars {
    label: String,
    slots: Vec<Slot>,
    grid: Vec<(String, String, String)>,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Slot {
    x: String,
    width: String,
    bar_x: String,
    bar_width: String,
    bar_end: String,
    label: String,
    title: String,
    detail: String,
    segments: Vec<(&'static str, String, String)>,
    before: Option<String>,
}

#[derive(Debug)]
struct Name {
    x: String,
    text: String,
    sparse: bool,
}

impl askama::filters::HtmlSafe for Bars {}

impl Bars {
    /// Creates a chart of `points`; `n` formats a number.
    pub fn new(label: String, points: &[Point], n: impl Fn(i64) -> String) -> Self {
        let tallest = points
            .iter()
            .map(|point| {
                point.segments.iter().map(|(_, count)| count).sum::<i64>().max(point.before)
            })
            .max()
            .unwrap_or(0)
            .max(1);
        let step = step(tallest);
        let top = (tallest + step - 1) / step * step;
        let y = |count: i64| FLOOR - share(count, top) * (FLOOR - TOP);
        let grid = (0..=top / step).map(|line| {
            let count = line * step;
            let text = if count == 0 { String::new() } else { n(count) };
            (px(y(count)), px(y(count) - 5.0), text)
        });
        Self {
            label,
            slots: slots(points, y),
            grid: grid.collect(),
            names: names(points.iter().map(|point| point.name.as_str())),
        }
    }
}

fn slots(points: &[Point], y: impl Fn(i64) -> f64) -> Vec<Slot> {
    let width = 100.0 / float(points.len().max(1));
    let slot = |(index, point): (usize, &Point)| {
        let x = width * float(index);
        let mut below = 0;
        let segments =
            point.segments.iter().filter(|(_, count)| *count > 0).map(|(class, count)| {
                let (from, to) = (y(below), y(below + count));
                below += count;
                // A single failure among thousands must remain visible.
                let height = (from - to).max(1.0);
                (*class, px(from - height), px(height))
            });
        Slot {
            segments: segments.collect(),
            x: percent(x),
            width: percent(width),
            bar_x: percent(x + width * 0.16),
            bar_width: percent(width * 0.68),
            bar_end: percent(x + width * 0.84),
            label: format!("{} {}", point.title, point.detail),
            title: point.title.clone(),
            detail: point.detail.clone(),
            before: (point.before > 0).then(|| px(y(point.before))),
        }
    };
    points.iter().enumerate().map(slot).collect()
}

/// Returns at most [`MAX_NAMES`] of the labels, evenly spaced.
fn names<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> Vec<Name> {
    let count = all.len();
    let width = 100.0 / float(count.max(1));
    let every = count.div_ceil(MAX_NAMES).max(1);
    all.enumerate()
        .step_by(every)
        .map(|(index, name)| Name {
            x: percent(width * (float(index) + 0.5)),
            text: name.to_owned(),
            sparse: count > 4 && !(index / every).is_multiple_of(3),
        })
        .collect()
}

/// A rate over time as a line, with the period before as a dashed line. Unknown values leave gaps.
#[derive(Debug, Template)]
#[template(path = "ui/figures/chart/rate.html")]
pub struct Rate {
    label: String,
    grid: Vec<(String, String, String)>,
    lines: Vec<String>,
    before: Vec<String>,
    dots: Vec<(String, String)>,
    slots: Vec<(String, String, String)>,
}

impl askama::filters::HtmlSafe for Rate {}

impl Rate {
    /// Creates a chart of `points`: the text of each, its rate and the rate before, in percent.
    pub fn new(label: String, points: &[(String, Option<f64>, Option<f64>)]) -> Self {
        let known = points.iter().flat_map(|(_, now, then)| [*now, *then]).flatten();
        let lowest = known.fold(95.0, f64::min);
        let bottom = if lowest >= 90.0 { 90.0 } else { (lowest / 10.0).floor() * 10.0 };
        let y =
            |rate: f64| LINE_FLOOR - (rate - bottom) / (100.0 - bottom) * (LINE_FLOOR - LINE_TOP);
        let width = 1_000.0 / float(points.len().max(1));
        let x = |index: usize| width * (float(index) + 0.5);
        let middle = f64::midpoint(bottom, 100.0);
        let grid = [bottom, middle, 100.0]
            .map(|rate| (px(y(rate)), px(y(rate) - 5.0), format!("{rate:.0}%")));
        let now: Vec<Option<f64>> = points.iter().map(|(_, now, _)| *now).collect();
        let then: Vec<Option<f64>> = points.iter().map(|(_, _, then)| *then).collect();
        let is_isolated = |index: usize| {
            (index == 0 || now[index - 1].is_none())
                && now.get(index + 1).is_none_or(Option::is_none)
        };
        let dots = now.iter().enumerate().filter(|(index, _)| is_isolated(*index));
        Self {
            label,
            grid: grid.to_vec(),
            lines: lines(&now, x, y),
            before: lines(&then, x, y),
            dots: dots
                .filter_map(|(index, rate)| Some((percent(x(index) / 10.0), px(y((*rate)?)))))
                .collect(),
            slots: points
                .iter()
                .enumerate()
                .map(|(index, (text, _, _))| {
                    (percent(width * float(index) / 10.0), percent(width / 10.0), text.clone())
                })
                .collect(),
        }
    }
}

/// Returns a polyline for each run of at least two known values.
fn lines(values: &[Option<f64>], x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (index, value) in values.iter().enumerate() {
        match (value, lines.last_mut()) {
            (Some(value), Some(line)) => {
                line.push_str(&format!("{:.1},{:.1} ", x(index), y(*value)));
            }
            _ => lines.push(String::new()),
        }
    }
    lines.retain(|line| line.matches(' ').count() > 1);
    lines
}

/// A sparkline: small bars without labels, for the row of a table.
#[derive(Debug, Template)]
#[template(path = "ui/figures/chart/spark.html")]
pub struct Spark {
    label: String,
    bars: Vec<(String, String, String, String)>,
}

impl askama::filters::HtmlSafe for Spark {}

impl Spark {
    /// Creates a sparkline with a bar for each count.
    pub fn new(label: String, counts: &[i64]) -> Self {
        let max = counts.iter().copied().max().unwrap_or(0).max(1);
        let width = 100.0 / float(counts.len().max(1));
        let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let bars = bars.map(|(index, count)| {
            let height = (share(*count, max) * 24.0).max(1.5);
            let x = width * float(index);
            (percent(x), percent(width * 0.75), px(24.0 - height), px(height))
        });
        Self { label, bars: bars.collect() }
    }
}

/// Returns a round step that divides `tallest` into two to five parts.
fn step(tallest: i64) -> i64 {
    let mut step = 1;
    while tallest > step * 5 {
        let next = step.to_string().starts_with('2');
        step = if next { step / 2 * 5 } else { step * 2 };
    }
    step
}

#[allow(clippy::cast_precision_loss)]
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[allow(clippy::cast_precision_loss)]
fn float(n: usize) -> f64 {
    n as f64
}

fn px(n: f64) -> String {
    format!("{n:.1}")
}

fn percent(n: f64) -> String {
    format!("{n:.2}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_few_lines_at_round_numbers() {
        let steps: Vec<i64> = [1, 5, 6, 10, 11, 26, 999, 1_333_489].map(step).to_vec();
        assert_eq!(steps, [1, 1, 2, 2, 5, 10, 200, 500_000]);
    }

    #[test]
    fn unknown_values_leave_gaps_in_the_line() {
        let values = [Some(90.0), Some(91.0), None, Some(92.0), Some(93.0), Some(94.0)];
        let drawn = lines(&values, float, |rate| rate);
        assert_eq!(drawn, ["0.0,90.0 1.0,91.0 ", "3.0,92.0 4.0,93.0 5.0,94.0 "]);
    }

    #[test]
    fn one_failure_among_a_million_is_one_pixel_high() {
        let point = Point {
            name: String::new(),
            title: String::new(),
            detail: String::new(),
            segments: vec![("delivered", 999_999), ("failed", 1), ("unknown", 0)],
            before: 0,
        };
        let bars = Bars::new(String::new(), &[point], |n| n.to_string());
        assert_eq!(bars.slots[0].segments.len(), 2);
        assert_eq!(bars.slots[0].segments[1].2, "1.0");
        assert!(bars.slots[0].before.is_none());
    }
}
