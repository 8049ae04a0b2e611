//! HTTP client for the API of a running server, for the commands `upload` and `remake`.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::cli::Server;

/// Client of one server, with the API token for it.
pub struct Client {
    agent: Agent,
    server: String,
    token: String,
}

/// Answer of a server: the HTTP status, and the body as JSON, or `null` if the body is not JSON.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// Reason why the server refused the request: a sentence and the stable code of the problem document.
    pub fn refusal(&self) -> String {
        let detail = self.body["detail"].as_str();
        let code = self.body["code"].as_str();
        format!(
            "{} ({})",
            detail.unwrap_or("the server refused the request"),
            code.unwrap_or("unknown")
        )
    }
}

impl Client {
    pub fn new(arguments: &Server) -> Result<Self> {
        let path: &Path = &arguments.token_file;
        let token = match &arguments.token {
            Some(token) => token.clone(),
            None => std::fs::read_to_string(path).with_context(|| {
                format!(
                    "cannot read the API token in {}; name its file by --token-file",
                    path.display()
                )
            })?,
        };
        let config = Agent::config_builder().http_status_as_error(false).build();
        Ok(Self {
            agent: Agent::new_with_config(config),
            server: arguments.server.trim_end_matches('/').to_owned(),
            token: token.trim().to_owned(),
        })
    }

    pub fn get(&self, path: &str) -> Result<Answer> {
        let request = self.agent.get(self.url(path));
        self.answer(request.header("authorization", self.bearer()).call())
    }

    pub fn post(&self, path: &str) -> Result<Answer> {
        let request = self.agent.post(self.url(path));
        self.answer(request.header("authorization", self.bearer()).send_empty())
    }

    /// Sends a file as a new video; `length` is its size in bytes, if that is known.
    pub fn upload(
        &self,
        title: &str,
        mut source: impl Read,
        length: Option<u64>,
    ) -> Result<Answer> {
        let request = self
            .agent
            .post(self.url("/api/v1/videos"))
            .query("title", title);
        let mut request = request.header("authorization", self.bearer());
        if let Some(length) = length {
            request = request.header("content-length", length.to_string());
        }
        self.answer(request.send(ureq::SendBody::from_reader(&mut source)))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn answer(&self, response: Result<Response<Body>, ureq::Error>) -> Result<Answer> {
        let mut response =
            response.with_context(|| format!("cannot reach the server {}", self.server))?;
        let text = response.body_mut().read_to_string()?;
        Ok(Answer {
            status: response.status().as_u16(),
            body: serde_json::from_str(&text).unwrap_or_default(),
        })
    }
}
