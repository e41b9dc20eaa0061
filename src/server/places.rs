//! Places for connections: whoever only takes one up gives way to whoever has something to ask.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A connection on which nothing was asked for so long gives way, where there is no place left.
const YIELDS_AFTER: Duration = Duration::from_secs(2);

/// The pause between two looks for somebody who may give way.
const PAUSE: Duration = Duration::from_millis(50);

/// Never the time of anything: this connection stays, whatever it does.
const STAYS: u64 = u64::MAX;

/// All places, and who has them.
pub(super) struct Places {
    free: Arc<Semaphore>,
    began: Instant,
    guests: Mutex<(u64, HashMap<u64, Arc<Guest>>)>,
}

/// Somebody with a place.
pub(super) struct Guest {
    /// When something was last asked or answered, in milliseconds since the beginning.
    active: AtomicU64,
    leave: Notify,
}

/// A place that is taken, until it is dropped.
pub(super) struct Taken {
    places: Arc<Places>,
    number: u64,
    guest: Arc<Guest>,
    _place: OwnedSemaphorePermit,
}

impl Places {
    pub fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(places)),
            began: Instant::now(),
            guests: Mutex::default(),
        })
    }

    /// Waits for a place, and asks those to leave for it who have been idle for longest.
    pub async fn take(self: &Arc<Self>) -> Taken {
        loop {
            if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
                return self.given(place);
            }
            self.ask_idlest_to_leave();
            let free = Arc::clone(&self.free).acquire_owned();
            // Nobody closes it.
            if let Ok(Ok(place)) = timeout(PAUSE, free).await {
                return self.given(place);
            }
        }
    }

    fn given(self: &Arc<Self>, place: OwnedSemaphorePermit) -> Taken {
        let guest = Arc::new(Guest {
            active: AtomicU64::new(self.now()),
            leave: Notify::new(),
        });
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.0 += 1;
        let number = guests.0;
        guests.1.insert(number, Arc::clone(&guest));
        Taken {
            places: Arc::clone(self),
            number,
            guest,
            _place: place,
        }
    }

    fn ask_idlest_to_leave(&self) {
        let late = self.now().saturating_sub(YIELDS_AFTER.as_millis() as u64);
        let guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let times = guests.1.values();
        let times = times.map(|guest| (guest.active.load(Relaxed), guest));
        let idlest = times.min_by_key(|(active, _)| *active);
        if let Some((active, guest)) = idlest
            && active < late
        {
            guest.leave.notify_one();
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(STAYS - 1)
    }
}

impl Taken {
    /// Something is asked or answered.
    pub fn is_active(&self) {
        self.guest.active.store(self.places.now(), Relaxed);
    }

    /// This connection is to be silent, and is of use all the same.
    pub fn stays(&self) {
        self.guest.active.store(STAYS, Relaxed);
    }

    /// Waits until somebody else needs the place.
    pub async fn is_wanted(&self) {
        self.guest.leave.notified().await;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let guests = self.places.guests.lock();
        let mut guests = guests.unwrap_or_else(PoisonError::into_inner);
        guests.1.remove(&self.number);
    }
}
