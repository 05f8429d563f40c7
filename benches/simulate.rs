//! What a simulated conversation costs, and how that grows with threads.

use std::path::Path;
use std::time::Instant;
use voicesim::scenario;
use voicesim::sim::setting::Setting;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let path = Path::new("audio/simulations/assistant.toml");
    let scenario = scenario::load(path).expect("a scenario");
    let conversations: u32 = std::env::var("N")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(4_000);
    let setting = Setting::new(&scenario);
    let mut events = Vec::new();
    let start = Instant::now();
    let mut count = 0;
    for conversation in 0..conversations {
        events = setting.hold(conversation, events).expect("a conversation");
        count += events.len();
    }
    let s = start.elapsed().as_secs_f64();
    let turns = f64::from(conversations) * 8.0;
    println!(
        "{:.0} questions/s, {:.1} events a question, {:.2} us a question",
        turns / s,
        count as f64 / turns,
        s / turns * 1e6
    );
    for event in events.iter().take(if conversations == 1 { 400 } else { 0 }) {
        println!(
            "{:>10.3} {:>3} {:?}",
            event.tick.as_ms(),
            event.turn.0,
            event.mark
        );
    }
}
