//! Small parts of many pages: icons, copy buttons, states.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use crate::domain::review::ReviewStatus;
use crate::domain::sending::batch::BatchState;
use crate::domain::sending::message::MessageState;
use crate::web::http::assets;
use crate::web::http::i18n::Texts;

/// A drawing from `icons.svg`, hidden from screen readers.
#[derive(Debug, Clone)]
pub struct Drawing {
    class: &'static str,
    name: Cow<'static, str>,
}

impl Drawing {
    /// Creates the icon of a control.
    pub fn icon(name: impl Into<Cow<'static, str>>) -> Self {
        Self { class: "icon", name: name.into() }
    }

    /// Creates the shape of a state.
    pub fn mark(name: impl Into<Cow<'static, str>>) -> Self {
        Self { class: "mark", name: name.into() }
    }

    /// Creates one half of the logo.
    pub fn bracket(name: impl Into<Cow<'static, str>>) -> Self {
        Self { class: "bracket", name: name.into() }
    }
}

static ICONS: LazyLock<String> = LazyLock::new(|| assets::href("icons.svg"));

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, name } = self;
        let parts = [
            "<svg class=\"",
            class,
            "\" aria-hidden=\"true\"><use href=\"",
            &ICONS,
            "#",
            name,
            "\"/></svg>",
        ];
        parts.into_iter().try_for_each(|part| f.write_str(part))
    }
}

impl askama::filters::HtmlSafe for Drawing {}

/// A button that copies a value. It is hidden until a script shows it and fills it from the page's
/// `#copy`. In long lists the script adds the buttons itself, at the end of each element with
/// `data-copies`, for the text of that element.
#[derive(Debug, Clone)]
pub struct Copy {
    value: String,
}

impl Copy {
    /// Creates a button that copies `value`.
    pub fn new(value: impl fmt::Display) -> Self {
        Self { value: value.to_string() }
    }
}

impl fmt::Display for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = escaped(&self.value);
        write!(f, "<button class=\"plain\" type=\"button\" data-copy=\"{value}\" hidden></button>")
    }
}

impl askama::filters::HtmlSafe for Copy {}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Cow::Owned(escaped.replace('"', "&quot;"))
}

/// How much attention a state asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// None.
    Quiet,
    /// None yet: it is in progress.
    Going,
    /// None: it went well.
    Good,
    /// A person should look.
    Doubtful,
    /// Something failed.
    Bad,
}

impl Tone {
    /// Returns its CSS class.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Quiet => "",
            Self::Going => "going",
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
        }
    }
}

/// A state that pages show by a label, a colour and a shape.
pub trait Shown {
    /// Returns how much attention it asks for.
    fn tone(&self) -> Tone;
    /// Returns its shape in `icons.svg`.
    fn mark(&self) -> &'static str;
    /// Returns the text key of its label.
    fn word(&self) -> String;
}

/// A state as it is rendered.
#[derive(Debug, Clone)]
pub struct Status {
    tone: Tone,
    mark: &'static str,
    label: String,
}

impl Status {
    /// Creates the label and shape of `state`.
    pub fn new(state: &impl Shown, texts: Texts) -> Self {
        Self { tone: state.tone(), mark: state.mark(), label: texts.t(&state.word()) }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<span class=\"status ")?;
        f.write_str(self.tone.class())?;
        f.write_str("\">")?;
        Drawing::mark(self.mark).fmt(f)?;
        f.write_str(&escaped(&self.label))?;
        f.write_str("</span>")
    }
}

impl askama::filters::HtmlSafe for Status {}

impl Shown for MessageState {
    fn tone(&self) -> Tone {
        match self {
            Self::Queued | Self::Cancelled | Self::Suppressed => Tone::Quiet,
            Self::Submitted => Tone::Going,
            Self::Delivered => Tone::Good,
            Self::InDoubt | Self::Unknown => Tone::Doubtful,
            Self::Failed | Self::Refused => Tone::Bad,
        }
    }

    fn mark(&self) -> &'static str {
        match self {
            Self::Queued => "mark-waiting",
            Self::Submitted => "mark-submitted",
            Self::InDoubt => "mark-doubt",
            Self::Delivered => "mark-good",
            Self::Failed => "mark-bad",
            Self::Unknown => "mark-unknown",
            Self::Refused => "mark-refused",
            Self::Cancelled | Self::Suppressed => "mark-stopped",
        }
    }

    fn word(&self) -> String {
        format!("message-state-{}", self.key())
    }
}

impl Shown for BatchState {
    fn tone(&self) -> Tone {
        match self {
            Self::Draft | Self::Scheduled | Self::Cancelled => Tone::Quiet,
            Self::Sending => Tone::Going,
            Self::AwaitingApproval | Self::Paused => Tone::Doubtful,
            Self::Done => Tone::Good,
        }
    }

    fn mark(&self) -> &'static str {
        match self {
            Self::Draft | Self::Scheduled => "mark-waiting",
            Self::AwaitingApproval | Self::Paused => "mark-paused",
            Self::Sending => "mark-underway",
            Self::Done => "mark-good",
            Self::Cancelled => "mark-stopped",
        }
    }

    fn word(&self) -> String {
        format!("batch-state-{}", self.key())
    }
}

impl Shown for ReviewStatus {
    fn tone(&self) -> Tone {
        match self {
            Self::Waiting | Self::Disabled => Tone::Quiet,
            Self::InReview => Tone::Going,
            Self::Approved => Tone::Good,
            Self::Rejected => Tone::Bad,
        }
    }

    fn mark(&self) -> &'static str {
        match self {
            Self::Waiting => "mark-waiting",
            Self::InReview => "mark-underway",
            Self::Approved => "mark-good",
            Self::Rejected => "mark-bad",
            Self::Disabled => "mark-stopped",
        }
    }

    fn word(&self) -> String {
        format!("review-status-{}", self.key())
    }
}
