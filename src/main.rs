//! reelmill: a media processing pipeline and streaming origin in one program.

mod cli;
mod client;
mod doctor;
mod migrate;
mod origin;
mod probe;
mod purge;
mod reached;
mod remake;
mod schema;
mod serve;
mod server;
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
    log();
    let done = match cli.command {
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
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reelmill: {error:#}");
            // As clap has it for arguments that it refuses itself.
            match error.is::<settings::Wrong>() {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}

/// Logs go to stderr: for people on a terminal, as JSON otherwise. `RUST_LOG` chooses.
fn log() {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;

    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{}", store::cluster::LOGGED)));
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // Where nobody reads any more, a line that cannot be written is no trouble of who wrote it.
        .log_internal_errors(false)
        .with_env_filter(filter);
    if std::io::stderr().is_terminal() {
        builder.init();
    } else {
        builder.json().init();
    }
}
