//! Logs and metrics.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The default filter: everything of the console from `info` up, and warnings of all crates.
const DEFAULT_FILTER: &str = "warn,usms_console=info";
/// The default filter of a demo in a terminal. Warnings of operations are left out: its sample data
/// causes submissions in doubt and unreadable pushes on purpose, and the pages show them.
const DEMO_FILTER: &str = "warn,usms_console::ops=error";

/// Starts logging to standard error: as lines of text in a terminal, otherwise as JSON. `RUST_LOG`
/// overrides the default filter.
pub fn start_logs(demo: bool) {
    let terminal = std::io::stderr().is_terminal();
    let default = if demo && terminal { DEMO_FILTER } else { DEFAULT_FILTER };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let logs = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = if terminal {
        logs.with(layer.compact().with_target(false)).try_init()
    } else {
        logs.with(layer.json()).try_init()
    };
    // In tests it is called again in the same process: the first subscriber stays.
    drop(started);
}

/// Installs the recorder of the metrics that `/metrics` shows.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new().install_recorder()
}
