//! Chunks between processes.

use super::*;

/// A worker that is not heard of for so long is dead, whatever else the machine does.
const SILENCE: Duration = Duration::from_secs(3);

/// What the server still believes to be waited for goes back at once, to somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_no_longer_waits_swallows_nothing() {
    let installation = Installation::new();
    let (idle, other) = (installation.process().await, installation.process().await);
    for index in 0..5 {
        for _ in 0..3 {
            let waited = timeout(Duration::from_millis(10), idle.work.take()).await;
            assert!(waited.is_err());
        }
        other.offer(&chunk(index)).await;
        let taken = timeout(PATIENCE, other.work.take()).await;
        let taken = taken.expect("it is not swallowed").unwrap();
        assert_eq!(taken.chunk(), &chunk(index));
        taken.ack();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_stays_in_hand_as_long_as_its_worker_lives() {
    let mut installation = Installation::new();
    installation.0.silence = SILENCE;
    let (one, other) = (installation.process().await, installation.process().await);
    one.offer(&chunk(1)).await;
    let in_hand = one.take().await;
    let nothing = timeout(SILENCE * 2, other.work.take()).await;
    assert!(nothing.is_err(), "it is given to two");
    in_hand.ack();
    other.offer(&chunk(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_whose_worker_died_without_a_word_comes_again() {
    let mut installation = Installation::new();
    installation.0.silence = SILENCE;
    let proxy = proxy().await;
    let dead = installation.process_behind(&proxy).await;
    let living = installation.process().await;
    living.offer(&chunk(1)).await;
    let paused = dead.take().await;
    proxy.shut();
    let in_hand = living.take().await;
    assert_eq!(in_hand.chunk(), &chunk(1));

    // It only seemed dead, and says now that it is done. Nobody minds, whatever has become of the
    // chunk meanwhile.
    in_hand.ack();
    living.offer(&chunk(1)).await;
    proxy.open();
    paused.ack();
    dead.offer(&chunk(2)).await;
    for index in [1, 2] {
        let in_hand = dead.take().await;
        assert_eq!(in_hand.chunk(), &chunk(index));
        in_hand.ack();
    }
}
