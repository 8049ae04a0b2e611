//! The program `reelmill`: video server, encoder and command line tools in one executable.
//!
//! Each subcommand has a file of its name: `serve.rs` runs everything in one process, `origin.rs` and `worker.rs` run
//! one role of a cluster, the others are tools. `cli.rs` declares the arguments, `settings.rs` the settings, and
//! `stores.rs` opens the stores that the settings name. What the servers share is in `server.rs`; what the commands
//! that talk to a running server share is in `client.rs`. Begin reading with `serve.rs`: it shows how the parts are
//! put together.

mod cli;
mod client;
mod doctor;
mod migrate;
mod origin;
mod probe;
mod purge;
mod remake;
mod schema;
mod serve;
mod server;
mod server_url;
mod settings;
mod sign_in;
mod stores;
mod token;
mod transcode;
mod upload;
mod worker;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    let outcome = match cli.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Origin(arguments) => origin::run(arguments),
        Command::Worker(arguments) => worker::run(arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Migrate(arguments) => return migrate::run(arguments),
        Command::Transcode(arguments) => return transcode::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Upload(arguments) => upload::run(&arguments),
        Command::Remake(arguments) => remake::run(&arguments),
        Command::Token(arguments) => token::run(arguments),
        Command::SignIn(arguments) => sign_in::run(arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "reelmill",
                &mut std::io::stdout(),
            );
            Ok(())
        }
        Command::Man => clap_mangen::Man::new(Cli::command())
            .render(&mut std::io::stdout())
            .map_err(anyhow::Error::from),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reelmill: {error:#}");
            // clap also exits with 2 when it refuses an argument.
            match error.is::<settings::InvalidSettings>() {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}

/// Sends log lines to stderr: as text on a terminal, as JSON otherwise. The variable `RUST_LOG` selects the levels.
fn start_logging() {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;

    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{}", store::cluster::LOGGED)));
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // The reader of a pipe may be gone; a log line that cannot be written must not disturb the code that logs.
        .log_internal_errors(false)
        .with_env_filter(filter);
    if std::io::stderr().is_terminal() {
        builder.init();
    } else {
        builder.json().init();
    }
}
