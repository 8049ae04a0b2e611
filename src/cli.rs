//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use plan::Effort;

use crate::settings::{Bytes, LEAST_MEMORY};

/// A media processing pipeline and streaming origin: any upload plays about a second after
/// its last byte.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Runs everything in one process: uploads, encoding, delivery, pages
    #[command(
        after_help = "Example: reelmill serve --data ./data --listen 127.0.0.1:8080\n\ndeploy/reelmill.toml is a file of all settings."
    )]
    Serve(Serve),
    /// Takes uploads and serves viewers, one of any number; workers make what is missing
    #[command(
        after_help = "Example: reelmill origin --config reelmill.toml --listen 0.0.0.0:8080\n\n\
        Its stores are those of [cluster] in the settings; see deploy/reelmill.toml."
    )]
    Origin(Origin),
    /// Makes what origins ask for and everything else that is missing, one of any number
    #[command(
        after_help = "Example: reelmill worker --config reelmill.toml --memory 4GiB\n\n\
        Its stores are those of [cluster] in the settings; see deploy/reelmill.toml."
    )]
    Worker(Worker),
    /// Makes the tables of a cluster's keyspace, or brings them up to date: once for each version
    #[command(
        after_help = "Example: reelmill schema --config reelmill.toml --create \\\n  \
        \"replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 3}\""
    )]
    Schema(Schema),
    /// Copies everything from one machine to a cluster, or back; run again, it goes on where it was
    #[command(
        after_help = "Example: reelmill migrate --config reelmill.toml --from local --to cluster\n\n\
        The data folder and [cluster] are those of the settings. Stop `serve`, or origins and\n\
        workers, before. Nothing is deleted in what is copied from. Sign-ins are not copied:\n\
        `reelmill sign-in` prints a link.\n\n\
        Exit codes: 0 done, 1 failed or some videos are not copied, 2 wrong arguments."
    )]
    Migrate(Migrate),
    /// Makes the whole static presentation of a file; run again, it goes on where it was
    #[command(
        after_help = "Example: reelmill transcode film.mkv ./film --policy balanced\n\n\
        The folder then holds master.m3u8, manifest.mpd, a folder for each rendition, stills and\n\
        report.json; any web server can serve it.\n\n\
        Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 the folder belongs to another source\n\
        or policy."
    )]
    Transcode(Transcode),
    /// Prints what is in a file, as JSON
    #[command(after_help = "Example: reelmill probe --plan film.mkv")]
    Probe(Probe),
    /// Uploads files to a running server and prints their watch links
    #[command(after_help = "Example: reelmill upload --token-file ./data/admin-token a.mp4 b.mov")]
    Upload(Upload),
    /// Encodes videos again that an older reelmill has made; says first how much space that needs, and asks
    #[command(
        after_help = "Example: reelmill remake --token-file ./data/admin-token --all\n\n\
        Of the videos named, or of all, those are encoded again from their sources that an older version\n\
        has made, when the server has no other videos to encode. Viewers keep the present one until the\n\
        new one is complete; the old files are deleted 30 days later.\n\n\
        Exit codes: 0 done, 1 failed or some cannot be made again, 2 wrong arguments."
    )]
    Remake(Remake),
    /// Manages API tokens, whether the server runs or not
    #[command(after_help = "Example: reelmill token create --owner ann --name laptop")]
    Token(Token),
    /// Prints a link that signs in as the admin: for one use, within ten minutes
    #[command(after_help = "Example: reelmill sign-in --data ./data")]
    SignIn(SignIn),
    /// Says in one sentence each whether this machine has what reelmill needs
    Doctor(Doctor),
    /// Prints a completion script for a shell
    Completions {
        /// bash, zsh, fish ...
        shell: clap_complete::Shell,
    },
    /// Prints the man page
    Man,
}

#[derive(Args, Clone)]
pub struct Serve {
    /// A file of settings; arguments and the environment (REELMILL_ORIGIN__LISTEN ...) are above it
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder for all data; made if it is not there [default: ./data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub delivery: Delivery,
    #[command(flatten)]
    pub making: Making,
}

#[derive(Args, Clone)]
pub struct Origin {
    /// A file of settings; arguments and the environment (REELMILL_CLUSTER__OBJECTS__BUCKET ...) are above it
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub delivery: Delivery,
}

#[derive(Args, Clone)]
pub struct Worker {
    /// A file of settings; arguments and the environment (REELMILL_CLUSTER__OBJECTS__BUCKET ...) are above it
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address for health checks and metrics [default: 127.0.0.1:8081]
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    #[command(flatten)]
    pub making: Making,
}

#[derive(Args)]
pub struct Schema {
    /// A file of settings
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Makes the keyspace too, unless it is there, with these words of CQL after WITH
    #[arg(long)]
    pub create: Option<String>,
}

#[derive(Args)]
pub struct Migrate {
    /// A file of settings; arguments and the environment (REELMILL_CLUSTER__OBJECTS__BUCKET ...) are above it
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// The data folder [default: ./data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// What is copied
    #[arg(long)]
    pub from: Kind,
    /// Where to
    #[arg(long)]
    pub to: Kind,
    /// Read every object back and compare it byte for byte, also those that were there before
    #[arg(long)]
    pub verify: bool,
    /// Go on although workers are at work in the cluster
    #[arg(long)]
    pub force: bool,
    /// End with one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

/// A kind of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The data folder
    Local,
    /// Those of [cluster] in the settings
    Cluster,
}

/// How an origin is reached.
#[derive(Args, Clone)]
pub struct Delivery {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Address for metrics and health checks; without, there are no metrics
    #[arg(long)]
    pub metrics_listen: Option<SocketAddr>,
    /// Where the server is reached from outside; default: http:// and the listen address
    #[arg(long)]
    pub public_url: Option<String>,
    /// Further host names under which the pages answer
    #[arg(long, value_delimiter = ',')]
    pub allowed_hosts: Option<Vec<String>>,
    /// Networks of proxies that are believed when they say for whom they ask, such as 10.0.0.0/8
    #[arg(long, value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<IpNet>>,
}

/// How sources become renditions.
#[derive(Args, Clone)]
pub struct Making {
    /// How much time is spent on each frame: fast, balanced or quality [default: fast]
    #[arg(long)]
    pub policy: Option<Effort>,
    /// Length of a segment in seconds, 2 to 10 [default: 4]
    #[arg(long)]
    pub segment_seconds: Option<u32>,
    /// Whether rungs follow how hard a title is to encode: true or false [default: true]
    #[arg(long)]
    pub per_title: Option<bool>,
    /// How loud sound is sent in LUFS, such as -16 [default: as it is]
    #[arg(long, allow_negative_numbers = true)]
    pub loudness_lufs: Option<i32>,
    /// Send a source's own H.264 as the top rung where players take it as it is
    #[arg(long)]
    pub passthrough: bool,
    /// Memory for the engines, such as 512MiB [default: 2GiB]
    #[arg(long)]
    pub memory: Option<Bytes>,
}

#[derive(Args)]
pub struct Transcode {
    /// The file
    pub input: PathBuf,
    /// The folder for the presentation; made if it is not there
    pub output: PathBuf,
    /// How much time is spent on each frame: fast, balanced or quality
    #[arg(long, default_value = "fast")]
    pub policy: Effort,
    /// Length of a segment in seconds, 2 to 10
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=10))]
    pub segment_seconds: u32,
    /// Whether rungs follow how hard the title is to encode: true or false
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub per_title: bool,
    /// How loud sound is sent in LUFS, such as -16; as it is without
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-40..=-5))]
    pub loudness_lufs: Option<i32>,
    /// Send a source's own H.264 as the top rung where players take it as it is
    #[arg(long)]
    pub passthrough: bool,
    /// Memory for the engine, such as 512MiB or 2GiB; at least 128MiB
    #[arg(long, default_value = "4GiB", value_parser = enough_memory)]
    pub memory: Bytes,
    /// Clear the folder if it belongs to another source or policy
    #[arg(long)]
    pub force: bool,
    /// End with one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Probe {
    /// The file
    pub input: PathBuf,
    /// Print the plan instead
    #[arg(long)]
    pub plan: bool,
}

/// Memory with which an engine can do anything.
fn enough_memory(text: &str) -> Result<Bytes, String> {
    let bytes: Bytes = text.parse()?;
    match bytes.0 >= LEAST_MEMORY {
        true => Ok(bytes),
        false => Err(format!("at least {} MiB", LEAST_MEMORY >> 20)),
    }
}

#[derive(Args)]
pub struct Upload {
    /// The files; `-` is what comes from standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// What people call it; without, the file's name
    #[arg(long)]
    pub title: Option<String>,
    /// Wait until all of it is encoded, not only until it plays
    #[arg(long)]
    pub wait: bool,
    /// Print each video as one line of JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub server: Server,
}

/// A running server, and who asks it.
#[derive(Args)]
pub struct Server {
    /// The server
    #[arg(long, env = "REELMILL_SERVER", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// An API token; better by the variable, which other users of the machine do not see
    #[arg(long, env = "REELMILL_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A file that holds an API token
    #[arg(
        long,
        env = "REELMILL_TOKEN_FILE",
        default_value = "./data/admin-token"
    )]
    pub token_file: PathBuf,
}

#[derive(Args)]
pub struct Remake {
    /// Ids of videos
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub videos: Vec<String>,
    /// Every video that the token's holder may change
    #[arg(long)]
    pub all: bool,
    /// Do not ask before starting
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub server: Server,
}

#[derive(Args)]
pub struct Token {
    /// A file of settings: those of a cluster name the stores
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// The data folder [default: ./data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    #[command(subcommand)]
    pub action: TokenAction,
}

#[derive(Subcommand)]
pub enum TokenAction {
    /// Makes a token and prints its secret, once
    Create {
        /// On whose behalf it acts; made if not there
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        owner: String,
        /// What its holder calls it
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// May do everything, not only upload
        #[arg(long)]
        admin: bool,
    },
    /// Lists tokens, without their secrets
    List,
    /// Revokes a token
    Revoke {
        /// Its id, from the list
        id: String,
    },
}

#[derive(Args)]
pub struct SignIn {
    /// A file of settings: those of a cluster name the stores
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// The data folder [default: ./data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Where the server is reached [default: http://127.0.0.1:8080]
    #[arg(long)]
    pub public_url: Option<String>,
}

#[derive(Args)]
pub struct Doctor {
    /// The data folder
    #[arg(long, env = "REELMILL_DATA", default_value = "./data")]
    pub data: PathBuf,
    /// The address the server would listen on
    #[arg(
        long,
        env = "REELMILL_ORIGIN__LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
