//! The one NATS connection of a process, and its state.
//!
//! The client reconnects whenever the connection breaks, and no other code retries. In the meantime callers get an
//! error within seconds.

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

/// Time limit of a connection attempt. A reachable server accepts a connection in much less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time limit of an operation, including the reconnection if the connection is broken.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);
/// Interval at which an idle connection is tested. After the third test without an answer the connection counts as
/// broken.
const PING_INTERVAL: Duration = Duration::from_secs(3);
/// Longest pause between two attempts to reconnect.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Largest number of messages that wait to be sent, also during a reconnection. Each has some hundred bytes.
const SEND_QUEUE: usize = 1024;
/// Largest number of messages that wait in each subscription. Listeners move messages to a backlog of their own at
/// once, so a full queue means that the whole process stood still.
const RECEIVE_QUEUE: usize = 4096;
/// Pause before the state of a connection that has just broken is checked again.
const RECHECK_PAUSE: Duration = Duration::from_millis(20);

/// The connection of this process. Clones are cheap; the connection closes with the last clone and the last user.
#[derive(Clone)]
pub struct Connection(Arc<Shared>);

struct Shared {
    client: Client,
    settings: Nats,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    link: watch::Receiver<Link>,
    lost: watch::Receiver<u64>,
}

/// State of the connection.
#[derive(Clone, Copy)]
pub(in crate::cluster) struct Link {
    pub(in crate::cluster) is_up: bool,
    /// Number of times that messages to this process may have been lost.
    pub(in crate::cluster) breaks: u64,
}

impl Connection {
    /// Connects to a server, and checks that it has the needed features.
    ///
    /// # Errors
    /// If no server answers within seconds, access is denied, or the server is too old.
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
        let connection = Self(Arc::new(Shared {
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
                "messages to {prefix}.> do not arrive; does the account have permission to subscribe?"
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

    /// Runtime on which tasks are started, for callers outside of a runtime.
    pub(in crate::cluster) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// Watch of the connection's state, which reports changes from now on.
    pub(in crate::cluster) fn link(&self) -> watch::Receiver<Link> {
        let mut link = self.0.link.clone();
        link.mark_unchanged();
        link
    }

    /// Watch that changes after messages may have been lost and messages arrive again.
    pub(in crate::cluster) fn lost(&self) -> watch::Receiver<u64> {
        let mut lost = self.0.lost.clone();
        lost.mark_unchanged();
        lost
    }

    /// A subject below the prefix of this installation.
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

    /// Returns when the connection is up, or an error if that takes too long.
    pub(in crate::cluster) async fn holds(&self) -> Result<(), Error> {
        self.answer(future::ready(Ok(()))).await
    }

    /// Runs an operation on the server when the connection is up. Returns an error if both together take too long.
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
            () = self.0.clock.sleep(OPERATION_TIMEOUT) => Err(Error::unavailable("NATS cannot be reached")),
        }
    }

    /// Publishes a message without waiting for a receiver. Fails at once if the connection is known to be broken.
    pub(in crate::cluster) async fn send(
        &self,
        subject: Subject,
        payload: Bytes,
    ) -> Result<(), Error> {
        if self.0.client.connection_state() != State::Connected {
            return Err(Error::unavailable("NATS cannot be reached"));
        }
        let mut link = self.0.link.clone();
        tokio::select! {
            biased;
            sent = self.0.client.publish(subject, payload) => sent.map_err(Error::unavailable),
            // The connection broke before the waiting messages were sent.
            _ = link.wait_for(|link| !link.is_up) => Err(Error::unavailable("NATS cannot be reached")),
            () = self.0.clock.sleep(OPERATION_TIMEOUT) => Err(Error::unavailable("NATS does not accept messages")),
        }
    }

    /// Subscribes to a subject, alone or as a member of a group. Messages arrive from the time when
    /// [`Connection::reach`] has returned.
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

    /// Returns when the server has processed everything that was sent before. Other servers of a cluster may process
    /// it a moment later.
    pub(in crate::cluster) async fn reach(&self) -> Result<(), Error> {
        reach(&self.0.client, self.nobody()).await
    }

    /// A subject to which nobody subscribes.
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
            // The client has dropped messages because the subscriber was too slow.
            Event::SlowConsumer(_) => self.breaks += 1,
            _ => {}
        }
    }
}

/// Reports lost messages to listeners once new messages arrive: the client subscribes again before it sends anything
/// else.
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
                tracing::warn!("the connection to NATS was broken and is restored");
            }
            Err(_) => clock.sleep(RECHECK_PAUSE).await,
        }
    }
}

/// Sends a request that nobody answers. The server says so after it has processed everything before.
async fn reach(client: &Client, nobody: Subject) -> Result<(), Error> {
    if client.connection_state() != State::Connected {
        return Err(Error::unavailable("NATS cannot be reached"));
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
        // Answers are sent to subjects below our prefix too, so that no further permission is needed.
        .custom_inbox_prefix(format!("{}.inbox", settings.prefix))
        .connection_timeout(CONNECT_TIMEOUT)
        .request_timeout(Some(OPERATION_TIMEOUT))
        .ping_interval(PING_INTERVAL)
        .client_capacity(SEND_QUEUE)
        .subscription_capacity(RECEIVE_QUEUE)
        // Random pauses prevent that all clients reconnect at the same time when a server comes back.
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

/// Message of the server or driver behind an error.
pub(in crate::cluster) fn reason(error: &Error) -> String {
    match error {
        Error::Unavailable { source }
        | Error::Overloaded { source }
        | Error::Unauthorized { source }
        | Error::Refused { source } => source.to_string(),
        other => other.to_string(),
    }
}
