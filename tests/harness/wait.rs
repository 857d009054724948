//! Waiting for what comes by itself.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What a test waits for never takes so long, however busy the machine is.
pub const MAX_WAIT: Duration = Duration::from_secs(120);
/// It is asked for again after this.
const BETWEEN: Duration = Duration::from_millis(40);

/// Asks again and again until there is an answer; `None` when there never is.
pub async fn waited<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + MAX_WAIT;
    loop {
        let answer = ask().await;
        if answer.is_some() || Instant::now() > until {
            return answer;
        }
        sleep(BETWEEN).await;
    }
}

/// Waits until it is so. Panics with `what` when it never is.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    assert!(waited(async || is_so().await.then_some(())).await.is_some(), "never: {what}");
}
