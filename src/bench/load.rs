//! Load on pages: at a pace, whether the last answer is there or not; or as much as goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::RequestBuilder;
use tokio::task::JoinSet;

/// How long answers took.
#[derive(Debug, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Times in whatever order they were taken.
    pub fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The time in milliseconds below which so many of a hundred lie.
    pub fn percentile(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    }
}

/// Asks `a_second` times a second for so long. Time runs until the answer's head is there, which
/// comes with its first bytes.
pub async fn at_a_pace(
    request: &RequestBuilder,
    a_second: u32,
    how_long: Duration,
) -> anyhow::Result<Times> {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / a_second);
    let mut under_way = JoinSet::new();
    for _ in 0..(how_long.as_secs() * u64::from(a_second)) {
        tick.tick().await;
        let request = request.try_clone().context("a request that can be made once only")?;
        under_way.spawn(async move {
            let began = Instant::now();
            let answer = request.send().await?;
            let took = began.elapsed();
            ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.url());
            answer.bytes().await?;
            anyhow::Ok(took)
        });
    }
    let took: Result<Vec<Duration>, _> = under_way.join_all().await.into_iter().collect();
    Ok(Times::new(took?))
}

/// Asks over so many connections, each again as soon as its answer is there. Answers requests a
/// second.
#[allow(clippy::cast_precision_loss)]
pub async fn as_much_as_goes(
    request: &RequestBuilder,
    connections: usize,
    how_long: Duration,
) -> anyhow::Result<f64> {
    let answered = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    for _ in 0..connections {
        let request = request.try_clone().context("a request that can be made once only")?;
        let answered = answered.clone();
        under_way.spawn(async move {
            while began.elapsed() < how_long {
                let request = request.try_clone().context("it was cloned before")?;
                let answer = request.send().await?;
                ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.url());
                answer.bytes().await?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    for one in under_way.join_all().await {
        one?;
    }
    Ok(answered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}
