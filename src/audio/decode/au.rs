//! AU, the sound files of Sun and NeXT.

use super::layout::{Coding, Declared, Format, Layout, Order};
use super::source::Source;
use crate::audio::AudioError;

/// Reads a header: six numbers of 4 bytes, the first of which is the magic one.
pub(super) fn layout(source: &mut Source) -> Result<Layout, AudioError> {
    let Some(header) = source.at::<24>(0)? else {
        return Err(source.damaged("its header is too short"));
    };
    let order = match header {
        [b'd', ..] => Order::Little,
        _ => Order::Big,
    };
    let (fields, _) = header.as_chunks::<4>();
    let field = |at: usize| fields.get(at).map_or(0, |bytes| order.u32(*bytes));
    let coding = match field(3) {
        1 => Coding::MuLaw,
        2 => Coding::Integer(1),
        3 => Coding::Integer(2),
        4 => Coding::Integer(3),
        5 => Coding::Integer(4),
        6 => Coding::Float(4),
        7 => Coding::Float(8),
        27 => Coding::ALaw,
        other => {
            return Err(source.unsupported(format!("an AU coding that is not read ({other})")));
        }
    };
    let channels = field(5);
    let Ok(channels) = u16::try_from(channels) else {
        return Err(source.damaged(&format!("its header declares {channels} channels")));
    };
    let start = u64::from(field(1)).max(24);
    let found = source.bytes.saturating_sub(start);
    let bytes = match u64::from(field(2)) {
        0 => None,
        bytes if bytes > found && bytes >= 0x7FFF_0000 => None,
        bytes => Some(bytes),
    };
    let format = Format::plain(coding, order, channels, field(4));
    Layout::new(source, format, &[Declared { start, bytes }])
}
