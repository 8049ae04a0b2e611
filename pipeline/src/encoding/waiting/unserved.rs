//! Requests that went away without their segment: their second try is served first.

use std::collections::VecDeque;

use plan::SegmentKey;

use crate::encoding::turns::Network;

/// Unserved requests that are remembered for each network. A second try outranks a first one, since some players give
/// up for good after it.
const REMEMBERED: usize = 16;
/// Networks whose unserved requests are remembered.
const NETWORKS: usize = 256;

/// Requests that waited in vain, by network; the network that was unserved last is at the end.
#[derive(Default)]
pub(super) struct Unserved(VecDeque<(Option<Network>, VecDeque<SegmentKey>)>);

impl Unserved {
    /// Whether this network waited for this segment before in vain; the request is forgotten with the answer.
    pub(super) fn take(&mut self, network: Option<Network>, key: &SegmentKey) -> bool {
        let of = self.0.iter_mut().find(|(of, _)| *of == network);
        let Some((_, keys)) = of else {
            return false;
        };
        let at = keys.iter().position(|unserved| unserved == key);
        at.is_some_and(|at| keys.remove(at).is_some())
    }

    /// Remembers that this network waited for this segment in vain.
    pub(super) fn put(&mut self, network: Option<Network>, key: SegmentKey) {
        let at = self.0.iter().position(|(of, _)| *of == network);
        let of = at.and_then(|at| self.0.remove(at));
        let (_, mut keys) = of.unwrap_or_default();
        if keys.len() >= REMEMBERED {
            keys.pop_front();
        }
        keys.push_back(key);
        if self.0.len() >= NETWORKS {
            self.0.pop_front();
        }
        self.0.push_back((network, keys));
    }
}
