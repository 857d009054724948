//! Waiting for what happens in the background.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The longest that a test waits for anything, however busy the machine is.
pub const MAX_WAIT: Duration = Duration::from_secs(120);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(40);

/// Calls `attempt` until it returns a value, or returns `None` after [`MAX_WAIT`].
pub async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + MAX_WAIT;
    loop {
        let value = attempt().await;
        if value.is_some() || Instant::now() > deadline {
            return value;
        }
        sleep(PAUSE).await;
    }
}

/// Waits until `condition` holds. Panics with `what` if it does not within [`MAX_WAIT`].
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let reached = eventually(async || condition().await.then_some(())).await;
    assert!(reached.is_some(), "timed out waiting until {what}");
}
