//! Commands and arguments of `reelmill`, as `clap` reads them.
//!
//! The doc comments of the types below are the text of `--help`. Each command has its arguments here, and a module of
//! the same name runs it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use plan::Effort;

use crate::settings::{Bytes, LEAST_MEMORY};

/// A video server: it takes uploads of any format and serves them over HLS and DASH. A video plays about
/// a second after its last byte has arrived.
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
    /// Runs everything in one process: uploads, encoding, delivery and pages
    #[command(
        after_help = "Example: reelmill serve --data ./data --listen 127.0.0.1:8080\n\ndeploy/reelmill.toml shows all settings with their defaults."
    )]
    Serve(Serve),
    /// Runs one of any number of origins: takes uploads and serves viewers; workers do the encoding
    #[command(
        after_help = "Example: reelmill origin --config reelmill.toml --listen 0.0.0.0:8080\n\n\
        The section [cluster] of the settings names the stores; see deploy/reelmill.toml."
    )]
    Origin(Origin),
    /// Runs one of any number of workers: encodes what viewers wait for, then everything else
    #[command(
        after_help = "Example: reelmill worker --config reelmill.toml --memory 4GiB\n\n\
        The section [cluster] of the settings names the stores; see deploy/reelmill.toml."
    )]
    Worker(Worker),
    /// Creates or updates the tables of a cluster's keyspace; run it once for each version of reelmill
    #[command(
        after_help = "Example: reelmill schema --config reelmill.toml --create \\\n  \
        \"replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 3}\""
    )]
    Schema(Schema),
    /// Copies all data from one machine to a cluster, or back; if interrupted, run it again to continue
    #[command(
        after_help = "Example: reelmill migrate --config reelmill.toml --from local --to cluster\n\n\
        The settings name the data folder and the [cluster]. Stop `serve`, or all origins and\n\
        workers, first. The data that is copied stays where it is. Sign-ins are not copied:\n\
        `reelmill sign-in` prints a new link.\n\n\
        Exit codes: 0 done, 1 failed or some videos are not copied, 2 wrong arguments."
    )]
    Migrate(Migrate),
    /// Encodes a file into a folder that any web server can serve; if interrupted, run it again to continue
    #[command(
        after_help = "Example: reelmill transcode film.mkv ./film --policy balanced\n\n\
        The folder then holds master.m3u8, manifest.mpd, a folder for each rendition, poster and\n\
        storyboard images, and report.json.\n\n\
        Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 the folder belongs to another source\n\
        or policy."
    )]
    Transcode(Transcode),
    /// Prints what a media file contains, as JSON
    #[command(after_help = "Example: reelmill probe --plan film.mkv")]
    Probe(Probe),
    /// Uploads files to a running server and prints the links of their watch pages
    #[command(after_help = "Example: reelmill upload --token-file ./data/admin-token a.mp4 b.mov")]
    Upload(Upload),
    /// Encodes videos again that an older version encoded; shows the space that this needs, and asks first
    #[command(
        after_help = "Example: reelmill remake --token-file ./data/admin-token --all\n\n\
        Name videos, or use --all. Videos that an older version encoded are encoded again from their\n\
        sources when the server has no other videos to encode. Viewers get the old files until the new\n\
        ones are complete; the old files are deleted 30 days later.\n\n\
        Exit codes: 0 done, 1 failed or some videos cannot be encoded again, 2 wrong arguments."
    )]
    Remake(Remake),
    /// Creates, lists and revokes API tokens; the server need not be running
    #[command(after_help = "Example: reelmill token create --owner ann --name laptop")]
    Token(Token),
    /// Prints a link that signs you in as the admin; it works once, within ten minutes
    #[command(after_help = "Example: reelmill sign-in --data ./data")]
    SignIn(SignIn),
    /// Checks whether this machine has what reelmill needs
    Doctor(Doctor),
    /// Prints a completion script for a shell
    Completions {
        /// Name of the shell: bash, zsh, fish ...
        shell: clap_complete::Shell,
    },
    /// Prints the man page
    Man,
}

#[derive(Args, Clone)]
pub struct Serve {
    /// Settings file; environment variables (REELMILL_ORIGIN__LISTEN ...) and arguments override it
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder for all data; created if it does not exist [default: ./data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub delivery: Delivery,
    #[command(flatten)]
    pub making: Making,
}

#[derive(Args, Clone)]
pub struct Origin {
    /// Settings file; environment variables (REELMILL_CLUSTER__OBJECTS__BUCKET ...) and arguments override it
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub delivery: Delivery,
}

#[derive(Args, Clone)]
pub struct Worker {
    /// Settings file; environment variables (REELMILL_CLUSTER__OBJECTS__BUCKET ...) and arguments override it
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
    /// Settings file
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Create the keyspace too if it does not exist, with these CQL options after WITH
    #[arg(long)]
    pub create: Option<String>,
}

#[derive(Args)]
pub struct Migrate {
    /// Settings file; environment variables (REELMILL_CLUSTER__OBJECTS__BUCKET ...) and arguments override it
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data folder [default: ./data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Stores to copy from
    #[arg(long)]
    pub from: Kind,
    /// Stores to copy to
    #[arg(long)]
    pub to: Kind,
    /// Read every object back and compare it byte for byte, including objects that were copied before
    #[arg(long)]
    pub verify: bool,
    /// Start even if workers are running in the cluster
    #[arg(long)]
    pub force: bool,
    /// Print the summary as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

/// Kind of stores that `reelmill migrate` copies from or to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Files and SQLite in the data folder
    Local,
    /// Stores of [cluster] in the settings
    Cluster,
}

/// Arguments of `serve` and `origin` that say how clients reach the server.
#[derive(Args, Clone)]
pub struct Delivery {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Address for metrics and health checks; metrics are off without it
    #[arg(long)]
    pub metrics_listen: Option<SocketAddr>,
    /// URL under which clients reach the server [default: http:// and the listen address]
    #[arg(long)]
    pub public_url: Option<String>,
    /// Additional host names that the pages and the API accept
    #[arg(long, value_delimiter = ',')]
    pub allowed_hosts: Option<Vec<String>>,
    /// Networks of trusted proxies, such as 10.0.0.0/8: their X-Forwarded-For names the client
    #[arg(long, value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<IpNet>>,
}

/// Arguments of `serve` and `worker` that say how videos are encoded.
#[derive(Args, Clone)]
pub struct Making {
    /// Encoding effort for each frame: fast, balanced or quality [default: fast]
    #[arg(long)]
    pub policy: Option<Effort>,
    /// Length of a segment in seconds, 2 to 10 [default: 4]
    #[arg(long)]
    pub segment_seconds: Option<u32>,
    /// Choose sizes and bit rates for each title: true or false [default: true]
    #[arg(long)]
    pub per_title: Option<bool>,
    /// Target loudness of sound in LUFS, such as -16 [default: unchanged]
    #[arg(long, allow_negative_numbers = true)]
    pub loudness_lufs: Option<i32>,
    /// Copy the source's H.264 as the largest size instead of encoding it, where players can play it
    #[arg(long)]
    pub passthrough: bool,
    /// Memory for all encoding processes together, such as 512MiB [default: 2GiB]
    #[arg(long)]
    pub memory: Option<Bytes>,
}

#[derive(Args)]
pub struct Transcode {
    /// Media file to encode
    pub input: PathBuf,
    /// Folder for the result; created if it does not exist
    pub output: PathBuf,
    /// Encoding effort for each frame: fast, balanced or quality
    #[arg(long, default_value = "fast")]
    pub policy: Effort,
    /// Length of a segment in seconds, 2 to 10
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=10))]
    pub segment_seconds: u32,
    /// Choose sizes and bit rates for the title: true or false
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub per_title: bool,
    /// Target loudness of sound in LUFS, -40 to -5, such as -16 [default: unchanged]
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-40..=-5))]
    pub loudness_lufs: Option<i32>,
    /// Copy the source's H.264 as the largest size instead of encoding it, where players can play it
    #[arg(long)]
    pub passthrough: bool,
    /// Memory for the encoding process, such as 512MiB or 2GiB; at least 128MiB
    #[arg(long, default_value = "4GiB", value_parser = parse_engine_memory)]
    pub memory: Bytes,
    /// Delete what the folder holds if it is the result of another source or of other options
    #[arg(long)]
    pub force: bool,
    /// Print the summary as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Probe {
    /// Media file to examine
    pub input: PathBuf,
    /// Print the encoding plan of the file instead
    #[arg(long)]
    pub plan: bool,
}

/// Parses a memory size and refuses one that is too small for an engine.
fn parse_engine_memory(text: &str) -> Result<Bytes, String> {
    let bytes: Bytes = text.parse()?;
    match bytes.0 >= LEAST_MEMORY {
        true => Ok(bytes),
        false => Err(format!("at least {} MiB", LEAST_MEMORY >> 20)),
    }
}

#[derive(Args)]
pub struct Upload {
    /// Files to upload; `-` reads standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Title of the video [default: the name of the file]
    #[arg(long)]
    pub title: Option<String>,
    /// Wait until the whole video is encoded, not only until it plays
    #[arg(long)]
    pub wait: bool,
    /// Print each video as one line of JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub server: Server,
}

/// Arguments that name a running server and the API token for it.
#[derive(Args)]
pub struct Server {
    /// URL of the server
    #[arg(long, env = "REELMILL_SERVER", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// API token; prefer the variable: other users of the machine can see arguments
    #[arg(long, env = "REELMILL_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// File that holds an API token
    #[arg(
        long,
        env = "REELMILL_TOKEN_FILE",
        default_value = "./data/admin-token"
    )]
    pub token_file: PathBuf,
}

#[derive(Args)]
pub struct Remake {
    /// Ids of the videos to encode again
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub videos: Vec<String>,
    /// Encode every video again that the token may change
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
    /// Settings file; needed where the settings have a [cluster]
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data folder [default: ./data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    #[command(subcommand)]
    pub action: TokenAction,
}

#[derive(Subcommand)]
pub enum TokenAction {
    /// Creates a token and prints its secret; the secret cannot be shown again
    Create {
        /// Name of the user that the token acts for; created if it does not exist
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        owner: String,
        /// Name of the token in the list, such as the machine that uses it
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Allow the token to change all videos, not only the owner's own
        #[arg(long)]
        admin: bool,
    },
    /// Lists tokens, without their secrets
    List,
    /// Revokes a token
    Revoke {
        /// Id of the token, as `reelmill token list` prints it
        id: String,
    },
}

#[derive(Args)]
pub struct SignIn {
    /// Settings file; needed where the settings have a [cluster]
    #[arg(long, env = "REELMILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data folder [default: ./data]
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// URL under which browsers reach the server [default: http://127.0.0.1:8080]
    #[arg(long)]
    pub public_url: Option<String>,
}

#[derive(Args)]
pub struct Doctor {
    /// Data folder
    #[arg(long, env = "REELMILL_DATA", default_value = "./data")]
    pub data: PathBuf,
    /// Address that the server is to listen on
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
