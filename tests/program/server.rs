//! A server that runs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Stopped with this.
pub struct Server {
    pub process: Child,
    /// `http://` and its address.
    pub base: String,
}

impl Server {
    /// Over a folder, when it listens.
    pub fn start(data: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reelmill"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data);
        Self::spawn(command).0
    }

    /// By a command, when it listens; and what it says after that.
    pub fn spawn(mut command: Command) -> (Self, impl Iterator<Item = String> + Send + 'static) {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let says = |line: &String| line.contains("listens on ");
        let line = lines.find(says).expect("it listens");
        let (_, rest) = line.split_once("listens on ").unwrap();
        let (base, _) = rest.split_once(',').unwrap();
        let server = Self {
            process,
            base: base.to_owned(),
        };
        (server, lines)
    }

    /// The status of the list of videos, with a token.
    pub fn list(&self, token: &str) -> u16 {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let call = agent.get(format!("{}/api/v1/videos", self.base));
        let answer = call.header("authorization", format!("Bearer {token}"));
        answer.call().unwrap().status().as_u16()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
