//! Prefixes of subjects for tests.

use std::sync::OnceLock;

use store::cluster::nats::Nats;

pub fn nats_server() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| super::server("nats", "REELMILL_TEST_NATS"))
}

/// Settings with a separate prefix for one test. Its stream is deleted at the end of the test.
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

/// Deletes the stream, since a server that keeps the streams of all tests runs out of memory.
impl Drop for Installation {
    fn drop(&mut self) {
        let stream = self.stream();
        let forget = async move {
            // The stream does not exist if the test has created none.
            let _ = jetstream().await.delete_stream(stream).await;
        };
        super::at_end(forget);
    }
}
