//! Load on pages: at a fixed rate, without waiting for responses, or at the highest possible rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::RequestBuilder;
use tokio::task::JoinSet;

/// Response times, sorted.
#[derive(Debug, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Creates a set of times in any order.
    pub fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// Returns a percentile in milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    }
}

/// Sends a request `per_second` times a second for `duration`, and returns the times until the
/// response's headers arrived, which come with its first bytes.
pub async fn at_fixed_rate(
    request: &RequestBuilder,
    per_second: u32,
    duration: Duration,
) -> anyhow::Result<Times> {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / per_second);
    let mut requests = JoinSet::new();
    for _ in 0..(duration.as_secs() * u64::from(per_second)) {
        tick.tick().await;
        let request = request.try_clone().context("a request that can be made once only")?;
        requests.spawn(async move {
            let started = Instant::now();
            let response = request.send().await?;
            let time = started.elapsed();
            ensure!(response.status().is_success(), "{}: {}", response.status(), response.url());
            response.bytes().await?;
            anyhow::Ok(time)
        });
    }
    let times: Result<Vec<Duration>, _> = requests.join_all().await.into_iter().collect();
    Ok(Times::new(times?))
}

/// Sends a request over `connections` connections for `duration`, each again as soon as it has the
/// response. Returns the number of requests per second.
#[allow(clippy::cast_precision_loss)]
pub async fn at_full_rate(
    request: &RequestBuilder,
    connections: usize,
    duration: Duration,
) -> anyhow::Result<f64> {
    let completed = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let request = request.try_clone().context("a request that can be made once only")?;
        let completed = completed.clone();
        workers.spawn(async move {
            while started.elapsed() < duration {
                let request = request.try_clone().context("it was cloned before")?;
                let response = request.send().await?;
                ensure!(
                    response.status().is_success(),
                    "{}: {}",
                    response.status(),
                    response.url()
                );
                response.bytes().await?;
                completed.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    for result in workers.join_all().await {
        result?;
    }
    Ok(completed.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64())
}
