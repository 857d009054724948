//! Logs and metrics.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged unless `RUST_LOG` says otherwise: the console's own news and everybody's warnings.
const NEWS: &str = "warn,usms_console=info";
/// Somebody who tries the demo reads what asks for attention. Doubts and rubbish do not: its sample
/// data has them on purpose, and they are on its pages.
const WATCHED_DEMO: &str = "warn,usms_console::ops=error";

/// Writes logs to the standard error: as lines for a person at a terminal, else as JSON. What is
/// logged is chosen by `RUST_LOG`.
pub fn start_logs(demo: bool) {
    let watched = std::io::stderr().is_terminal();
    let usual = if demo && watched { WATCHED_DEMO } else { NEWS };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let logs = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = if watched {
        logs.with(layer.compact().with_target(false)).try_init()
    } else {
        logs.with(layer.json()).try_init()
    };
    // A second start in one process (tests) keeps the first.
    drop(started);
}

/// Collects metrics for `/metrics`.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new().install_recorder()
}
