//! Prefixes of subjects.

use std::sync::OnceLock;

use store::cluster::nats::Nats;

pub fn nats_server() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| super::server("nats", "REELMILL_TEST_NATS"))
}

/// A prefix of its own for every test; its stream is gone with this.
pub struct Installation(pub Nats);

impl Installation {
    pub fn new() -> Self {
        let mut settings = Nats::new(vec![nats_server().to_owned()]);
        settings.prefix = format!("test-{}", uuid::Uuid::now_v7());
        Self(settings)
    }

    pub fn stream(&self) -> String {
        format!("{}-chunks", self.0.prefix)
    }
}

pub async fn jetstream() -> async_nats::jetstream::Context {
    async_nats::jetstream::new(async_nats::connect(nats_server()).await.unwrap())
}

/// A server that keeps what every test leaves behind runs out of memory.
impl Drop for Installation {
    fn drop(&mut self) {
        let stream = self.stream();
        let forget = async move {
            // Not there where a test has made none.
            let _ = jetstream().await.delete_stream(stream).await;
        };
        super::at_end(forget);
    }
}
