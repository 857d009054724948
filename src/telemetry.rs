//! Logs and metrics.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Writes logs to the standard error: as lines for a person at a terminal, else as JSON. What is
/// logged is chosen by `RUST_LOG`; by default the console's own news and everybody's warnings.
pub fn start_logs() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,usms_console=info"));
    let logs = tracing_subscriber::registry().with(filter);
    let written = std::io::stderr;
    let started = if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        logs.with(tracing_subscriber::fmt::layer().with_writer(written)).try_init()
    } else {
        logs.with(tracing_subscriber::fmt::layer().json().with_writer(written)).try_init()
    };
    // A second start in one process (tests) keeps the first.
    drop(started);
}

/// Collects metrics for `/metrics`.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new().install_recorder()
}
