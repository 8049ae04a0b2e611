//! Time that runs faster.

use std::time::Duration;

use async_trait::async_trait;
use store::{Clock, Moment, SystemClock};

#[derive(Debug)]
pub struct FastClock {
    wall: SystemClock,
    speed: u32,
    start_us: i64,
}

impl FastClock {
    pub fn new(speed: u32) -> Self {
        let wall = SystemClock::new();
        let start_us = wall.now_us();
        Self {
            wall,
            speed,
            start_us,
        }
    }

    fn elapsed(&self) -> Duration {
        self.wall.now().since(Moment::default()) * self.speed
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
        let until = deadline.since(Moment::default()) / self.speed;
        self.wall.sleep_until(Moment::default() + until).await;
    }
}
