//! Turns: the order in which viewers' requests are made. Networks take turns, and within a network its videos do.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use plan::VideoId;
use store::Moment;
use tokio::sync::oneshot;

/// Pairs of network and video whose last turn is remembered: more than there are viewers in one installation.
const REMEMBERED: usize = 4096;

/// The sender of a request, as far as turns need to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// Network of the sender; `None` where nobody can tell, as behind a proxy that does not name its clients. No
    /// per-network limit applies then.
    pub network: Option<Network>,
    /// Session of the player: CMCD's `sid`.
    pub session: Option<String>,
    /// Time until the player has nothing left to show: CMCD's `dl`.
    pub deadline: Option<Duration>,
}

impl Viewer {
    /// Whether two requests of this viewer can be told from requests of two viewers.
    pub(crate) fn is_known(&self) -> bool {
        self.network.is_some() || self.session.is_some()
    }

    /// Whether two requests come from the same player, as far as can be told.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.network, &self.session) == (other.network, &other.session)
    }
}

impl From<&Viewer> for store::work::Viewer {
    fn from(viewer: &Viewer) -> Self {
        Self {
            network: viewer.network.map(|network| network.0),
            session: viewer.session.clone(),
            deadline: viewer.deadline,
        }
    }
}

impl From<&store::work::Viewer> for Viewer {
    fn from(viewer: &store::work::Viewer) -> Self {
        Self {
            network: viewer.network.map(Network::from),
            session: viewer.session.clone(),
            deadline: viewer.deadline,
        }
    }
}

/// A network: an IPv4 address, or the 64-bit prefix of an IPv6 address that one customer has.
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

/// Numbers of the last turns of a network, and of the video inside it; the smaller rank goes first. Nothing that a
/// player says is part of the rank: a player that says something new each time would always come first.
pub(crate) type Rank = (u64, u64);

/// Who waits for a segment, and until when.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    pub(crate) viewer: Viewer,
    /// Whether an earlier request of the same network for the segment was not served.
    pub(crate) second_try: bool,
    /// When the player has nothing left to show. The deadline orders the requests of one network only.
    pub(crate) deadline: Moment,
    /// When the request stops waiting.
    pub(crate) until: Moment,
}

/// A request in the queue for a turn.
struct Ticket {
    number: u64,
    asked: Asked,
    video: VideoId,
    /// Gives the turn to the requester.
    call: oneshot::Sender<Turn>,
}

/// Free places, waiting tickets, and when each network had its last turn.
#[derive(Default)]
struct State {
    free: usize,
    tickets: Vec<Ticket>,
    /// Number of turns given and of tickets drawn.
    count: u64,
    /// Number of the last turn of each network.
    networks: HashMap<Option<Network>, u64>,
    /// Number of the last turn of each video of a network.
    videos: HashMap<(Option<Network>, VideoId), u64>,
    /// Whether the last turn went to a second try that overtook other requests.
    overtook: bool,
}

/// Places at which something is made for viewers, and the tickets of those who wait for one.
pub(crate) struct Turns {
    places: usize,
    state: Mutex<State>,
}

/// One place; it is free again when this is dropped.
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

    /// Number of places: so many things are made at once.
    pub(crate) const fn places(&self) -> usize {
        self.places
    }

    /// Queues for a turn. A requester who has lost interest drops the receiver.
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

    /// Rank of a viewer's request for this video; the smaller rank goes first.
    pub(crate) fn rank(&self, viewer: &Viewer, video: VideoId) -> Rank {
        self.state.lock().rank(viewer, video)
    }

    /// Gives free places to the tickets whose turn it is.
    fn call(self: &Arc<Self>) {
        let mut state = self.state.lock();
        // Tickets of requests that went away are dropped.
        state.tickets.retain(|ticket| !ticket.call.is_closed());
        while state.free > 0
            && let Some(ticket) = state.next()
        {
            if let Err(turn) = ticket.call.send(Turn(Arc::downgrade(self))) {
                // The request went away this moment. The place is still free, so the turn must not free it again.
                std::mem::forget(turn);
                continue;
            }
            state.free -= 1;
            state.note(&ticket.asked.viewer, ticket.video);
        }
    }
}

impl State {
    fn rank(&self, viewer: &Viewer, video: VideoId) -> Rank {
        let network = self.networks.get(&viewer.network);
        let video = self.videos.get(&(viewer.network, video));
        (network.copied().unwrap_or(0), video.copied().unwrap_or(0))
    }

    /// Takes the ticket that is next. First comes a network that has had no turn yet, so that a first picture goes
    /// before anybody's next one. Then come second tries, since some players give up for good after them; two second
    /// tries do not follow each other while others wait, so that a client that always tries again takes at most half of
    /// the turns. Then comes who was served longest ago, then the earliest deadline.
    fn next(&mut self) -> Option<Ticket> {
        let overtakes = |ticket: &Ticket| ticket.asked.second_try && !self.overtook;
        let order = |ticket: &Ticket| {
            let asked = &ticket.asked;
            let rank = self.rank(&asked.viewer, ticket.video);
            let has_some = rank.0 > 0;
            let inside = (!asked.second_try, asked.deadline, ticket.number);
            (has_some, !overtakes(ticket), rank, inside)
        };
        let first = (0..self.tickets.len()).min_by_key(|&at| order(&self.tickets[at]))?;
        let overtook = overtakes(&self.tickets[first]);
        self.overtook = overtook;
        Some(self.tickets.swap_remove(first))
    }

    fn note(&mut self, viewer: &Viewer, video: VideoId) {
        if self.videos.len() >= REMEMBERED {
            self.networks.clear();
            self.videos.clear();
        }
        self.count += 1;
        self.networks.insert(viewer.network, self.count);
        self.videos.insert((viewer.network, video), self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(n: u128) -> VideoId {
        VideoId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn viewer(address: u8) -> Viewer {
        Viewer {
            network: Some(IpAddr::from([192, 0, 2, address]).into()),
            ..Viewer::default()
        }
    }

    /// Somebody who waits for a turn: a name, the viewer, the video, and whether it is a second try.
    struct Waits(&'static str, Viewer, VideoId, bool);

    fn asked(viewer: &Viewer, second_try: bool) -> Asked {
        let wait = Duration::from_secs(9);
        let until = Moment::default() + wait;
        Asked {
            viewer: viewer.clone(),
            second_try,
            deadline: Moment::default() + viewer.deadline.unwrap_or(wait),
            until,
        }
    }

    /// Names of the waiting requests in the order in which they get turns at one place, after address 0 had the first
    /// turn.
    fn order(waiting: &[Waits]) -> Vec<&'static str> {
        let turns = Turns::new(1);
        let ask = |Waits(name, viewer, video, second_try): &Waits| {
            (*name, turns.ask(&asked(viewer, *second_try), *video))
        };
        let (_, mut first) = ask(&Waits("", viewer(0), video(0), false));
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
    fn networks_go_round_and_videos_inside_them() {
        let waiting = [
            Waits("a1", viewer(1), video(1), false),
            Waits("a2", viewer(1), video(1), false),
            Waits("b1", viewer(1), video(2), false),
            Waits("c1", viewer(2), video(1), false),
            Waits("c2", viewer(2), video(1), false),
        ];
        assert_eq!(order(&waiting), ["a1", "c1", "b1", "c2", "a2"]);
    }

    #[test]
    fn what_a_player_says_puts_it_before_nobody_but_its_own_network() {
        let says = |session: &str, ms| Viewer {
            session: Some(session.into()),
            deadline: Some(Duration::from_millis(ms)),
            ..viewer(1)
        };
        let waiting = [
            Waits("a1", says("one", 0), video(1), false),
            Waits("a2", says("two", 100), video(1), false),
            Waits("a3", says("three", 0), video(1), false),
            Waits("b1", viewer(2), video(1), false),
            Waits("b2", viewer(2), video(1), false),
        ];
        assert_eq!(order(&waiting), ["a1", "b1", "a3", "b2", "a2"]);
    }

    #[test]
    fn second_tries_come_first_but_for_first_pictures() {
        let waiting = [
            Waits("next", viewer(1), video(0), false),
            Waits("again", viewer(1), video(0), false),
            Waits("second", viewer(0), video(0), true),
            Waits("new", viewer(2), video(0), false),
        ];
        assert_eq!(order(&waiting), ["next", "new", "second", "again"]);
    }

    #[test]
    fn who_always_tries_again_leaves_every_other_turn_to_others() {
        let tries = || Waits("again", viewer(0), video(0), true);
        let next = || Waits("next", viewer(1), video(0), false);
        let new = Waits("new", viewer(1), video(0), false);
        let waiting = [new, tries(), tries(), tries(), next(), next()];
        let expected = ["new", "again", "next", "again", "next", "again"];
        assert_eq!(order(&waiting), expected);
    }

    #[test]
    fn who_goes_away_takes_no_turn() {
        let turns = Turns::new(1);
        let ask = || turns.ask(&asked(&viewer(1), false), video(0));
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
