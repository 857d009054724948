//! The parts of a live page. Elements of its template that have `data-part` are compared between two
//! renderings, and only those whose content changed are pushed.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::json;

use crate::web::http::csrf::without_tokens;

/// The most bytes of content in an event. A longer part is pushed in runs of its child elements.
const MAX_CONTENT: usize = 1_600;
/// Content of more bytes than this is not pushed to a page that was just rendered with it.
const LARGE: usize = 300;
/// The attribute that names a part.
const NAME: &str = " data-part=\"";

/// A part of a rendered page: the content of an element, without that of the parts inside of it.
#[derive(Debug, Clone)]
struct Part<'a> {
    name: &'a str,
    /// The part that contains it.
    outer: Option<&'a str>,
    html: String,
}

impl Hash for Part<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.name, self.outer, Html(&self.html)).hash(state);
    }
}

/// HTML that counts as the same if nothing but the masks of its tokens differ.
struct Html<'a>(&'a str);

impl Hash for Html<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        without_tokens(self.0).for_each(|piece| piece.hash(state));
    }
}

/// The parts of a rendered page, each before those inside of it.
#[derive(Debug, Clone)]
pub struct Parts<'a>(Vec<Part<'a>>);

impl<'a> Parts<'a> {
    /// Returns the parts of `html`, in which every element is closed.
    pub fn of(html: &'a str) -> Self {
        let mut parts: Vec<Part<'a>> = Vec::new();
        // The parts around the present position, each with the depth of its element.
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut depth = 0;
        let mut rest = html;
        while let Some((text, tag, after)) = next_tag(rest) {
            rest = after;
            append(&mut parts, &open, text);
            if tag.starts_with("</") {
                depth -= 1;
                if open.last().is_some_and(|(_, of)| *of == depth) {
                    open.pop();
                }
            }
            append(&mut parts, &open, tag);
            if opens(tag) {
                if let Some(name) = name_of(tag) {
                    let outer = open.last().map(|(part, _)| parts[*part].name);
                    open.push((parts.len(), depth));
                    parts.push(Part { name, outer, html: String::new() });
                }
                depth += 1;
            }
        }
        Self(parts)
    }

    /// Returns which large parts a page shows that has this rendering, for [`Shown::by_page`].
    pub fn digests(&self) -> String {
        let digests = self.large().into_iter().map(|parts| format!("{:016x}", hash(parts)));
        digests.collect::<Vec<_>>().join("-")
    }

    /// Returns the large parts that are inside of no other, and all parts inside of one together.
    fn large(&self) -> Vec<Vec<&Part<'a>>> {
        let mut inside: BTreeMap<&str, Vec<&Part<'a>>> = BTreeMap::new();
        let mut groups = Vec::new();
        for part in &self.0 {
            match part.outer {
                Some(outer) => inside.entry(outer).or_default().push(part),
                None => groups.push(vec![part]),
            }
        }
        groups.extend(inside.into_values());
        groups.retain(|parts| parts.iter().map(|part| part.html.len()).sum::<usize>() > LARGE);
        groups
    }
}

/// What an open page shows: the hashes of each part's pieces.
#[derive(Debug, Default)]
pub struct Shown(HashMap<u64, Vec<u64>>);

impl Shown {
    /// Returns what a page shows that was rendered with these [`digests`](Parts::digests), as far as
    /// the present rendering has the same.
    pub fn by_page(digests: &str, present: &Parts<'_>) -> Self {
        let seen: Vec<u64> =
            digests.split('-').filter_map(|hex| u64::from_str_radix(hex, 16).ok()).collect();
        let large = present.large().into_iter();
        let same = large.filter(|parts| seen.contains(&hash(parts))).flatten();
        Self(same.map(|part| (hash(part.name), hashes(&pieces(&part.html)))).collect())
    }

    /// Makes the page show `parts`. Returns the events that do so.
    pub fn update(&mut self, parts: &Parts<'_>) -> String {
        let mut shown = HashMap::with_capacity(parts.0.len());
        let mut changes: Vec<Change<'_>> = Vec::new();
        // Parts whose element is drawn anew, so that what is inside of it has to follow.
        let mut redrawn: Vec<&str> = Vec::new();
        for part in &parts.0 {
            let pieces = pieces(&part.html);
            let (key, now) = (hash(part.name), hashes(&pieces));
            let inside = part.outer.is_some_and(|outer| redrawn.contains(&outer));
            let before = self.0.get(&key).filter(|_| !inside);
            if before != Some(&now) {
                let kept = before.map_or(0, |before| common(before, &now));
                if before.is_some_and(|before| kept < before.len()) || inside {
                    redrawn.push(part.name);
                }
                add(&mut changes, part, &pieces, kept);
            }
            shown.insert(key, now);
        }
        self.0 = shown;
        changes.iter().map(Change::event).collect()
    }
}

/// The new content of parts.
struct Change<'a> {
    names: Vec<&'a str>,
    outer: Option<&'a str>,
    /// The child element with which the content begins; those before it stay.
    from: usize,
    /// Whether child elements after the content stay.
    more: bool,
    html: String,
}

impl Change<'_> {
    fn event(&self) -> String {
        let Self { names, from, more, html, .. } = self;
        let head = json!({ "parts": names.join(" "), "from": from, "more": more });
        // A carriage return ends a line of a stream as well (HTML Standard, 9.2.5).
        let lines = html.trim().lines().flat_map(|line| line.split('\r'));
        let lines: String = lines.map(|line| format!("data: {line}\n")).collect();
        format!("event: live\ndata: {head}\n{lines}\n")
    }
}

/// Adds the change of a part whose first `kept` pieces stay. Parts of the same outer part that have
/// the same content share an event.
fn add<'a>(changes: &mut Vec<Change<'a>>, part: &Part<'a>, pieces: &[&str], kept: usize) {
    let (outer, names) = (part.outer, vec![part.name]);
    if pieces.len() < 2 {
        let same = changes.iter_mut().find(|change| {
            outer.is_some() && change.outer == outer && change.from == 0 && change.html == part.html
        });
        match same {
            Some(change) => change.names.push(part.name),
            None => {
                let html = part.html.clone();
                changes.push(Change { names, outer, from: 0, more: false, html });
            }
        }
        return;
    }
    let mut from = kept;
    loop {
        let mut html = String::new();
        let mut to = from;
        while let Some(piece) = pieces.get(to)
            && (to == from || html.len() + piece.len() <= MAX_CONTENT)
        {
            html.push_str(piece);
            to += 1;
        }
        let more = to < pieces.len();
        changes.push(Change { names: names.clone(), outer, from, more, html });
        from = to;
        if !more {
            return;
        }
    }
}

/// Returns the child elements of a long part that consists of nothing else, or all of it as one.
fn pieces(html: &str) -> Vec<&str> {
    if html.len() <= MAX_CONTENT {
        return vec![html];
    }
    let mut pieces = Vec::new();
    let (mut depth, mut start, mut rest) = (0_usize, 0, html);
    while let Some((text, tag, after)) = next_tag(rest) {
        if depth == 0 && !text.trim().is_empty() {
            return vec![html];
        }
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if opens(tag) {
            depth += 1;
        }
        rest = after;
        if depth == 0 {
            let end = html.len() - rest.len();
            pieces.push(html[start..end].trim_start());
            start = end;
        }
    }
    if rest.trim().is_empty() { pieces } else { vec![html] }
}

/// Returns the text before the next tag, the tag, and what follows. Attributes contain no `>`.
fn next_tag(html: &str) -> Option<(&str, &str, &str)> {
    let start = html.find('<')?;
    let end = start + html[start..].find('>')? + 1;
    Some((&html[..start], &html[start..end], &html[end..]))
}

/// Whether a tag opens an element that has a closing tag.
fn opens(tag: &str) -> bool {
    let name = tag[1..].split([' ', '>', '/']).next().unwrap_or_default();
    let is_void = matches!(name, "input" | "br" | "hr" | "img" | "meta" | "link" | "wbr");
    !tag.starts_with("</") && !tag.starts_with("<!") && !tag.ends_with("/>") && !is_void
}

fn name_of(tag: &str) -> Option<&str> {
    let (_, after) = tag.split_once(NAME)?;
    after.split('"').next()
}

fn append(parts: &mut [Part<'_>], open: &[(usize, usize)], html: &str) {
    if let Some((part, _)) = open.last() {
        parts[*part].html.push_str(html);
    }
}

fn common(before: &[u64], now: &[u64]) -> usize {
    before.iter().zip(now).take_while(|(before, now)| before == now).count()
}

fn hashes(pieces: &[&str]) -> Vec<u64> {
    pieces.iter().map(|piece| hash(Html(piece))).collect()
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(shown: &mut Shown, html: &str) -> Vec<String> {
        let events = shown.update(&Parts::of(html));
        events.split_terminator("\n\n").map(str::to_owned).collect()
    }

    #[test]
    fn only_the_parts_whose_content_changed_are_pushed() {
        let page = |n| {
            format!(
                "<p>x</p><dl data-part=\"figures\"><dt>A<br></dt><dd data-part=\"a\">{n}<i>/9</i></dd>\
                 <dd data-part=\"b\"><input name=\"x\">2</dd></dl>"
            )
        };
        let mut shown = Shown::default();
        assert_eq!(events(&mut shown, &page(1)).len(), 3);
        assert_eq!(events(&mut shown, &page(1)), Vec::<String>::new());
        let head = "{\"parts\":\"a\",\"from\":0,\"more\":false}";
        let event = format!("event: live\ndata: {head}\ndata: 3<i>/9</i>");
        assert_eq!(events(&mut shown, &page(3)), [event]);
    }

    #[test]
    fn what_is_inside_of_a_part_that_changed_follows_it() {
        let mut shown = Shown::default();
        events(&mut shown, "<p data-part=\"a\">1<i data-part=\"b\">2</i></p>");
        let changed = events(&mut shown, "<p data-part=\"a\">3<i data-part=\"b\">2</i></p>");
        assert!(
            changed[0].contains("\"a\"") && changed[0].ends_with("data: 3<i data-part=\"b\"></i>")
        );
        assert!(changed[1].contains("\"b\"") && changed[1].ends_with("data: 2"), "{changed:?}");
    }

    #[test]
    fn cells_with_the_same_content_share_an_event() {
        let row = |n, state| format!("<tr><td data-part=\"{n}.1\">{state}</td></tr>");
        let table = |state| {
            let rows: String = (0..100).map(|n| row(n, state)).collect();
            format!("<table><tbody data-part=\"rows\">{rows}</tbody></table>")
        };
        let mut shown = Shown::default();
        events(&mut shown, &table("Queued"));
        let changed = events(&mut shown, &table("<b>Sent</b>"));
        assert_eq!(changed.len(), 1);
        assert!(changed[0].contains("0.1 1.1 2.1") && changed[0].len() < 700, "{}", changed[0]);
    }

    #[test]
    fn a_long_list_that_grows_is_continued_in_short_events() {
        let list = |n: usize| {
            let items: String = (0..n).map(|n| format!("<li>{n:0100}</li>\n")).collect();
            format!("<ul data-part=\"list\">\n{items}</ul>")
        };
        let mut shown = Shown::default();
        let first = events(&mut shown, &list(40));
        assert!(first.len() > 2 && first.iter().all(|event| event.len() <= 2_048));
        assert!(first[0].contains("\"from\":0,\"more\":true"), "{}", first[0]);
        let grown = events(&mut shown, &list(41));
        assert_eq!(grown.len(), 1);
        assert!(grown[0].contains("\"from\":40,\"more\":false"), "{}", grown[0]);
        let shrunk = events(&mut shown, &list(20));
        assert_eq!(shrunk, ["event: live\ndata: {\"parts\":\"list\",\"from\":20,\"more\":false}"]);
    }

    #[test]
    fn a_page_is_not_sent_the_large_parts_that_it_was_rendered_with() {
        let page = format!("<p data-part=\"a\">{:0400}</p><p data-part=\"b\">1</p>", 7);
        let parts = Parts::of(&page);
        let update = Shown::by_page(&parts.digests(), &parts).update(&parts);
        assert!(update.contains("\"b\"") && update.len() < 100, "{update}");
    }
}
