//! A clock that runs faster than on the wall and that may leap, like that of a machine that was asleep.

use std::time::Duration;

use async_trait::async_trait;
use store::{Clock, Moment, SystemClock};
use tokio::sync::watch;

#[derive(Debug)]
pub struct FastClock {
    wall: SystemClock,
    speed: u32,
    start_us: i64,
    /// Sum of all leaps.
    leapt: watch::Sender<Duration>,
}

impl FastClock {
    pub fn new(speed: u32) -> Self {
        let wall = SystemClock::new();
        let start_us = wall.now_us();
        Self {
            wall,
            speed,
            start_us,
            leapt: watch::Sender::new(Duration::ZERO),
        }
    }

    /// Moves the time forward by this span at once, for everybody.
    pub fn leap(&self, span: Duration) {
        self.leapt.send_modify(|leapt| *leapt += span);
    }

    pub fn has_leapt(&self) -> bool {
        !self.leapt.borrow().is_zero()
    }

    fn elapsed(&self) -> Duration {
        let leapt = *self.leapt.borrow();
        self.wall.now().since(Moment::default()) * self.speed + leapt
    }
}

#[async_trait]
impl Clock for FastClock {
    fn now_us(&self) -> i64 {
        self.start_us + i64::try_from(self.elapsed().as_micros()).unwrap()
    }

    fn now(&self) -> Moment {
        Moment::default() + self.elapsed()
    }

    async fn sleep_until(&self, deadline: Moment) {
        let mut leaps = self.leapt.subscribe();
        loop {
            let leapt = *leaps.borrow_and_update();
            let until = deadline.since(Moment::default() + leapt) / self.speed;
            tokio::select! {
                () = self.wall.sleep_until(Moment::default() + until) => return,
                // An error is impossible: this clock owns the sender.
                _ = leaps.changed() => {}
            }
        }
    }
}
