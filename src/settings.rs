//! Settings of a server. The defaults are overridden by a TOML file, the file by environment variables, and those by
//! command line arguments.
//!
//! [`Settings::load`] merges file and environment, the commands apply their arguments, and [`Settings::check`] refuses
//! values that cannot work. `deploy/reelmill.toml` explains each setting; tests below compare that file with the types
//! here. `cluster.rs` holds the section `[cluster]`.

mod cluster;
mod whole;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use config::{Config, Environment, File, FileFormat};
use ipnet::IpNet;
use plan::policy::LOUDNESS_LUFS;
use plan::{Effort, LazyCodec};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use store::objects::disk_cache::SMALLEST;
use transcoder::Sandbox;
use ureq::http::Uri;

pub use cluster::{Cluster, Hidden};

/// All settings; `deploy/reelmill.toml` explains each.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Folder for all data.
    pub data: PathBuf,
    /// Section `[origin]`.
    pub origin: Origin,
    /// Section `[pipeline]`.
    pub pipeline: Pipeline,
    /// Section `[worker]`.
    pub worker: Worker,
    /// Request that tells a CDN about a deleted video; without one, no CDN is told.
    pub purge: Option<Purge>,
    /// Stores of a cluster; without them, data is kept in files and SQLite in the folder `data`.
    pub cluster: Option<Cluster>,
}

/// Section `[origin]`: addresses, names and caches of the HTTP server.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origin {
    /// Address that the server listens on.
    pub listen: SocketAddr,
    /// Address of the metrics and health server; without one, metrics are not served.
    pub metrics_listen: Option<SocketAddr>,
    /// URL under which clients reach the server; without one, it is `http://` and the listen address.
    pub public_url: Option<String>,
    /// Additional host names that the pages and the API accept.
    pub allowed_hosts: Vec<String>,
    /// Networks of proxies whose `Forwarded` and `X-Forwarded-For` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Size of the memory cache for media files.
    pub cache: Bytes,
    /// Size of the disk cache in front of a cluster's object store; without one, there is no such cache.
    pub disk_cache: Option<Bytes>,
}

/// Section `[pipeline]`: how videos are encoded.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pipeline {
    /// Encoding effort for each frame.
    pub policy: Effort,
    /// Length of a segment in seconds.
    #[serde(deserialize_with = "whole::number")]
    pub segment_seconds: u32,
    /// Whether sizes, rate factors and bit-rate caps are chosen for each title.
    pub per_title: bool,
    /// Target loudness of sound in LUFS; without one, loudness is left unchanged.
    #[serde(deserialize_with = "whole::number_if_any")]
    pub loudness_lufs: Option<i32>,
    /// Whether the source's own H.264 is copied as the largest size where players can play it.
    pub passthrough: bool,
    /// Codecs besides H.264 that a video gets once it has been watched `lazy_after_views` times.
    pub lazy_codecs: Vec<LazyCodec>,
    #[serde(deserialize_with = "whole::number")]
    /// Number of views after which a video gets the `lazy_codecs`.
    pub lazy_after_views: u64,
    /// Memory for all engines together.
    pub memory: Bytes,
    /// Sandbox of engines; without this setting, it is required with a cluster and preferred on one machine.
    pub sandbox: Option<Sandbox>,
}

/// Section `[worker]`: health checks and metrics of `reelmill worker`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// Address that the worker listens on.
    pub listen: SocketAddr,
}

/// Section `[purge]`: HTTP request that tells a CDN to drop a deleted video. In URL and body, `{video}` is replaced by
/// the video's id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    /// URL of the request.
    pub url: String,
    /// HTTP method of the request; `POST` by default.
    #[serde(default = "default_method")]
    pub method: String,
    /// Headers of the request, whose values may be secrets.
    #[serde(default)]
    pub headers: HashMap<String, Hidden>,
    /// Body of the request; empty by default.
    #[serde(default)]
    pub body: String,
}

fn default_method() -> String {
    "POST".to_owned()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./data"),
            origin: Origin::default(),
            pipeline: Pipeline::default(),
            worker: Worker::default(),
            purge: None,
            cluster: None,
        }
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics_listen: None,
            public_url: None,
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            cache: Bytes(128 << 20),
            disk_cache: None,
        }
    }
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            policy: Effort::Fast,
            segment_seconds: 4,
            per_title: true,
            loudness_lufs: None,
            passthrough: false,
            lazy_codecs: Vec::new(),
            lazy_after_views: pipeline::LAZY_AFTER_VIEWS,
            memory: Bytes(2 << 30),
            sandbox: None,
        }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
        }
    }
}

impl Settings {
    /// Loads settings from a file, if one is given, and overrides them by environment variables: the variable
    /// `REELMILL_ORIGIN__LISTEN` sets `listen` of `[origin]`, and `REELMILL_DATA` sets `data`.
    pub fn load(file: Option<&Path>, environment: HashMap<String, String>) -> Result<Self> {
        // Variables without `__` belong to other commands or to scripts, except REELMILL_DATA.
        let is_setting = |name: &str| name == "REELMILL_DATA" || name.contains("__");
        for name in environment.keys().filter(|name| is_unknown_variable(name)) {
            eprintln!("reelmill: the variable {name} is not a setting and is ignored");
        }
        let ours = environment.into_iter().filter(|(name, _)| is_setting(name));
        let mut builder = Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        let variables = Environment::with_prefix("REELMILL")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("origin.allowed_hosts")
            .with_list_parse_key("origin.trusted_proxies")
            .with_list_parse_key("pipeline.lazy_codecs")
            .with_list_parse_key("cluster.metadata.nodes")
            .with_list_parse_key("cluster.messages.servers")
            .source(Some(ours.collect()));
        let merged = builder.add_source(variables).build();
        let settings = merged.and_then(Config::try_deserialize);
        let of = || match file {
            Some(file) => format!("the settings in {} and the environment", file.display()),
            None => "the settings in the environment".to_owned(),
        };
        settings.with_context(of).context(InvalidSettings)
    }

    /// How strictly engines are sandboxed: as set, or by default strictly with a cluster only.
    pub fn sandbox(&self) -> Sandbox {
        let default = match self.cluster {
            Some(_) => Sandbox::Required,
            None => Sandbox::Preferred,
        };
        self.pipeline.sandbox.unwrap_or(default)
    }

    /// Returns the settings unless a value, or a combination of values, cannot work.
    ///
    /// # Errors
    /// `InvalidSettings`, with a cause that names the setting.
    pub fn check(self) -> Result<Self> {
        self.checked().context(InvalidSettings)
    }

    fn checked(self) -> Result<Self> {
        if let Some(url) = &self.origin.public_url {
            let uri: Option<Uri> = url.parse().ok();
            let is_web = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
            ensure!(
                uri.is_some_and(|uri| is_web(&uri) && uri.host().is_some()),
                "public_url is {url}; it must be a URL such as https://video.example.org"
            );
        }
        let Bytes(memory) = self.pipeline.memory;
        ensure!(
            memory >= LEAST_MEMORY,
            "memory is {memory} bytes; engines need at least {} MiB",
            LEAST_MEMORY >> 20
        );
        let seconds = self.pipeline.segment_seconds;
        ensure!(
            (2..=10).contains(&seconds),
            "segment_seconds is {seconds}; it must be from 2 to 10"
        );
        if let Some(lufs) = self.pipeline.loudness_lufs {
            ensure!(
                LOUDNESS_LUFS.contains(&lufs),
                "loudness_lufs is {lufs}; it must be from {} to {}",
                LOUDNESS_LUFS.start(),
                LOUDNESS_LUFS.end()
            );
        }
        ensure!(
            self.pipeline.lazy_after_views > 0,
            "lazy_after_views is 0; it must be at least 1"
        );
        if let Some(Bytes(bytes)) = self.origin.disk_cache {
            ensure!(
                self.cluster.is_some(),
                "disk_cache needs a [cluster]; without one, all media is on this machine's disk already"
            );
            ensure!(
                bytes >= SMALLEST,
                "disk_cache is {bytes} bytes; it must be at least {} MiB",
                SMALLEST >> 20
            );
        }
        Ok(self)
    }
}

/// Least memory for engines, in bytes: with less, an engine cannot even probe a video.
pub const LEAST_MEMORY: u64 = 128 << 20;

/// Error of invalid settings, which the operator has to correct. The program exits with code 2, as for wrong arguments.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the settings are wrong")]
pub struct InvalidSettings;

/// Variables `REELMILL_…` that are not settings: clap reads some as arguments, scripts and tests use the others.
const OTHER_VARIABLES: [&str; 8] = [
    "CONFIG",
    "SERVER",
    "TOKEN",
    "TOKEN_FILE",
    "CLUSTER",
    "CORPUS",
    "ENGINE",
    "FIELD",
];

/// Whether a variable begins with `REELMILL_` but neither is a setting nor is read by anything else.
fn is_unknown_variable(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("REELMILL_") else {
        return false;
    };
    let is_ours = rest == "DATA" || rest.contains("__");
    !is_ours && !OTHER_VARIABLES.contains(&rest) && !rest.starts_with("TEST_")
}

/// Number of bytes, written as a plain number or with the unit B, KiB, MiB or GiB: `512MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor: u64 = match unit.trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err("write a number of bytes, or a number with KiB, MiB or GiB".to_owned()),
        };
        let number: u64 = number
            .parse()
            .map_err(|_| "write a number of bytes, or a number with KiB, MiB or GiB".to_owned())?;
        let bytes = number.checked_mul(factor);
        bytes
            .map(Self)
            .ok_or_else(|| "the number is too large".to_owned())
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Bytes;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a number of bytes, such as 512MiB")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Bytes, E> {
                Ok(Bytes(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Bytes, E> {
                u64::try_from(number).map(Bytes).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reelmill.toml");
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        let pairs = variables.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Settings::load(file.map(|_| path.as_path()), pairs.collect())?.check()
    }

    #[test]
    fn the_sample_file_shows_the_defaults() {
        let sample = include_str!("../deploy/reelmill.toml");
        assert_eq!(load(Some(sample), &[]).unwrap(), Settings::default());
        // The examples, which are commented out by `#: `, are valid settings too.
        let all = sample.lines().map(|line| match line.strip_prefix("#: ") {
            Some(setting) => setting.to_owned() + "\n",
            None => line.to_owned() + "\n",
        });
        let all = load(Some(&all.collect::<String>()), &[]).unwrap();
        assert!(all.origin.public_url.is_some());
        let cluster = all.cluster.unwrap().stores().unwrap();
        assert_eq!(cluster.objects.bucket, "reelmill");
        assert!(all.origin.disk_cache.is_some());
    }

    /// The error for an unknown setting lists the known ones; the sample file shows all of them.
    #[test]
    fn the_sample_file_shows_every_setting() {
        let sample = include_str!("../deploy/reelmill.toml").replace("#: [", "[");
        for (section, least) in [
            ("origin", 7),
            ("pipeline", 9),
            ("worker", 1),
            ("purge", 4),
            ("cluster.objects", 7),
            ("cluster.metadata", 5),
            ("cluster.messages", 8),
        ] {
            let wrong = format!("[{section}]\nnonsense = 1");
            let refused = format!("{:#}", load(Some(&wrong), &[]).unwrap_err());
            let (_, known) = refused.split_once("expected ").expect(&refused);
            let (known, _) = known.split_once(" for key ").expect(&refused);
            let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
            assert!(known.len() >= least, "{refused}");
            let (_, rest) = sample.split_once(&format!("\n[{section}]\n")).unwrap();
            let shown = rest.split("\n[").next().unwrap();
            let names = shown.lines().filter_map(|line| line.split_once(" = "));
            // Lines that begin with `# ` show settings that exclude the ones above them.
            let is_mark = |c| matches!(c, '#' | ':' | ' ');
            let names = names.map(|(name, _)| name.trim_start_matches(is_mark));
            let names: Vec<&str> = names.collect();
            for name in known {
                assert!(names.contains(&name), "{name} of [{section}] is not shown");
            }
        }
    }

    #[test]
    fn environment_variables_override_the_file() {
        let file = "data = '/srv/a'\n[origin]\nlisten = '127.0.0.1:1'\ncache = 4096\n";
        let variables = [
            ("REELMILL_ORIGIN__LISTEN", "127.0.0.1:2"),
            ("REELMILL_ORIGIN__ALLOWED_HOSTS", "a.example,b.example"),
            ("REELMILL_PIPELINE__MEMORY", "1GiB"),
            ("REELMILL_PIPELINE__POLICY", "quality"),
            ("REELMILL_PIPELINE__LAZY_CODECS", "hevc,av1"),
            ("REELMILL_PIPELINE__LAZY_AFTER_VIEWS", "7"),
            ("REELMILL_SERVER", "of another command"),
            ("REELMILL_CLUSTER__OBJECTS__BUCKET", "media"),
            ("REELMILL_CLUSTER__OBJECTS__PATH_STYLE", "true"),
            ("REELMILL_CLUSTER__METADATA__NODES", "a,b:9042"),
            ("REELMILL_CLUSTER__MESSAGES__SERVERS", "nats://a:4222"),
            ("REELMILL_CLUSTER__MESSAGES__TOKEN", "12345"),
        ];
        let settings = load(Some(file), &variables).unwrap();
        assert_eq!(settings.data, Path::new("/srv/a"));
        assert_eq!(settings.origin.listen.port(), 2);
        assert_eq!(settings.origin.allowed_hosts, ["a.example", "b.example"]);
        assert_eq!(settings.origin.cache, Bytes(4096));
        assert_eq!(settings.pipeline.memory, Bytes(1 << 30));
        assert_eq!(settings.pipeline.policy, Effort::Quality);
        assert_eq!(settings.pipeline.lazy_codecs, LazyCodec::ALL);
        assert_eq!(settings.pipeline.lazy_after_views, 7);
        let cluster = settings.cluster.unwrap().stores().unwrap();
        assert_eq!(cluster.metadata.nodes, ["a", "b:9042"]);
        assert!(cluster.objects.path_style);
    }

    #[test]
    fn unknown_settings_and_impossible_values_are_refused() {
        for file in [
            "colour = 1",
            "[origin]\nport = 1",
            "[pipeline]\nsegment_seconds = 1",
            "[pipeline]\nsegment_seconds = 4.5",
            "[pipeline]\nloudness_lufs = -16.5",
            "[pipeline]\nmemory = '10MiB'",
            "[origin]\npublic_url = 'nope'",
            "[origin]\npublic_url = 'ftp://video.example.org'",
            "[pipeline]\nloudness_lufs = 16",
            "[pipeline]\nlazy_codecs = ['vp9']",
            "[pipeline]\nlazy_after_views = 0",
            "[origin]\ndisk_cache = '20GiB'",
        ] {
            assert!(load(Some(file), &[]).is_err(), "{file}");
        }
        assert!(load(None, &[("REELMILL_ORIGIN__PORT", "1")]).is_err());
        assert!(load(None, &[("REELMILL_PIPELINE__SEGMENT_SECONDS", "4.5")]).is_err());
        let whole = load(None, &[("REELMILL_PIPELINE__SEGMENT_SECONDS", "5")]);
        assert_eq!(whole.unwrap().pipeline.segment_seconds, 5);
        assert!(is_unknown_variable("REELMILL_FOO"));
        assert!(!is_unknown_variable("REELMILL_ORIGIN__LISTEN"));
        assert!(load(None, &[("REELMILL_PIPELINE__MEMORY", "2TB")]).is_err());
    }

    #[test]
    fn sizes_have_units() {
        let bytes = |text: &str| text.parse::<Bytes>();
        assert_eq!(bytes("512MiB"), Ok(Bytes(512 << 20)));
        assert_eq!(bytes("7"), Ok(Bytes(7)));
        assert!(bytes("2TB").is_err() && bytes("GiB").is_err() && bytes("99999999999GiB").is_err());
    }
}
