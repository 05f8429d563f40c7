//! Bursts of lost packets: while one lasts, the way of sound has more holes than usual.

use crate::event::Tick;
use crate::scenario::injected_fault::{Fault, LossBurst, Window};
use std::rc::Rc;
use std::time::Duration;

/// When more packets are lost than usual. A clone is cheap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bursts {
    all: Rc<[(Window, f64)]>,
    since: Tick,
}

/// A burst under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// The share of packets that is lost to the burst, in 0..=1.
    pub loss: f64,
    /// How long the burst goes on.
    pub rest: Duration,
}

impl Bursts {
    /// The bursts among the injected faults of a scenario.
    pub fn of(faults: &[Fault]) -> Bursts {
        let burst = |fault: &Fault| match fault {
            Fault::Network(LossBurst { window, loss }) => Some((*window, *loss)),
            Fault::Stage(_) => None,
        };
        let bursts = faults.iter().filter_map(burst);
        Bursts {
            all: bursts.collect(),
            since: Tick::ZERO,
        }
    }

    /// The bursts for a conversation that begins when the world has been going for `since`.
    pub fn since(&self, since: Tick) -> Bursts {
        Bursts {
            all: self.all.clone(),
            since,
        }
    }

    /// Whether there are no bursts.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The burst under way at this time of the conversation, the worst of several; `None` if there is none.
    pub fn at(&self, now: Tick) -> Option<Burst> {
        let now = self.since + Duration::from_nanos(now.0);
        let under_way = self.all.iter().filter(|(window, _)| window.contains(now));
        let worst = under_way.max_by(|(_, one), (_, other)| one.total_cmp(other));
        worst.map(|(window, loss)| Burst {
            loss: *loss,
            rest: window.until.since(now),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_bursts_at_once_the_worse_one_counts() {
        let burst = |loss: f64, from_s: f64, for_s: f64| -> Fault {
            let span = |seconds| Duration::from_secs_f64(seconds);
            let from = Tick::ZERO + span(from_s);
            let until = from + span(for_s);
            let window = Window { from, until };
            Fault::Network(LossBurst { window, loss })
        };
        let bursts = Bursts::of(&[burst(0.2, 1.0, 10.0), burst(0.6, 2.0, 3.0)]);
        let loss = |ms| bursts.at(Tick::from_ms(ms)).map(|burst| burst.loss);
        assert_eq!(
            [500, 1_500, 2_500, 5_500, 11_000].map(loss),
            [None, Some(0.2), Some(0.6), Some(0.2), None]
        );
        let rest = bursts.at(Tick::from_ms(2_500)).map(|burst| burst.rest);
        assert_eq!(rest, Some(Duration::from_millis(2_500)));
        let later = bursts.since(Tick::from_ms(9_000)).at(Tick::from_ms(1_000));
        assert_eq!(later.map(|burst| burst.loss), Some(0.2));
    }
}
