//! What a model writes, as a server sends it: pieces of the answer, and of what the model thinks before.
//!
//! All of it is bounded: an event, the text, and the whole. A text that is too long is cut, and that is the
//! answer; an answer that breaks off is an error behind what came of it. What can be understood is used whatever
//! came before or comes behind it, and what cannot is left out and told of.

use super::events::{Event, Events};
use super::said::{Finish, Said, is_ping_name};
use super::server::{Place, body_of};
use crate::clock::within;
use crate::engine::words::page_title;
use crate::event::{Remark, Remarks};
use crate::stage::StageError;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use reqwest::Response;
use std::sync::Arc;
use std::time::Duration;

/// The longest text: 64 KiB, more than an hour of speech.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// The longest answer with all that is sent around it: 32 MiB, the longest text with 500 bytes around each character.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// As much is kept of what was not understood, to tell of it.
const UNREAD_BYTES_MAX: usize = 2 << 10;

/// How long to wait for the very end of an answer once all of its text is there: the connection is kept only if it
/// was read to its end.
const END_MAX: Duration = Duration::from_millis(100);
/// How long to wait for something behind the model's reason for stopping: a count of tokens, the end, or more text from
/// a server that gives a reason with every piece. A server that holds the connection open does not hold the answer.
const AFTER_FINISH_MAX: Duration = Duration::from_secs(1);

/// What a model puts out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// A piece of the answer; never empty.
    Text(String),
    /// A piece of what the model thinks aloud before it answers; never empty, and never spoken.
    Reasoning(String),
    /// How many tokens the model wrote, and read, as the server counts.
    Usage { written: u32, read: Option<u32> },
    /// The answer is at its end, as far as the server says, and this was odd about it. Comes again if more follows.
    Ended(Remarks),
}

/// What a model writes into `response`.
pub(super) fn written(
    response: Response,
    place: Arc<Place>,
) -> impl Stream<Item = Result<Written, StageError>> + Send {
    let reader = Reader::of(body_of(response, &place), place);
    stream::unfold(reader, async |mut reader| {
        let items = reader.next().await?;
        Some((stream::iter(items), reader))
    })
    .flatten()
}

/// The text in a stream that comes in these chunks, and why it breaks off, if it does: for tests, which feed it with
/// streams that nobody sends.
pub fn read_stream(chunks: Vec<Vec<u8>>) -> (String, Option<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return (String::new(), Some(error.to_string())),
    };
    runtime.block_on(async {
        let (mut reader, mut text) = (Reader::of_bytes(chunks), String::new());
        while let Some(items) = reader.next().await {
            for item in items {
                match item {
                    Ok(Written::Text(piece)) => text += &piece,
                    Ok(_) => {}
                    Err(error) => return (text, Some(error.to_string())),
                }
            }
        }
        (text, None)
    })
}

pub(super) struct Reader {
    chunks: BoxStream<'static, Result<Vec<u8>, StageError>>,
    events: Events,
    answer: Answer,
    place: Arc<Place>,
    bytes: usize,
    is_over: bool,
    /// Whether the connection has yet to be read to its end, so that it is kept.
    has_rest: bool,
}

pub(super) type Items = Vec<Result<Written, StageError>>;

impl Reader {
    fn of(chunks: BoxStream<'static, Result<Vec<u8>, StageError>>, place: Arc<Place>) -> Reader {
        Reader {
            chunks,
            events: Events::default(),
            answer: Answer::default(),
            place,
            bytes: 0,
            is_over: false,
            has_rest: false,
        }
    }

    /// A reader of bytes that are there.
    fn of_bytes(chunks: Vec<Vec<u8>>) -> Reader {
        let chunks = stream::iter(chunks.into_iter().map(Ok)).boxed();
        Reader::of(chunks, Arc::new(Place::somewhere()))
    }

    /// What comes of the next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Items> {
        if self.is_over {
            // Behind the last word, so that it waits for nothing.
            if std::mem::take(&mut self.has_rest) {
                let rest = async { while self.chunks.next().await.is_some() {} };
                let _ = within(END_MAX, rest).await;
            }
            return None;
        }
        let chunk = match self.answer.finish {
            Some(_) => {
                let next = within(AFTER_FINISH_MAX, self.chunks.next());
                next.await.flatten()
            }
            None => self.chunks.next().await,
        };
        let (mut items, mut events) = (Items::new(), Vec::new());
        let mut failure = None;
        match chunk {
            Some(Ok(bytes)) => {
                self.bytes += bytes.len();
                if self.events.push(&bytes, &mut events).is_err() {
                    failure = Some(self.place.garbled("sent an event of more than 256 KiB"));
                }
                self.is_over = self.bytes > ANSWER_BYTES_MAX;
                self.answer.is_cut |= self.is_over;
            }
            Some(Err(error)) if self.answer.finish.is_none() => {
                failure = Some(error);
            }
            // What breaks behind the model's last word breaks nothing.
            Some(Err(_)) | None => {
                self.events.finish(&mut events);
                self.is_over = true;
            }
        }
        for event in &events {
            match self.answer.read(event) {
                Ok(written) => items.extend(written.into_iter().map(Ok)),
                Err(error) if self.answer.is_told() => self.answer.skip(&error),
                Err(error) => {
                    let error = self.place.plain(&error);
                    failure = Some(self.place.garbled(&format!("reports: {error}")));
                    break;
                }
            }
            if self.answer.is_done {
                break;
            }
        }
        if let Some(failure) = failure {
            self.is_over = true;
            if !self.answer.is_told() {
                items.push(Err(failure));
                return Some(items);
            }
        }
        self.has_rest = self.answer.is_done && !self.is_over;
        self.is_over |= self.answer.is_done || self.answer.is_cut;
        if self.is_over {
            match self.answer.end() {
                Ok(written) => items.extend(written.into_iter().map(Ok)),
                Err(_) if self.bytes > ANSWER_BYTES_MAX => {
                    items.push(Err(self.in_words(&Nothing::TooMuch)));
                }
                Err(nothing) => items.push(Err(self.in_words(&nothing))),
            }
            if self.answer.remarks.has(Remark::Skipped) {
                tracing::warn!(
                    "the server at {} sent something among its answer that cannot be understood, and was left out: {}",
                    self.place.base(),
                    self.place.plain(&self.answer.unread)
                );
            }
        }
        Some(items)
    }

    /// Why there is no answer, or half of one.
    fn in_words(&self, nothing: &Nothing) -> StageError {
        let table = self.place.table();
        let unread = self.place.plain(&self.answer.unread);
        let why = match nothing {
            Nothing::Reasoned => format!(
                "spent all of its tokens on reasoning and wrote no answer (finish_reason length); raise {table}.max_tokens, or have it reason less, as with [{table}.body] reasoning_effort = \"low\""
            ),
            Nothing::OnlyReasoned => {
                "reasoned and wrote no answer; the model's reasoning is not spoken".to_owned()
            }
            Nothing::Called(tool) => format!(
                "called the tool{} in place of an answer; nobody runs tools here, so give the model none",
                match self.place.plain(tool) {
                    name if name.is_empty() => String::new(),
                    name => format!(" {name:?}"),
                }
            ),
            Nothing::Filtered => {
                "wrote no answer: its content filter stopped it (finish_reason content_filter)"
                    .to_owned()
            }
            Nothing::Stopped(reason) => format!(
                "ended its answer without a word (finish_reason {})",
                self.place.plain(reason)
            ),
            Nothing::Page(title) => format!(
                "sent {}, in place of an answer; is that the address of an API? ({table}.url)",
                self.place.plain(title)
            ),
            Nothing::Unread => format!("sent no part of an answer: {unread}"),
            Nothing::Silence => format!(
                "closed the connection without an answer; is that the address of an API? ({table}.url)"
            ),
            Nothing::TooMuch => "sent more than 32 MiB without a word of an answer".to_owned(),
            Nothing::Rest if unread.is_empty() => "closed the connection in mid-answer".to_owned(),
            Nothing::Rest => format!("closed the connection in mid-answer, behind: {unread}"),
        };
        self.place.garbled(&why)
    }
}

/// What there is in place of an answer, or of the rest of one.
#[derive(Debug, PartialEq, Eq)]
enum Nothing {
    /// Reasoning, until no token was left.
    Reasoned,
    OnlyReasoned,
    /// The call of this tool.
    Called(String),
    Filtered,
    /// The model stopped, for this reason.
    Stopped(String),
    /// A web page, called so.
    Page(String),
    /// Something else.
    Unread,
    Silence,
    TooMuch,
    /// The answer broke off.
    Rest,
}

/// An answer that is being read.
#[derive(Default)]
struct Answer {
    text_bytes: usize,
    /// Text of another choice than the first, should that one have none.
    beside: Option<(u32, String)>,
    has_reasoned: bool,
    finish: Option<Finish>,
    /// The tool that was called.
    tool: Option<String>,
    is_done: bool,
    /// Whether the text was cut because it is longer than anybody listens.
    is_cut: bool,
    /// Whether the stream ended in the middle of something.
    is_torn: bool,
    /// Whether the latest that came was not understood.
    is_unread_last: bool,
    /// The beginning of what was not understood.
    unread: String,
    remarks: Remarks,
}

impl Answer {
    /// What is in an event; an error in the server's words if it tells of one.
    fn read(&mut self, event: &Event) -> Result<Vec<Written>, String> {
        if let Event::Json { name, .. } | Event::Other { name, .. } = event {
            self.is_done |= ["done", "end"].contains(&name.to_ascii_lowercase().as_str());
        }
        let (name, value, is_bare) = match event {
            Event::Done => {
                self.is_done = true;
                return Ok(Vec::new());
            }
            Event::Torn(text) => {
                self.is_torn = true;
                self.leave_out(text);
                return Ok(Vec::new());
            }
            Event::Other { name, text } => {
                if name.eq_ignore_ascii_case("error") {
                    return Err(text.clone());
                }
                if !is_ping_name(name) && !is_ping_name(text) && !self.is_done {
                    self.is_unread_last = true;
                    self.skip(text);
                }
                return Ok(Vec::new());
            }
            Event::Json {
                name,
                value,
                is_bare,
            } => (name, value, *is_bare),
        };
        let said = Said::of(name, value);
        if let Some(error) = said.error {
            return Err(error);
        }
        if !said.is_known {
            self.leave_out(&value.to_string());
            return Ok(Vec::new());
        }
        self.is_unread_last = false;
        let mut written = Vec::new();
        if !said.reasoning.is_empty() {
            self.has_reasoned = true;
            written.push(Written::Reasoning(said.reasoning));
        }
        // Some send all of the text again behind its pieces.
        if !(said.is_whole && self.text_bytes > 0) {
            let is_first = self.text_bytes == 0;
            let ends_here = said.finish.is_some() || said.is_done;
            let piece = self.piece(&said.text);
            if piece.is_some() && is_first && (said.is_whole || is_bare && ends_here) {
                self.remarks.add(Remark::NotStreamed);
            }
            written.extend(piece);
        }
        if said.is_refusal {
            self.remarks.add(Remark::Refused);
        }
        if let Some((number, text)) = said.beside {
            let (first, all) = self.beside.get_or_insert((number, String::new()));
            if *first == number && all.len() + text.len() <= TEXT_BYTES_MAX {
                all.push_str(&text);
            }
        }
        if said.tool.is_some() {
            self.tool = self.tool.take().filter(|it| !it.is_empty()).or(said.tool);
        }
        let whole = said.is_whole.then_some(Finish::Said);
        let is_finished = said.finish.is_some() || said.is_whole;
        self.finish = said.finish.or(self.finish.take()).or(whole);
        self.is_done |= said.is_done;
        if is_finished && self.text_bytes > 0 {
            written.push(self.ended());
        }
        if let Some((tokens, read)) = said.usage {
            written.push(Written::Usage {
                written: tokens,
                read,
            });
        }
        Ok(written)
    }

    /// A piece of the text, without white space before its beginning, and as much of it as there is room
    /// for.
    fn piece(&mut self, text: &str) -> Option<Written> {
        let text = match self.text_bytes {
            0 => text.trim_start(),
            _ => text,
        };
        let room = TEXT_BYTES_MAX - self.text_bytes;
        let piece = &text[..text.floor_char_boundary(room)];
        self.is_cut |= piece.len() < text.len();
        self.text_bytes += piece.len();
        (!piece.is_empty()).then(|| Written::Text(piece.to_owned()))
    }

    /// Whether all of a text is there, as far as the server says: what breaks behind it breaks nothing.
    fn is_told(&self) -> bool {
        self.finish.is_some() && self.text_bytes > 0
    }

    /// Leaves something out that came among the rest, and has it told of.
    fn skip(&mut self, text: &str) {
        self.remarks.add(Remark::Skipped);
        self.leave_out(text);
    }

    fn leave_out(&mut self, text: &str) {
        if !self.unread.is_empty() {
            self.unread.push(' ');
        }
        let room = UNREAD_BYTES_MAX.saturating_sub(self.unread.len());
        self.unread
            .push_str(&text[..text.floor_char_boundary(room)]);
    }

    /// The stream is at its end.
    fn end(&mut self) -> Result<Vec<Written>, Nothing> {
        let mut written = Vec::new();
        if self.text_bytes == 0
            && let Some((_, text)) = self.beside.take()
        {
            written.extend(self.piece(&text));
        }
        if self.text_bytes == 0 {
            return Err(self.nothing());
        }
        if self.finish.is_none() && !self.is_done && !self.is_cut {
            if self.is_torn || self.is_unread_last {
                return Err(Nothing::Rest);
            }
            self.remarks.add(Remark::EndNotTold);
        }
        written.push(self.ended());
        Ok(written)
    }

    fn ended(&self) -> Written {
        let mut remarks = self.remarks;
        match self.finish {
            Some(Finish::Length) => remarks.add(Remark::CutAtLimit),
            Some(Finish::Filter) => remarks.add(Remark::Filtered),
            _ if self.tool.is_some() => remarks.add(Remark::CalledTool),
            _ => {}
        }
        Written::Ended(remarks)
    }

    fn nothing(&self) -> Nothing {
        if let Some(tool) = &self.tool {
            return Nothing::Called(tool.clone());
        }
        match (&self.finish, self.has_reasoned) {
            (Some(Finish::Filter), _) => return Nothing::Filtered,
            (Some(Finish::Tool), _) => return Nothing::Called(String::new()),
            (Some(Finish::Length), true) => return Nothing::Reasoned,
            (_, true) => return Nothing::OnlyReasoned,
            (Some(Finish::Length), false) => return Nothing::Stopped("length".to_owned()),
            (Some(Finish::Other(reason)), false) => return Nothing::Stopped(reason.clone()),
            (Some(_), false) => return Nothing::Stopped("stop".to_owned()),
            (None, false) => {}
        }
        match page_title(&self.unread) {
            Some(title) => Nothing::Page(title),
            None if !self.unread.is_empty() => Nothing::Unread,
            None if self.is_done => Nothing::Stopped("none given".to_owned()),
            None => Nothing::Silence,
        }
    }
}
