//! What the operator of a server chooses: defaults, then a file, then the environment, then
//! arguments.

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
    pub data: PathBuf,
    pub origin: Origin,
    pub pipeline: Pipeline,
    pub worker: Worker,
    /// Nothing: no cache in front is told of deletions.
    pub purge: Option<Purge>,
    /// Nothing: files and SQLite in `data`.
    pub cluster: Option<Cluster>,
}

/// How the server is reached.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origin {
    pub listen: SocketAddr,
    /// Nothing: metrics are served nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Nothing: `http://` and the listen address.
    pub public_url: Option<String>,
    pub allowed_hosts: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub cache: Bytes,
    /// Nothing: no cache on disk.
    pub disk_cache: Option<Bytes>,
}

/// How sources become renditions.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pipeline {
    pub policy: Effort,
    #[serde(deserialize_with = "whole::number")]
    pub segment_seconds: u32,
    pub per_title: bool,
    /// Nothing: sound is sent as loud as it is.
    #[serde(deserialize_with = "whole::number_if_any")]
    pub loudness_lufs: Option<i32>,
    pub passthrough: bool,
    /// Codecs besides H.264 that a video gets by its views.
    pub lazy_codecs: Vec<LazyCodec>,
    #[serde(deserialize_with = "whole::number")]
    pub lazy_after_views: u64,
    pub memory: Bytes,
    /// Nothing: required with a cluster, preferred without.
    pub sandbox: Option<Sandbox>,
}

/// How a worker is watched.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    pub listen: SocketAddr,
}

/// How a cache in front of origins is told to drop a video, whose id stands for `{video}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    pub url: String,
    #[serde(default = "post")]
    pub method: String,
    #[serde(default)]
    pub headers: HashMap<String, Hidden>,
    #[serde(default)]
    pub body: String,
}

fn post() -> String {
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
    /// Settings of a file, if there is one, under those of the environment: the variable
    /// `REELMILL_ORIGIN__LISTEN` is `listen` of `[origin]`, `REELMILL_DATA` is `data`.
    pub fn load(file: Option<&Path>, environment: HashMap<String, String>) -> Result<Self> {
        // Other variables of this name are for other commands, or for scripts.
        let is_ours = |name: &str| name == "REELMILL_DATA" || name.contains("__");
        for name in environment.keys().filter(|name| is_meaningless(name)) {
            eprintln!("reelmill: the variable {name} is no setting, and changes nothing");
        }
        let ours = environment.into_iter().filter(|(name, _)| is_ours(name));
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
        settings.with_context(of).context(Wrong)
    }

    /// What is asked of the cage of engines.
    pub fn sandbox(&self) -> Sandbox {
        let usual = match self.cluster {
            Some(_) => Sandbox::Required,
            None => Sandbox::Preferred,
        };
        self.pipeline.sandbox.unwrap_or(usual)
    }

    /// Whether they make sense together.
    pub fn check(self) -> Result<Self> {
        self.checked().context(Wrong)
    }

    fn checked(self) -> Result<Self> {
        if let Some(url) = &self.origin.public_url {
            let uri: Option<Uri> = url.parse().ok();
            let is_web = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
            ensure!(
                uri.is_some_and(|uri| is_web(&uri) && uri.host().is_some()),
                "public_url is {url}; it is to be as in https://video.example.org"
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
            "segment_seconds is {seconds}; from 2 to 10 is possible"
        );
        if let Some(lufs) = self.pipeline.loudness_lufs {
            ensure!(
                LOUDNESS_LUFS.contains(&lufs),
                "loudness_lufs is {lufs}; from {} to {} is possible",
                LOUDNESS_LUFS.start(),
                LOUDNESS_LUFS.end()
            );
        }
        ensure!(
            self.pipeline.lazy_after_views > 0,
            "lazy_after_views is 0; a video is watched at least once before it gets another codec"
        );
        if let Some(Bytes(bytes)) = self.origin.disk_cache {
            ensure!(
                self.cluster.is_some(),
                "disk_cache is for origins with a [cluster]; without it all objects are on disk"
            );
            ensure!(
                bytes >= SMALLEST,
                "disk_cache is {bytes} bytes; at least {} MiB are of use",
                SMALLEST >> 20
            );
        }
        Ok(self)
    }
}

/// What an engine needs to look at a video at all.
pub const LEAST_MEMORY: u64 = 128 << 20;

/// The settings are wrong, which is for who gave them to mend.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("wrong settings")]
pub struct Wrong;

/// Variables of other commands and of what runs them.
const OTHERS: [&str; 8] = [
    "CONFIG",
    "SERVER",
    "TOKEN",
    "TOKEN_FILE",
    "CLUSTER",
    "CORPUS",
    "ENGINE",
    "FIELD",
];

/// Whether a variable is named like a setting and is none.
fn is_meaningless(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("REELMILL_") else {
        return false;
    };
    let is_ours = rest == "DATA" || rest.contains("__");
    !is_ours && !OTHERS.contains(&rest) && !rest.starts_with("TEST_")
}

/// A number of bytes, written with a unit: `512MiB`.
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
            _ => return Err("a number with KiB, MiB or GiB".to_owned()),
        };
        let number: u64 = number
            .parse()
            .map_err(|_| "a number with KiB, MiB or GiB".to_owned())?;
        let bytes = number.checked_mul(factor);
        bytes.map(Self).ok_or_else(|| "too large".to_owned())
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
    fn the_sample_file_says_the_defaults() {
        let sample = include_str!("../deploy/reelmill.toml");
        assert_eq!(load(Some(sample), &[]).unwrap(), Settings::default());
        // What is commented out is right too.
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

    /// What is unknown is refused with the names of what is known.
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
            // Behind `# ` stands what excludes what is shown above it.
            let is_mark = |c| matches!(c, '#' | ':' | ' ');
            let names = names.map(|(name, _)| name.trim_start_matches(is_mark));
            let names: Vec<&str> = names.collect();
            for name in known {
                assert!(names.contains(&name), "{name} of [{section}] is not shown");
            }
        }
    }

    #[test]
    fn the_environment_is_above_the_file() {
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
    fn what_is_unknown_or_impossible_is_refused() {
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
        assert!(is_meaningless("REELMILL_FOO") && !is_meaningless("REELMILL_ORIGIN__LISTEN"));
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
