//! A disk that is full, step by step: a small one of memory, which another program fills.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::Server;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command whose folder is a disk of so many MiB, which nobody else sees.
fn on_small_disk(folder: &Path, mebibytes: u32, arguments: &[&str]) -> Command {
    let mount = format!("mount -t tmpfs -o size={mebibytes}m none \"$0\" && exec \"$@\"");
    let mut command = Command::new("unshare");
    // As root in a namespace of its own, where it is not root already.
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    command.arg(if is_root { "-m" } else { "-rm" });
    command.args(["sh", "-c", &mount]).arg(folder);
    command.arg(env!("CARGO_BIN_EXE_reelmill")).args(arguments);
    command
}

fn sample(folder: &Path, seconds: u32) -> PathBuf {
    let path = folder.join(format!("{seconds}.mp4"));
    let picture = format!("testsrc2=s=1280x720:r=30:d={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture])
        .args(["-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-g", "60", "-pix_fmt", "yuv420p"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    path
}

/// A server on a small disk.
struct House {
    server: Server,
    metrics: String,
    token: String,
    /// Its data folder, as it sees it.
    data: PathBuf,
}

impl House {
    fn open(data: &Path, mebibytes: u32) -> Self {
        let at = data.to_str().unwrap();
        let listen = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
        let arguments = [&["serve", "--data", at], &listen[..]].concat();
        let (server, mut lines) = Server::spawn(on_small_disk(data, mebibytes, &arguments));
        let says = |line: &String| line.contains("metrics are at ");
        let line = lines.find(says).expect("it says where");
        let (_, metrics) = line.split_once("metrics are at ").unwrap();
        // Nobody reads the rest, and it is not to wait for that.
        std::thread::spawn(move || lines.for_each(drop));
        let seen = format!("/proc/{}/root{at}", server.process.id());
        let data = PathBuf::from(seen);
        let token = std::fs::read_to_string(data.join("admin-token")).unwrap();
        Self {
            server,
            metrics: metrics.trim().to_owned(),
            token: token.trim().to_owned(),
            data,
        }
    }

    fn agent() -> ureq::Agent {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        config.timeout_global(Some(PATIENCE)).build().into()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.base)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn get(&self, path: &str) -> (u16, String) {
        let call = Self::agent().get(self.url(path));
        let answer = call.header("authorization", self.bearer()).call();
        let mut answer = answer.unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), body)
    }

    fn upload(&self, source: &Path) -> String {
        let call = Self::agent().post(self.url("/api/v1/videos?title=a"));
        let call = call.header("authorization", self.bearer());
        let mut answer = call.send(std::fs::read(source).unwrap()).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{body}");
        let video: Value = serde_json::from_str(&body).unwrap();
        video["id"].as_str().unwrap().to_owned()
    }

    fn video(&self, id: &str) -> Value {
        let (status, body) = self.get(&format!("/api/v1/videos/{id}"));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn until(&self, what: &str, reached: impl Fn() -> bool) {
        let began = Instant::now();
        while !reached() {
            assert!(began.elapsed() < PATIENCE, "{what} does not come");
            // Asked again by another request: there is nothing to wait on.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Another program takes all that is left; its file is what is removed to make room.
    fn fill(&self) -> PathBuf {
        let path = self.data.join("of-another-program");
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap();
        for bytes in [1 << 20, 1 << 12] {
            let piece = vec![0; bytes];
            while file.write_all(&piece).is_ok() {}
        }
        path
    }

    /// The first line of the answer to an upload of so many bytes, of which none is sent.
    fn announce_upload(&self, bytes: u64) -> String {
        let address = self.server.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST /api/v1/videos HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\n\
             content-length: {bytes}\r\nexpect: 100-continue\r\n\r\n",
            self.bearer()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    }

    fn gauge(&self, name: &str) -> u64 {
        let mut answer = Self::agent().get(&self.metrics).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        value.expect(&text).parse().unwrap()
    }
}

#[test]
fn a_server_on_a_full_disk_serves_deletes_and_goes_on_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let (short, long) = (sample(folder.path(), 4), sample(folder.path(), 60));
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let house = House::open(&data, 256);
    let whole = house.upload(&short);
    let state = |id: &str| house.video(id)["state"].as_str().unwrap().to_owned();
    house.until("ready", || state(&whole) == "ready");
    assert!(house.gauge("reelmill_store_free_bytes") > 100 << 20);

    // Before the first byte of what would not fit.
    let refused = house.announce_upload(300 << 20);
    assert!(refused.starts_with("HTTP/1.1 507"), "{refused}");
    let taken = house.announce_upload(1 << 20);
    assert!(taken.starts_with("HTTP/1.1 100"), "{taken}");

    let begun = house.upload(&long);
    house.until("playable", || state(&begun) == "playable");
    let fill = house.fill();
    let refused = house.announce_upload(1 << 20);
    assert!(refused.starts_with("HTTP/1.1 507"), "{refused}");
    house.until("nothing free", || {
        house.gauge("reelmill_store_free_bytes") == 0
    });
    let (status, said) = house.get("/readyz");
    assert_eq!(status, 200);
    assert!(said.contains("space: none"), "{said}");
    // What is there is served.
    let (status, playlist) = house.get(&format!("/v/{whole}/master.m3u8"));
    assert_eq!(status, 200, "{playlist}");
    assert_eq!(state(&begun), "playable");

    // What makes room is never refused.
    let deleted = House::agent()
        .delete(house.url(&format!("/api/v1/videos/{whole}")))
        .header("authorization", house.bearer())
        .call();
    assert_eq!(deleted.unwrap().status().as_u16(), 204);
    let (status, _) = house.get(&format!("/v/{whole}/master.m3u8"));
    assert_eq!(status, 404);

    std::fs::remove_file(fill).unwrap();
    house.until("ready", || state(&begun) == "ready");
    let (_, said) = house.get("/readyz");
    assert!(said.starts_with("ok\n"), "{said}");
}

#[test]
fn a_transcode_on_a_full_disk_ends_with_one_sentence_and_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path(), 30);
    let output = folder.path().join("out");
    std::fs::create_dir(&output).unwrap();
    let arguments = [
        "transcode",
        source.to_str().unwrap(),
        output.to_str().unwrap(),
    ];
    let began = Instant::now();
    let Output { status, stderr, .. } = on_small_disk(&output, 12, &arguments).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.ends_with("(no_space)"), "{said}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}
