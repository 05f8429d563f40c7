//! A build without sound devices.

use super::callbacks::{Played, Taken};
use super::{DeviceError, Listed, Opened};
use crate::clock::Stopwatch;

pub(super) fn open_input(_: Option<&str>, _: Stopwatch) -> Result<Opened<Taken>, DeviceError> {
    Err(DeviceError::NotBuilt)
}

pub(super) fn open_output(_: Option<&str>, _: Stopwatch) -> Result<Opened<Played>, DeviceError> {
    Err(DeviceError::NotBuilt)
}

/// Lists nothing: this build knows no devices.
pub(super) fn devices(_: Stopwatch) -> Vec<Listed> {
    Vec::new()
}
