//! Seats: a limited number of places that many holders share. Nobody holds more seats than are free: the first holder
//! alone gets half of all seats, the next one half of the rest, and so a seat remains for somebody who asks for one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// A limited number of seats for things that wait or are open; each seat is held by somebody.
#[derive(Debug)]
pub struct Seats<K> {
    limit: usize,
    held: Mutex<Held<K>>,
}

/// Number of held seats, in all and by holder.
#[derive(Debug)]
struct Held<K> {
    all: usize,
    by: HashMap<K, usize>,
}

/// One seat; it is free again when this is dropped.
#[derive(Debug)]
pub struct Seat<K: Eq + Hash> {
    seats: Arc<Seats<K>>,
    who: Option<K>,
}

impl<K: Eq + Hash + Clone> Seats<K> {
    /// Creates this many seats.
    pub fn new(limit: usize) -> Arc<Self> {
        let held = Held {
            all: 0,
            by: HashMap::new(),
        };
        Arc::new(Self {
            limit,
            held: Mutex::new(held),
        })
    }

    /// Number of seats that are held now.
    pub fn held(&self) -> usize {
        self.held.lock().all
    }

    /// Takes a seat for this holder, if the holder's share allows one. A holder that cannot be told from others
    /// (`None`) is bound only by the number of all seats.
    pub fn take(self: &Arc<Self>, who: Option<K>) -> Option<Seat<K>> {
        let mut held = self.held.lock();
        let free = self.limit.saturating_sub(held.all);
        let own = who.as_ref().and_then(|who| held.by.get(who)).copied();
        if free == 0 || own.unwrap_or(0) >= free {
            return None;
        }
        held.all += 1;
        if let Some(who) = &who {
            *held.by.entry(who.clone()).or_default() += 1;
        }
        drop(held);
        let seats = self.clone();
        Some(Seat { seats, who })
    }
}

impl<K: Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut held = self.seats.held.lock();
        held.all -= 1;
        if let Some(who) = &self.who
            && let Some(own) = held.by.get_mut(who)
        {
            *own -= 1;
            if *own == 0 {
                held.by.remove(who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(seats: &Arc<Seats<u8>>, who: u8) -> Vec<Seat<u8>> {
        std::iter::from_fn(|| seats.take(Some(who))).collect()
    }

    #[test]
    fn however_many_one_wants_there_is_one_for_the_next() {
        let seats = Seats::new(64);
        let counts: Vec<usize> = (0..6)
            .map(|who| {
                let taken = take_all(&seats, who);
                let count = taken.len();
                std::mem::forget(taken);
                count
            })
            .collect();
        assert_eq!(counts, [32, 16, 8, 4, 2, 1]);
        assert_eq!(seats.held(), 63);
        assert!(seats.take(None).is_some_and(|seat| {
            assert!(seats.take(Some(9)).is_none() && seats.take(None).is_none());
            drop(seat);
            true
        }));
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let seats = Seats::new(4);
        drop(take_all(&seats, 1));
        drop(seats.take(None));
        assert_eq!(seats.held(), 0);
        assert!(seats.held.lock().by.is_empty());
        assert_eq!(take_all(&seats, 1).len(), 2);
    }
}
