//! Requests that went away without their segment: whoever asks again for it comes first.

use std::collections::VecDeque;

use plan::SegmentKey;

use crate::encoding::turns::Network;

/// Requests that went away unserved and are remembered: the second try outranks the first,
/// since some players give up for good after it. So many of each network.
const REMEMBERED: usize = 16;
/// Networks of which any are.
const NETWORKS: usize = 256;

/// Requests that waited in vain, by network, the latest last.
#[derive(Default)]
pub(super) struct Unserved(VecDeque<(Option<Network>, VecDeque<SegmentKey>)>);

impl Unserved {
    /// Whether this network waited for it before in vain; forgotten with that.
    pub(super) fn take(&mut self, network: Option<Network>, key: &SegmentKey) -> bool {
        let of = self.0.iter_mut().find(|(of, _)| *of == network);
        let Some((_, keys)) = of else {
            return false;
        };
        let at = keys.iter().position(|unserved| unserved == key);
        at.is_some_and(|at| keys.remove(at).is_some())
    }

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
