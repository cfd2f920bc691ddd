use super::*;
use crate::app::Readiness;
use futures_util::FutureExt;
use mcp_core::peer::Budget;

/// A client and how many places it may have.
struct Client(Arc<Account>, Option<u32>);

impl Client {
    fn new(part: Option<u32>) -> Self {
        Self(Account::new(Budget::new(1 << 20), part.is_none()), part)
    }

    /// One more connection of it.
    fn who(&self) -> Who {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        Who {
            peer: Peer::new(self.0.clone()),
            usage: Usage::new(Readiness::default(), Duration::from_secs(30)),
            part: self.1,
        }
    }
}

fn is_needed(seat: &Arc<Seat>) -> bool {
    seat.is_needed().now_or_never().is_some()
}

/// A request and its answer.
fn used(seat: &Arc<Seat>) {
    drop(seat.who.usage.begin());
}

fn within(seats: &Seats, client: &Client) -> Arc<Seat> {
    seats.within(client.who()).ok().unwrap()
}

#[test]
fn beyond_the_bound_the_oldest_makes_room_for_the_newest() {
    let (seats, client) = (Seats::new(2), Client::new(None));
    let within: Vec<_> = std::iter::from_fn(|| seats.within(client.who()).ok()).collect();
    assert!(within.len() == 2 && seats.is_full());
    let beyond: Vec<_> = (0..9).map(|_| seats.beyond(client.who())).collect();
    let needed: Vec<_> = beyond.iter().map(is_needed).collect();
    assert!(
        needed[0] && needed[1..].iter().all(|needed| !needed),
        "{needed:?}"
    );
    assert!(!within.iter().any(is_needed));
    // Who left is not asked to leave.
    drop(beyond);
    let again: Vec<_> = (0..8).map(|_| seats.beyond(client.who())).collect();
    assert!(!again.iter().any(is_needed));
    drop(within);
    assert!(!seats.is_full() && seats.within(client.who()).is_ok());
}

#[tokio::test]
async fn who_asks_gets_the_place_of_who_never_asked() {
    let (seats, silent, client) = (Seats::new(3), Client::new(None), Client::new(None));
    let working = within(&seats, &client);
    let _request = working.who.usage.begin();
    let kept = within(&seats, &client);
    used(&kept);
    let idle = within(&seats, &silent);
    let asking = seats.beyond(client.who());
    assert!(asking.claim().await && asking.is_within());
    assert!(is_needed(&idle) && !is_needed(&kept) && !is_needed(&working) && !is_needed(&asking));
    assert!(seats.is_full());
    // Places that were in use are kept, also against others who come from the same proxy.
    used(&asking);
    for other in [&client, &Client::new(None), &Client::new(Some(2))] {
        let stranger = seats.beyond(other.who());
        assert!(!stranger.claim().await && !stranger.is_within());
    }
    assert!(!is_needed(&kept) && !is_needed(&asking));
}

#[tokio::test]
async fn a_client_that_has_its_part_gets_a_place_of_its_own_only() {
    let (seats, client, other) = (Seats::new(8), Client::new(Some(2)), Client::new(Some(2)));
    let idle = within(&seats, &other);
    let own: Vec<_> = (0..2).map(|_| within(&seats, &client)).collect();
    let under_way: Vec<_> = own.iter().map(|seat| seat.who.usage.begin()).collect();
    let asking = seats.beyond(client.who());
    assert!(!asking.claim().await);
    drop(under_way);
    assert!(asking.claim().await);
    // Both have been silent for as long: it is the older one.
    assert!(is_needed(&own[0]) && !is_needed(&own[1]) && !is_needed(&idle));
    drop(own);
    let free = seats.beyond(client.who());
    assert!(free.claim().await);
}

#[tokio::test]
async fn a_connection_that_asks_while_its_place_is_wanted_keeps_it() {
    let (seats, client) = (Seats::new(1), Client::new(None));
    let holder = within(&seats, &client);
    let asking = seats.beyond(client.who());
    let (claimed, ()) = tokio::join!(asking.claim(), async { used(&holder) });
    assert!(!claimed && !is_needed(&holder));
    // It is the last one that has to leave for those who only connect, and takes no place from anybody then.
    let silent: Vec<_> = (0..9).map(|_| seats.beyond(client.who())).collect();
    assert!(!is_needed(&asking) && is_needed(&silent[0]) && is_needed(&silent[1]));
    let mut asking_too = Vec::new();
    for _ in 0..8 {
        let seat = seats.beyond(client.who());
        assert!(!seat.claim().await);
        asking_too.push(seat);
    }
    assert!(is_needed(&asking) && !asking.claim().await && !is_needed(&holder));
}
