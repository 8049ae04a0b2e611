//! Whose turn it is to have something made: networks go round, inside a network its viewers.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use plan::VideoId;
use store::Moment;
use tokio::sync::oneshot;

/// Who was served is remembered for so many; a house full of viewers is fewer.
const REMEMBERED: usize = 4096;

/// Who asks for a segment, as far as turns go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// Where the request comes from; nothing where nobody can tell, as behind a proxy that does
    /// not say: no share binds those.
    pub network: Option<Network>,
    /// The player's session: CMCD's `sid`.
    pub session: Option<String>,
    /// When the player has nothing left to show: CMCD's `dl`.
    pub deadline: Option<Duration>,
}

impl Viewer {
    /// Whether two requests of theirs can be told from two viewers.
    pub(crate) fn is_known(&self) -> bool {
        self.network.is_some() || self.session.is_some()
    }

    /// The same player, as far as can be told.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.network, &self.session) == (other.network, &other.session)
    }
}

impl From<&Viewer> for store::work::Viewer {
    fn from(viewer: &Viewer) -> Self {
        Self {
            network: viewer.network.map(|network| network.0),
            session: viewer.session.clone(),
        }
    }
}

impl Viewer {
    /// Who asks by way of another process, and what time they have left.
    pub(crate) fn heard(viewer: &store::work::Viewer, patience: Duration) -> Self {
        Self {
            network: viewer.network.map(Network::from),
            session: viewer.session.clone(),
            deadline: Some(patience),
        }
    }
}

/// An address, or the 64 bits of an IPv6 address that one customer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let prefix = u128::from(v6) >> 64 << 64;
                Self(Ipv6Addr::from(prefix).into())
            }
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

/// Who takes turns inside a network: players' sessions, or videos where players do not say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Line {
    Session(String),
    Video(VideoId),
}

/// When somebody was served last, in turns: the network, and the line inside it.
pub(crate) type Rank = (u64, u64);

/// By whom something is waited for.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    pub(crate) viewer: Viewer,
    pub(crate) second_try: bool,
    pub(crate) deadline: Moment,
}

struct Ticket {
    number: u64,
    asked: Asked,
    video: VideoId,
    call: oneshot::Sender<Turn>,
}

#[derive(Default)]
struct State {
    free: usize,
    tickets: Vec<Ticket>,
    /// Turns that were given, and tickets drawn.
    count: u64,
    networks: HashMap<Option<Network>, u64>,
    lines: HashMap<(Option<Network>, Line), u64>,
}

/// Places in which something is made, and who waits for one.
pub(crate) struct Turns {
    places: usize,
    state: Mutex<State>,
}

/// A place; free again when dropped.
pub(crate) struct Turn(Weak<Turns>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.upgrade() {
            turns.state.lock().free += 1;
            turns.call();
        }
    }
}

impl Turns {
    pub(crate) fn new(places: usize) -> Arc<Self> {
        let state = State {
            free: places,
            ..State::default()
        };
        Arc::new(Self {
            places,
            state: Mutex::new(state),
        })
    }

    /// How many things are made at once.
    pub(crate) const fn places(&self) -> usize {
        self.places
    }

    /// Queues up for a turn; who loses interest drops what they got.
    pub(crate) fn ask(self: &Arc<Self>, asked: &Asked, video: VideoId) -> oneshot::Receiver<Turn> {
        let (call, called) = oneshot::channel();
        {
            let mut state = self.state.lock();
            state.count += 1;
            let ticket = Ticket {
                number: state.count,
                asked: asked.clone(),
                video,
                call,
            };
            state.tickets.push(ticket);
        }
        self.call();
        called
    }

    /// When this viewer was served last.
    pub(crate) fn rank(&self, viewer: &Viewer, video: VideoId) -> Rank {
        self.state.lock().rank(viewer, video)
    }

    /// Gives free places to whose turn it is.
    fn call(self: &Arc<Self>) {
        let mut state = self.state.lock();
        // Those who went away.
        state.tickets.retain(|ticket| !ticket.call.is_closed());
        while state.free > 0
            && let Some(ticket) = state.next()
        {
            if let Err(turn) = ticket.call.send(Turn(Arc::downgrade(self))) {
                // Gone this moment: the place is still free, and its guard not to say so.
                std::mem::forget(turn);
                continue;
            }
            state.free -= 1;
            state.note(&ticket.asked.viewer, ticket.video);
        }
    }
}

fn line(viewer: &Viewer, video: VideoId) -> Line {
    match &viewer.session {
        Some(session) => Line::Session(session.clone()),
        None => Line::Video(video),
    }
}

impl State {
    fn rank(&self, viewer: &Viewer, video: VideoId) -> Rank {
        let network = self.networks.get(&viewer.network);
        let line = self.lines.get(&(viewer.network, line(viewer, video)));
        (network.copied().unwrap_or(0), line.copied().unwrap_or(0))
    }

    /// First who has got nothing yet: a first picture before anybody's next. Then second tries:
    /// some players give up for good after them. Then who was served longest ago, then who has
    /// the least time.
    fn next(&mut self) -> Option<Ticket> {
        let order = |ticket: &Ticket| {
            let asked = &ticket.asked;
            let rank = self.rank(&asked.viewer, ticket.video);
            let has_some = rank.1 > 0;
            let patience = (!asked.second_try, rank, asked.deadline, ticket.number);
            (has_some, patience)
        };
        let first = (0..self.tickets.len()).min_by_key(|&at| order(&self.tickets[at]))?;
        Some(self.tickets.swap_remove(first))
    }

    fn note(&mut self, viewer: &Viewer, video: VideoId) {
        if self.lines.len() >= REMEMBERED {
            self.networks.clear();
            self.lines.clear();
        }
        self.count += 1;
        self.networks.insert(viewer.network, self.count);
        let line = line(viewer, video);
        self.lines.insert((viewer.network, line), self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video() -> VideoId {
        "video_01h455vb4pex5vsknk084sn02q".parse().unwrap()
    }

    fn viewer(address: u8, session: Option<&str>) -> Viewer {
        Viewer {
            network: Some(IpAddr::from([192, 0, 2, address]).into()),
            session: session.map(str::to_owned),
            deadline: None,
        }
    }

    /// Takes turns one after another in a house with one place; who got them in which order.
    fn order(waiting: &[(&str, Viewer, bool)]) -> Vec<String> {
        let turns = Turns::new(1);
        let ask = |(name, viewer, second_try): &(&str, Viewer, bool)| {
            let asked = Asked {
                viewer: viewer.clone(),
                second_try: *second_try,
                deadline: Moment::default(),
            };
            ((*name).to_owned(), turns.ask(&asked, video()))
        };
        let (_, mut first) = ask(&("", viewer(0, None), false));
        let mut held = Some(first.try_recv().unwrap());
        let mut pending: Vec<_> = waiting.iter().map(ask).collect();
        let mut got = Vec::new();
        while !pending.is_empty() {
            assert!(pending.iter_mut().all(|(_, call)| call.try_recv().is_err()));
            drop(held.take());
            let called = |(_, call): &mut (_, oneshot::Receiver<Turn>)| {
                held = call.try_recv().ok();
                held.is_some()
            };
            let at = pending.iter_mut().position(called).unwrap();
            got.push(pending.remove(at).0);
        }
        got
    }

    #[test]
    fn networks_go_round_and_viewers_inside_them() {
        let waiting = [
            ("a1", viewer(1, Some("a")), false),
            ("a2", viewer(1, Some("a")), false),
            ("b1", viewer(1, Some("b")), false),
            ("c1", viewer(2, None), false),
            ("c2", viewer(2, None), false),
        ];
        assert_eq!(order(&waiting), ["a1", "c1", "b1", "c2", "a2"]);
    }

    #[test]
    fn second_tries_come_first_but_for_first_pictures() {
        let waiting = [
            ("next", viewer(1, Some("a")), false),
            ("again", viewer(1, Some("a")), false),
            ("second", viewer(0, None), true),
            ("new", viewer(2, None), false),
        ];
        assert_eq!(order(&waiting), ["next", "new", "second", "again"]);
    }

    #[test]
    fn who_goes_away_takes_no_turn() {
        let turns = Turns::new(1);
        let asked = Asked {
            viewer: viewer(1, None),
            ..Asked::default()
        };
        let ask = || turns.ask(&asked, video());
        let held = ask().try_recv().unwrap();
        let gone = ask();
        let mut stays = ask();
        drop(gone);
        drop(held);
        assert!(stays.try_recv().is_ok());
    }

    #[test]
    fn a_customer_with_ipv6_is_one_network() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
