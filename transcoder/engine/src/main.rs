//! The program `reelmill-engine`: the only place where media is parsed. There is one process for each session.
//! `transcoder` starts it with one end of a socket pair as its standard input, from which orders come and to which
//! results go.
//!
//! A start first shuts the `cage`, then runs a `session` over the `link`. `input` reads the source, `probe` finds out
//! what it contains, `video`, `audio`, `text` and `stills` make the parts of a presentation, and `output` sends them.
//! Begin with `session`.

mod audio;
mod cage;
mod ffi;
mod input;
mod link;
mod output;
mod probe;
mod refusal;
mod session;
mod stills;
mod text;
mod video;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use protocol::{Decoder, ToEngine, ToParent};

#[allow(unsafe_code)]
fn main() -> ExitCode {
    // SAFETY: this is the first statement of the program, so there is one thread.
    unsafe { ffi::quiet_gstreamer() };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .init();
    let ended = match std::env::args().nth(1).as_deref() {
        None => run().map(|()| true),
        Some("trial") => cage::trial::run(true),
        Some("trial-uncaged") => cage::trial::run(false),
        Some(other) => Err(anyhow::anyhow!("unknown argument `{other}`")),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    ffi::close_inherited();
    let stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    stream
        .peer_addr()
        .context("reelmill-engine is started by reelmill, not by hand")?;
    let mut decoder = Decoder::default();
    let (size, budget, limits) = opening(&stream, &mut decoder)?;
    stills::load_plugins()?;
    let lacking = cage::shut(&budget)?;
    ffmpeg_next::init()?;
    ffi::silence();
    ffi::bound_allocations();
    let (link, inputs) = link::Link::start(stream, decoder)?;
    let libraries = format!("libavcodec {}", ffmpeg_next::codec::version());
    let ready = ToParent::Ready {
        protocol: protocol::PROTOCOL,
        libraries,
        lacking,
    };
    link.send(&ready, &[])?;
    session::Session::new(link, size, budget, limits).run(&inputs)?;
    Ok(())
}

fn opening(
    stream: &UnixStream,
    decoder: &mut Decoder,
) -> Result<(u64, protocol::Budget, plan::Limits)> {
    let mut stream = stream.try_clone()?;
    loop {
        match decoder.take::<ToEngine>()? {
            Some((
                ToEngine::Open {
                    size,
                    budget,
                    limits,
                },
                _,
            )) => return Ok((size, budget, limits)),
            Some(_) => bail!("a session must start with `Open`"),
            None if link::receive(&mut stream, decoder)? => {}
            None => bail!("the parent hung up"),
        }
    }
}
