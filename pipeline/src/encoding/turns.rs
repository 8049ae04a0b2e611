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

/// When somebody was served last, in turns: the network, and the video inside it. Nothing that a player says is in it: who
/// said something new each time would always come first.
pub(crate) type Rank = (u64, u64);

/// By whom something is waited for.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    pub(crate) viewer: Viewer,
    pub(crate) second_try: bool,
    /// When a player has nothing left to show: by this a network's own requests are put in order, and nothing else.
    pub(crate) deadline: Moment,
    /// Until when it is waited for.
    pub(crate) until: Moment,
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
    videos: HashMap<(Option<Network>, VideoId), u64>,
    /// The last turn was a second try's that came before others.
    overtook: bool,
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

impl State {
    fn rank(&self, viewer: &Viewer, video: VideoId) -> Rank {
        let network = self.networks.get(&viewer.network);
        let video = self.videos.get(&(viewer.network, video));
        (network.copied().unwrap_or(0), video.copied().unwrap_or(0))
    }

    /// First a network that has got nothing yet: a first picture before anybody's next. Then second tries: some players give
    /// up for good after them. Two of them do not follow each other while others wait, so that who always tries again takes no
    /// more than half of the turns. Then who was served longest ago, then who has the least time.
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

    /// Somebody who waits.
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

    /// Takes turns one after another in a house with one place, of which address 0 had the first; who got them in which
    /// order.
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
