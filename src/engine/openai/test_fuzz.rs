//! Streams that nobody ever sent: those that servers send, damaged at random.

use super::stream::read_stream;
use super::test_streams::{END, OPEN, around, delta, finish};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json as value;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text of bytes that come in these chunks.
fn text_of(chunks: &[&[u8]]) -> String {
    read_stream(chunks.iter().map(|chunk| chunk.to_vec()).collect()).0
}

/// Streams that servers send, to be changed at random.
fn seeds() -> Vec<String> {
    let usual = format!("{}{END}", finish("stop"));
    let message = value!({"choices": [{"message": {"content": OPEN}, "finish_reason": "stop"}]});
    let stream = around(": hello\n\n", "event: ping\ndata: {}\n\n", &usual);
    vec![
        stream.clone(),
        stream.replace('\n', "\r\n"),
        stream.replace("data: ", "").replace("\n\n", "\n"),
        message.to_string(),
        serde_json::to_string_pretty(&message).expect("JSON"),
        format!("{}{stream}", delta(&value!({"reasoning_content": "Hm. {\"\\"}))),
        "{\"message\":{\"content\":\"We are\"},\"done\":false}\n{\"message\":{\"content\":\" open.\"},\"done\":true}\n".to_owned(),
        "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"Grüße 😀\"}}]}\n\ndata: [DONE]\n\n".to_owned(),
    ]
}

/// One change of a stream: bytes turned, taken out, put in, doubled, or moved.
fn changed(stream: &mut Vec<u8>, draw: &mut ChaCha8Rng) {
    let below = |draw: &mut ChaCha8Rng, bound: usize| draw.next_u32() as usize % bound.max(1);
    let at = below(draw, stream.len() + 1);
    let length = below(draw, 40).min(stream.len() - at);
    let odd: [&[u8]; 14] = [
        b"\n",
        b"\r",
        b"\n\n",
        b"data: ",
        b"data:",
        b"{",
        b"}",
        b"[",
        b"\"",
        b"\xff",
        b"\xef\xbb\xbf",
        b"event: error\n",
        b"[DONE]",
        b"\0",
    ];
    match below(draw, 6) {
        0 => {
            if let Some(byte) = stream.get_mut(at) {
                *byte ^= 1 << below(draw, 8);
            }
        }
        1 => {
            stream.drain(at..at + length);
        }
        2 => {
            let odd = odd[below(draw, odd.len())];
            stream.splice(at..at, odd.iter().copied());
        }
        3 => {
            let again = stream[at..at + length].to_vec();
            stream.splice(at..at, again);
        }
        4 => stream.truncate(at),
        _ => {
            let moved: Vec<u8> = stream.drain(at..at + length).collect();
            let to = below(draw, stream.len() + 1);
            stream.splice(to..to, moved);
        }
    }
}

/// Changes streams at random behind a beginning that is left as it is, cuts them into chunks at random, and reads them.
fn fuzz(count: u32, seed: u64) {
    let seeds = seeds();
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    let mut with_text = 0;
    for nth in 0..count {
        let stream = &seeds[draw.next_u32() as usize % seeds.len()];
        let mut stream = stream.as_bytes().to_vec();
        // Behind some beginning, which is understood whatever follows.
        let kept = draw.next_u32() as usize % (stream.len() + 1);
        let mut rest = stream.split_off(kept);
        for _ in 0..=draw.next_u32() % 4 {
            changed(&mut rest, &mut draw);
        }
        let beginning = whole_events(&stream);
        let before = text_of(&[&stream[..beginning]]);
        stream.extend(&rest);
        let mut chunks = Vec::new();
        let mut left = &stream[..];
        while !left.is_empty() {
            let size = 1 + draw.next_u32() as usize % 60;
            let (chunk, after) = left.split_at(size.min(left.len()));
            chunks.push(chunk);
            left = after;
        }
        let name = || {
            format!(
                "stream {nth} of seed {seed}: {}",
                String::from_utf8_lossy(&stream)
            )
        };
        let cut = catch_unwind(AssertUnwindSafe(|| text_of(&chunks)));
        let text = cut.unwrap_or_else(|_| panic!("panics: {}", name()));
        assert!(
            text.starts_with(&before),
            "lost {before:?}, has {text:?}: {}",
            name()
        );
        // However the bytes come.
        assert_eq!(text, text_of(&[&stream]), "{}", name());
        with_text += u32::from(!before.is_empty());
    }
    assert!(with_text > count / 4, "only {with_text} had text to lose");
}

/// How far a stream goes that is made of whole lines.
fn whole_events(stream: &[u8]) -> usize {
    let end = stream.iter().rposition(|byte| *byte == b'\n');
    end.map_or(0, |at| at + 1)
}

#[test]
fn streams_that_are_damaged_at_random_never_panic_or_lose_what_was_whole_before() {
    // `VOICESIM_FUZZ=1000000 cargo test --lib damaged_at_random` reads a million.
    let count = std::env::var("VOICESIM_FUZZ")
        .ok()
        .and_then(|it| it.parse().ok());
    fuzz(count.unwrap_or(3_000), 7);
}
