//! HTTP request that tells a CDN to drop a deleted video, as the section `[purge]` of the settings describes it.

use async_trait::async_trait;
use pipeline::Purge;
use plan::VideoId;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Request;

use crate::settings;

/// Time that the CDN's answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Placeholder of the video's id in the URL and the body.
const VIDEO: &str = "{video}";

/// Client that sends the purge request of the settings.
pub struct HttpPurge {
    agent: Agent,
    settings: settings::Purge,
}

impl HttpPurge {
    pub fn new(settings: settings::Purge) -> Self {
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT));
        Self {
            agent: config.build().into(),
            settings,
        }
    }

    fn request(&self, video: VideoId) -> Result<Request<String>, ureq::http::Error> {
        let fill = |text: &str| text.replace(VIDEO, &video.to_string());
        let mut request = Request::builder()
            .method(self.settings.method.as_str())
            .uri(fill(&self.settings.url));
        for (name, value) in &self.settings.headers {
            request = request.header(name, value.text());
        }
        request.body(fill(&self.settings.body))
    }

    /// Refuses settings that do not make a valid HTTP request.
    pub fn check(&self) -> anyhow::Result<()> {
        self.request(VideoId::new())?;
        Ok(())
    }
}

#[async_trait]
impl Purge for HttpPurge {
    async fn purge(&self, video: VideoId) -> Result<(), String> {
        let request = self.request(video).map_err(|error| error.to_string())?;
        let agent = self.agent.clone();
        let asked = tokio::task::spawn_blocking(move || agent.run(request)).await;
        let answer = asked.map_err(|error| error.to_string())?;
        answer.map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Whether a request was received with all of its body, which may come in a packet of its own.
    fn is_complete(heard: &str) -> bool {
        let Some((head, body)) = heard.split_once("\r\n\r\n") else {
            return false;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        body.len() == length.map_or(0, |length| length.parse().unwrap())
    }

    /// Purges a video at a server that answers with `status`. Returns the outcome, the request that the server
    /// received, and the video.
    async fn purge_at(status: &str, settings: &str) -> (Result<(), String>, String, VideoId) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let server = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let (mut heard, mut piece) = (String::new(), [0; 4096]);
            while !is_complete(&heard) {
                let length = client.read(&mut piece).unwrap();
                assert!(length > 0, "cut off after {heard}");
                heard += std::str::from_utf8(&piece[..length]).unwrap();
            }
            client.write_all(answer.as_bytes()).unwrap();
            heard
        });
        let settings = toml::from_str(&settings.replace("ADDRESS", &address)).unwrap();
        let video = VideoId::new();
        let purged = HttpPurge::new(settings).purge(video).await;
        (purged, server.join().unwrap(), video)
    }

    #[tokio::test]
    async fn a_video_is_named_in_the_url_or_the_body() {
        let settings = "url = 'http://ADDRESS/purge/{video}'\nheaders = { fastly-key = 'secret' }";
        let (purged, heard, video) = purge_at("200 OK", settings).await;
        purged.unwrap();
        assert!(heard.starts_with(&format!("POST /purge/{video} HTTP/1.1\r\n")));
        assert!(heard.contains("fastly-key: secret\r\n"), "{heard}");
    }

    #[tokio::test]
    async fn a_refusal_is_an_error() {
        let settings = "url = 'http://ADDRESS/'\nmethod = 'PUT'\nbody = '{\"tags\":[\"{video}\"]}'";
        let (purged, heard, video) = purge_at("403 Forbidden", settings).await;
        assert!(purged.unwrap_err().contains("403"));
        assert!(heard.starts_with("PUT / HTTP/1.1\r\n"), "{heard}");
        assert!(
            heard.ends_with(&format!("{{\"tags\":[\"{video}\"]}}")),
            "{heard}"
        );
    }

    #[test]
    fn settings_that_make_no_http_request_are_refused() {
        for settings in ["url = 'no url'", "url = 'http://a/'\nmethod = 'A B'"] {
            let settings = toml::from_str(settings).unwrap();
            assert!(HttpPurge::new(settings).check().is_err());
        }
    }
}
