//! Tests of chunks between processes.

use super::*;

/// Time after which a silent worker counts as dead, long enough for a busy test machine.
const SILENCE: Duration = Duration::from_secs(3);

/// The server may send a chunk for a caller that no longer waits. Such a chunk goes back at once, to another caller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_no_longer_waits_loses_no_chunk() {
    let installation = Installation::new();
    let (idle, other) = (installation.process().await, installation.process().await);
    for index in 0..5 {
        for _ in 0..3 {
            let waited = timeout(Duration::from_millis(10), idle.work.take()).await;
            assert!(waited.is_err());
        }
        other.offer(&chunk(index)).await;
        let taken = timeout(PATIENCE, other.work.take()).await;
        let taken = taken.expect("the chunk was lost").unwrap();
        assert_eq!(taken.chunk(), &chunk(index));
        taken.ack();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_stays_taken_as_long_as_its_worker_lives() {
    let mut installation = Installation::new();
    installation.0.silence = SILENCE;
    let (one, other) = (installation.process().await, installation.process().await);
    one.offer(&chunk(1)).await;
    let in_hand = one.take().await;
    let nothing = timeout(SILENCE * 2, other.work.take()).await;
    assert!(nothing.is_err(), "the chunk was given to two workers");
    in_hand.ack();
    other.offer(&chunk(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_of_a_worker_that_died_silently_is_handed_out_again() {
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

    // The worker only seemed dead and now settles its chunk. This is harmless, whatever has become of the chunk.
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
