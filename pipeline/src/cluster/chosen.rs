//! The worker that looks after a video: all workers choose the same one without asking each other.

use plan::VideoId;
use store::work::{Worker, WorkerId};

/// Chooses the worker by rendezvous hashing: when a worker comes or goes, the others keep their videos.
pub(crate) fn looks_after(video: VideoId, workers: &[Worker]) -> Option<WorkerId> {
    let rank = |id: &WorkerId| {
        let mut hash = blake3::Hasher::new();
        hash.update(video.to_string().as_bytes());
        hash.update(id.0.as_bytes());
        *hash.finalize().as_bytes()
    };
    let able = workers.iter().filter(|worker| !worker.drains);
    able.map(|worker| worker.id).max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn worker(n: u128) -> Worker {
        Worker {
            id: WorkerId(Uuid::from_u128(n)),
            cores: 2,
            memory_bytes: 0,
            warm: Vec::new(),
            declines: Vec::new(),
            drains: false,
        }
    }

    #[test]
    fn a_worker_that_leaves_takes_nothing_from_the_others() {
        let workers: Vec<_> = (0..5).map(worker).collect();
        let videos: Vec<_> = (0..500).map(|_| VideoId::new()).collect();
        let mut shares = [0; 5];
        for &video in &videos {
            let all = looks_after(video, &workers).unwrap();
            shares[all.0.as_u128() as usize] += 1;
            let mut left = workers.clone();
            left[2].drains = true;
            let after = looks_after(video, &left).unwrap();
            assert!(after == all || all == workers[2].id);
            assert_ne!(after, workers[2].id);
        }
        assert!(shares.iter().all(|share| *share > 50), "{shares:?}");
        assert_eq!(looks_after(videos[0], &[]), None);
    }
}
