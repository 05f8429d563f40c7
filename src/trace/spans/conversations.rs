//! Which spans belong to one conversation.

use super::{Span, Spans};
use crate::trace::problems::{Problem, Problems};
use std::collections::{BTreeMap, HashMap};

/// Attributes that name a conversation, the strongest first.
const IDS: &[&str] = &[
    "voicesim.name",
    "gen_ai.conversation.id",
    "conversation.id",
    "session.id",
];
/// Spans that hold a whole conversation.
const ROOTS: &[&str] = &["agent_session", "conversation"];
/// Parents are followed this far.
const DEPTH_MAX: usize = 64;

/// The spans of one conversation, in the order of their beginnings.
#[derive(Debug)]
pub(in crate::trace) struct Conversation {
    pub name: String,
    pub spans: Vec<Span>,
}

impl Conversation {
    /// The spans of a name.
    pub(in crate::trace) fn named<'a>(
        &'a self,
        name: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Span> + 'a {
        self.spans.iter().filter(move |span| span.name == name)
    }

    /// Spans by the one that each lies within, at any depth, of those that `is_outer` picks.
    pub(in crate::trace) fn within(
        &self,
        is_outer: impl Fn(&Span) -> bool,
    ) -> HashMap<u64, Vec<&Span>> {
        let parents: HashMap<u64, &Span> = self.spans.iter().map(|span| (span.id, span)).collect();
        let mut inner: HashMap<u64, Vec<&Span>> = HashMap::new();
        for span in &self.spans {
            let mut at = span;
            for _ in 0..DEPTH_MAX {
                let Some(parent) = parents.get(&at.parent).filter(|it| it.id != at.id) else {
                    break;
                };
                if is_outer(parent) {
                    inner.entry(parent.id).or_default().push(span);
                    break;
                }
                at = parent;
            }
        }
        inner
    }
}

/// The conversations of a trace file, the earliest first.
pub(in crate::trace) fn conversations(spans: Spans) -> (Vec<Conversation>, Problems) {
    let Spans {
        kept, mut problems, ..
    } = spans;
    let names = names(&kept, &mut problems);
    let mut all: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for (span, name) in kept.into_iter().zip(names) {
        all.entry(name).or_default().push(span);
    }
    let mut all: Vec<Conversation> = all
        .into_iter()
        .map(|(name, mut spans)| {
            spans.sort_by_key(|span| (span.start_ns, span.id));
            Conversation { name, spans }
        })
        .collect();
    all.sort_by_key(|one| one.spans.first().map(|span| span.start_ns));
    (all, problems)
}

/// The name of each span's conversation: an id that it or a span around it has, else the span around it that is a
/// whole conversation, else the only one of its trace, else the trace.
fn names(kept: &[Span], problems: &mut Problems) -> Vec<String> {
    let places: HashMap<(u128, u64), usize> = kept
        .iter()
        .enumerate()
        .map(|(place, span)| ((span.trace, span.id), place))
        .collect();
    let own = |span: &Span| -> Option<String> {
        if let Some(id) = span.text(IDS) {
            return Some(id);
        }
        let is_root = ROOTS.contains(&span.name.as_str());
        is_root.then(|| format!("{:032x}-{:016x}", span.trace, span.id))
    };
    let named: Vec<Option<String>> = kept
        .iter()
        .map(|span| {
            let mut at = span;
            for _ in 0..DEPTH_MAX {
                if let Some(name) = own(at) {
                    return Some(name);
                }
                at = &kept[*places.get(&(at.trace, at.parent))?];
            }
            None
        })
        .collect();
    let mut of_trace: HashMap<u128, Vec<&str>> = HashMap::new();
    for (span, name) in kept.iter().zip(&named) {
        let Some(name) = name else { continue };
        let names = of_trace.entry(span.trace).or_default();
        if !names.contains(&name.as_str()) && names.len() < 100 {
            names.push(name);
        }
    }
    let mut mixed: Vec<(u128, usize)> = of_trace
        .iter()
        .filter(|(_, names)| names.len() > 1)
        .map(|(trace, names)| (*trace, names.len()))
        .collect();
    mixed.sort_unstable();
    for (trace, count) in mixed {
        problems.add(Problem::Mixed, || {
            format!("trace {trace:032x} holds {count} conversations, which were told apart")
        });
    }
    let names = kept.iter().zip(&named).map(|(span, name)| {
        if let Some(name) = name {
            return name.clone();
        }
        match of_trace.get(&span.trace).map(Vec::as_slice) {
            Some([only]) => (*only).to_owned(),
            _ => format!("{:032x}", span.trace),
        }
    });
    names.collect()
}
