//! The one connection of a process, and whether it holds.
//!
//! The client makes it anew as often as it breaks, and nobody else does. Meanwhile whoever asks
//! for something learns within seconds that nobody answers.

use std::fmt::Display;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{
    Client, ConnectOptions, Event, RequestErrorKind, ServerAddr, Subject, Subscriber,
};
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::settings::{Access, Nats, OpenError};
use super::version;
use crate::{Clock, Error, Jitter};

/// A server that is there takes a connection in well under this.
const CONNECT: Duration = Duration::from_secs(3);
/// An operation, and the making anew of a connection that it meets broken.
const PATIENCE: Duration = Duration::from_secs(4);
/// A server that says nothing is asked so often whether it is there; the third time without an
/// answer the connection counts as broken.
const PING: Duration = Duration::from_secs(3);
/// The longest pause between two tries to make the connection anew.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// What may wait to be written: some hundred bytes each, kept while the connection is made anew.
const WAITING_TO_BE_SENT: usize = 1024;
/// What may wait for us in each subscription; whoever hears takes it out at once, into a backlog
/// of its own, so that this many means that the whole process stood still.
const WAITING_TO_BE_HEARD: usize = 4096;
/// Until a connection that has just broken is known as such.
const MOMENT: Duration = Duration::from_millis(20);

/// The connection of this process; cheap to clone. Gone with the last clone and the last who uses
/// it.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    client: Client,
    settings: Nats,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    link: watch::Receiver<Link>,
    lost: watch::Receiver<u64>,
}

/// How the connection is.
#[derive(Clone, Copy)]
pub(in crate::cluster) struct Link {
    pub(in crate::cluster) is_up: bool,
    /// Times that something on its way to us was lost.
    pub(in crate::cluster) breaks: u64,
}

impl Connection {
    /// Connects to a server that can do what is asked of it.
    ///
    /// # Errors
    /// Where none answers within seconds, lets us in, or is new enough.
    pub async fn open(settings: &Nats, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let addresses = addresses(settings)?;
        let (tell, link) = watch::channel(Link {
            is_up: true,
            breaks: 0,
        });
        let options = options(settings).await?.event_callback(move |event| {
            tell.send_modify(|link| link.hear(&event));
            future::ready(())
        });
        let client = options.connect(addresses).await;
        let client = client.map_err(|error| settings.unusable(error))?;
        let info = client.server_info();
        if !version::is_new_enough(&info.version) {
            let (major, minor) = version::OLDEST;
            return Err(OpenError::TooOld {
                servers: settings.shown_servers(),
                found: info.version,
                needed: format!("{major}.{minor}"),
            });
        }
        let (tell, lost) = watch::channel(0);
        let connection = Self(Arc::new(Inner {
            client: client.clone(),
            settings: settings.clone(),
            clock: Arc::clone(&clock),
            runtime: Handle::current(),
            link: link.clone(),
            lost,
        }));
        let reached = connection.answer(connection.reach()).await;
        reached.map_err(|_| {
            let prefix = &settings.prefix;
            settings.unusable(format!(
                "nothing is heard of what is sent to {prefix}.>; is our account allowed to?"
            ))
        })?;
        let nobody = connection.nobody();
        tokio::spawn(watch(client, nobody, clock, link, tell));
        Ok(connection)
    }

    pub(in crate::cluster) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(in crate::cluster) fn settings(&self) -> &Nats {
        &self.0.settings
    }

    pub(in crate::cluster) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Where tasks run, for who may be outside.
    pub(in crate::cluster) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// How the connection is, from now on.
    pub(in crate::cluster) fn link(&self) -> watch::Receiver<Link> {
        let mut link = self.0.link.clone();
        link.mark_unchanged();
        link
    }

    /// Changes when something that was to be heard may be lost, and what is sent from then on is
    /// heard again.
    pub(in crate::cluster) fn lost(&self) -> watch::Receiver<u64> {
        let mut lost = self.0.lost.clone();
        lost.mark_unchanged();
        lost
    }

    /// One of our subjects.
    pub(in crate::cluster) fn subject(&self, rest: impl Display) -> Subject {
        format!("{}.{rest}", self.0.settings.prefix).into()
    }

    pub(in crate::cluster) fn unusable(&self, error: &Error) -> OpenError {
        self.0.settings.unusable(reason(error))
    }

    pub(in crate::cluster) fn no_jetstream(&self) -> OpenError {
        let servers = self.0.settings.shown_servers();
        OpenError::NoJetStream { servers }
    }

    /// Returns when the connection holds, if that is soon.
    pub(in crate::cluster) async fn holds(&self) -> Result<(), Error> {
        self.answer(future::ready(Ok(()))).await
    }

    /// Does something with the server; an error if the connection does not hold, or come back,
    /// for long enough.
    pub(in crate::cluster) async fn answer<T>(
        &self,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut link = self.0.link.clone();
        let operation = async {
            if self.0.client.connection_state() != State::Connected {
                let up = link.wait_for(|link| link.is_up).await;
                up.map_err(Error::unavailable)?;
            }
            operation.await
        };
        tokio::select! {
            answer = operation => answer,
            () = self.0.clock.sleep(PATIENCE) => Err(Error::unavailable("NATS is away")),
        }
    }

    /// Sends without waiting for anybody; an error at once if the connection is known to be
    /// broken.
    pub(in crate::cluster) async fn send(
        &self,
        subject: Subject,
        payload: Bytes,
    ) -> Result<(), Error> {
        if self.0.client.connection_state() != State::Connected {
            return Err(Error::unavailable("NATS is away"));
        }
        let mut link = self.0.link.clone();
        tokio::select! {
            biased;
            sent = self.0.client.publish(subject, payload) => sent.map_err(Error::unavailable),
            // Before what waits to be sent had left.
            _ = link.wait_for(|link| !link.is_up) => Err(Error::unavailable("NATS is away")),
            () = self.0.clock.sleep(PATIENCE) => Err(Error::unavailable("NATS is stuck")),
        }
    }

    /// Hears a subject, alone or as one of a group, from when [`Connection::reach`] returns.
    pub(in crate::cluster) async fn hear(
        &self,
        subject: Subject,
        group: Option<&str>,
    ) -> Result<Subscriber, Error> {
        let client = &self.0.client;
        let heard = match group {
            Some(group) => client.queue_subscribe(subject, group.to_owned()).await,
            None => client.subscribe(subject).await,
        };
        heard.map_err(Error::unavailable)
    }

    /// Returns when the server has seen all that was sent to it before. Others of a cluster see
    /// it a moment later.
    pub(in crate::cluster) async fn reach(&self) -> Result<(), Error> {
        reach(&self.0.client, self.nobody()).await
    }

    /// A subject that nobody hears.
    fn nobody(&self) -> Subject {
        self.subject("nobody")
    }
}

impl Link {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Connected => self.is_up = true,
            Event::Disconnected => {
                self.is_up = false;
                self.breaks += 1;
            }
            // The client has dropped what it could not hand over.
            Event::SlowConsumer(_) => self.breaks += 1,
            _ => {}
        }
    }
}

/// Tells those who listen that something was lost, once they hear again: the client subscribes
/// anew before it sends anything else.
async fn watch(
    client: Client,
    nobody: Subject,
    clock: Arc<dyn Clock>,
    mut link: watch::Receiver<Link>,
    lost: watch::Sender<u64>,
) {
    let mut known = 0;
    loop {
        let broken = async {
            let link = link.wait_for(|link| link.is_up && link.breaks != known);
            link.await.map(|link| link.breaks)
        };
        let breaks = tokio::select! {
            Ok(breaks) = broken => breaks,
            // Nobody uses the connection any more.
            () = lost.closed() => return,
        };
        match reach(&client, nobody.clone()).await {
            Ok(()) => {
                known = breaks;
                lost.send_replace(breaks);
                tracing::warn!("the connection to NATS was broken, and holds again");
            }
            Err(_) => clock.sleep(MOMENT).await,
        }
    }
}

/// A question that nobody answers: the server says so, after all that came before it.
async fn reach(client: &Client, nobody: Subject) -> Result<(), Error> {
    if client.connection_state() != State::Connected {
        return Err(Error::unavailable("NATS is away"));
    }
    match client.request(nobody, Bytes::new()).await {
        Err(error) if error.kind() != RequestErrorKind::NoResponders => {
            Err(Error::unavailable(error))
        }
        _ => Ok(()),
    }
}

fn addresses(settings: &Nats) -> Result<Vec<ServerAddr>, OpenError> {
    let prefix = &settings.prefix;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if prefix.is_empty() || !prefix.chars().all(is_plain) {
        return Err(OpenError::Prefix {
            prefix: prefix.clone(),
        });
    }
    let addresses = settings.servers.iter().map(|server| {
        let address: ServerAddr = server.parse().map_err(|error| settings.unusable(error))?;
        if address.has_user_pass() || address.password().is_some() {
            return Err(OpenError::SecretInAddress {
                servers: settings.shown_servers(),
            });
        }
        Ok(address)
    });
    addresses.collect()
}

async fn options(settings: &Nats) -> Result<ConnectOptions, OpenError> {
    let jitter = Jitter::from_entropy();
    let mut options = ConnectOptions::new()
        .name("reelmill")
        // Under our prefix too: who is allowed that is allowed to hear answers.
        .custom_inbox_prefix(format!("{}.inbox", settings.prefix))
        .connection_timeout(CONNECT)
        .request_timeout(Some(PATIENCE))
        .ping_interval(PING)
        .client_capacity(WAITING_TO_BE_SENT)
        .subscription_capacity(WAITING_TO_BE_HEARD)
        // Not all at the same time when a server comes back.
        .reconnect_delay_callback(move |tries| {
            let doubled = u32::try_from(tries)
                .unwrap_or(u32::MAX)
                .saturating_sub(1)
                .min(8);
            jitter.up_to((Duration::from_millis(10) * 2_u32.pow(doubled)).min(LONGEST_PAUSE))
        });
    if let Some(authorities) = &settings.authorities {
        options = options.add_root_certificates(authorities.clone());
    }
    Ok(match &settings.access {
        Access::Open => options,
        Access::Token(token) => options.token(token.clone()),
        Access::Password { user, password } => {
            options.user_and_password(user.clone(), password.clone())
        }
        Access::Credentials(file) => {
            let read = options.credentials_file(file).await;
            read.map_err(|source| OpenError::Credentials {
                file: file.clone(),
                source,
            })?
        }
    })
}

/// What the server said, not what a caller makes of it.
pub(in crate::cluster) fn reason(error: &Error) -> String {
    match error {
        Error::Unavailable { source }
        | Error::Overloaded { source }
        | Error::Unauthorized { source }
        | Error::Refused { source } => source.to_string(),
        other => other.to_string(),
    }
}
