//! What the fuzz targets do with their inputs: the console's parsers of what strangers, uploaders and
//! the vendor send, and what has to hold of whatever they return. `tests/security/corpus.rs` includes
//! this file and does the same with every input of the corpus.

mod answers;
mod files;
mod requests;
mod texts;

pub use answers::answer;
pub use files::{number_format, text_file, upload, xls, xlsx, xlsx_parts};
pub use requests::{client, device, forms, push};
pub use texts::{fields, phones, prices, reply, template};

/// A target: it is handed any bytes, and panics if something is wrong.
pub type Target = fn(&[u8]);

/// All targets by the names of their programs and corpora.
pub const TARGETS: [(&str, Target); 16] = [
    ("answer", answer),
    ("client", client),
    ("device", device),
    ("fields", fields),
    ("forms", forms),
    ("number_format", number_format),
    ("phones", phones),
    ("prices", prices),
    ("push", push),
    ("reply", reply),
    ("template", template),
    ("text_file", text_file),
    ("upload", upload),
    ("xls", xls),
    ("xlsx", xlsx),
    ("xlsx_parts", xlsx_parts),
];
