//! Finding and opening sound devices.

use super::callbacks::{self, Counts, Played, Taken};
use super::{DeviceError, Listed, OPEN_WITHIN, OpenStream, Opened};
use crate::clock::Stopwatch;
use crate::event::Direction;
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, Host, SampleFormat, SizedSample, Stream,
    StreamConfig, SupportedStreamConfig,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Blocks in a second of a stream: 20 ms each. Shorter ones run dry when engines compute on every core.
const BLOCKS_PER_S: u32 = 50;
/// Failures of a stream that may wait for the keeper; more of them are of no interest.
const FAULTS_WAITING_MAX: usize = 4;
/// A stream that fails over and over is held up this long each time: some fail without a pause, and
/// take a whole core for it.
const FAULT_PAUSE: Duration = Duration::from_millis(50);

/// The sound servers that can be there, the best first. Each is connected to when its turn comes.
fn hosts() -> impl Iterator<Item = Host> {
    let first = cpal::default_host();
    let best = first.id();
    let others = cpal::available_hosts().into_iter();
    let others = others
        .filter(move |id| *id != best)
        .filter_map(|id| cpal::host_from_id(id).ok());
    std::iter::once(first).chain(others)
}

fn id_of(device: &Device) -> String {
    device
        .id()
        .map_or_else(|_| String::new(), |id| id.to_string())
}

fn name_of(device: &Device) -> String {
    match device.description() {
        Ok(description) => description.name().to_owned(),
        Err(_) => id_of(device),
    }
}

fn default_of(host: &Host, direction: Direction) -> Option<Device> {
    match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    }
}

fn devices_of(host: &Host, direction: Direction) -> Vec<Device> {
    let devices = match direction {
        Direction::Input => host.input_devices().map(Iterator::collect),
        Direction::Output => host.output_devices().map(Iterator::collect),
    };
    devices.unwrap_or_default()
}

/// The device with this name, or the default one.
fn find(direction: Direction, name: Option<&str>) -> Result<Device, DeviceError> {
    let Some(name) = name else {
        let mut defaults = hosts().filter_map(|host| default_of(&host, direction));
        return defaults.next().ok_or(DeviceError::None(direction));
    };
    let mut known = Vec::new();
    for host in hosts() {
        let devices = devices_of(&host, direction);
        let is_called = |device: &&Device| {
            let id = id_of(device);
            let short = id.split_once(':').map_or("", |(_, short)| short);
            [id.as_str(), short].contains(&name) || name_of(device) == name
        };
        if let Some(device) = devices.iter().find(is_called) {
            return Ok(device.clone());
        }
        known.extend(devices.iter().map(id_of));
    }
    Err(DeviceError::Unknown {
        direction,
        name: name.to_owned(),
        known,
    })
}

fn refused(direction: Direction, device: &Device, error: &cpal::Error) -> DeviceError {
    let cure = match error.kind() {
        ErrorKind::DeviceBusy => "another program has it: close that, or name another device",
        ErrorKind::UnsupportedConfig => {
            "go through a sound server (PulseAudio, PipeWire), which converts rates"
        }
        _ => "name another device (--input, --output); `voicesim devices` says which can be opened",
    };
    DeviceError::Refused {
        direction,
        name: id_of(device),
        reason: error.to_string().trim_end_matches('.').to_owned(),
        cure,
    }
}

/// The configuration that a device is asked for: its own rate, format and channels.
fn config_of(direction: Direction, device: &Device) -> Result<SupportedStreamConfig, DeviceError> {
    let config = match direction {
        Direction::Input => device.default_input_config(),
        Direction::Output => device.default_output_config(),
    };
    config.map_err(|error| refused(direction, device, &error))
}

/// Opens a microphone, which may block for as long as the sound server likes.
pub(super) fn open_input(
    name: Option<&str>,
    stopwatch: Stopwatch,
) -> Result<Opened<Taken>, DeviceError> {
    let device = find(Direction::Input, name)?;
    let config = config_of(Direction::Input, &device)?;
    let build = |stream_config: StreamConfig| {
        let (channels, rate) = (stream_config.channels, stream_config.sample_rate);
        let (taking, taken) = callbacks::microphone(channels, rate, stopwatch);
        let (tell, faults) = sync_channel(FAULTS_WAITING_MAX);
        let failed = on_fault(tell, taken.counts.clone());
        let stream = match config.sample_format() {
            SampleFormat::F32 => input::<f32>(&device, stream_config, taking, failed),
            SampleFormat::I16 => input::<i16>(&device, stream_config, taking, failed),
            SampleFormat::I32 => input::<i32>(&device, stream_config, taking, failed),
            SampleFormat::U8 => input::<u8>(&device, stream_config, taking, failed),
            SampleFormat::U16 => input::<u16>(&device, stream_config, taking, failed),
            _ => input::<f32>(&device, stream_config, taking, failed),
        };
        stream.map(|stream| (stream, taken, faults))
    };
    let (stream, taken, faults) =
        in_blocks(&config, build).map_err(|error| refused(Direction::Input, &device, &error))?;
    let started = stream.play();
    started.map_err(|error| refused(Direction::Input, &device, &error))?;
    Ok(Opened {
        name: id_of(&device),
        rate: config.sample_rate(),
        line: OpenStream {
            stream: Box::new(stream),
            counts: taken.counts.clone(),
            faults,
        },
        end: taken,
    })
}

/// Opens a speaker, which may block for as long as the sound server likes.
pub(super) fn open_output(
    name: Option<&str>,
    stopwatch: Stopwatch,
) -> Result<Opened<Played>, DeviceError> {
    let device = find(Direction::Output, name)?;
    let config = config_of(Direction::Output, &device)?;
    let build = |stream_config: StreamConfig| {
        let (channels, rate) = (stream_config.channels, stream_config.sample_rate);
        let (playing, played) = callbacks::speaker(channels, rate, stopwatch);
        let (tell, faults) = sync_channel(FAULTS_WAITING_MAX);
        let failed = on_fault(tell, played.counts.clone());
        let stream = match config.sample_format() {
            SampleFormat::F32 => output::<f32>(&device, stream_config, playing, failed),
            SampleFormat::I16 => output::<i16>(&device, stream_config, playing, failed),
            SampleFormat::I32 => output::<i32>(&device, stream_config, playing, failed),
            SampleFormat::U8 => output::<u8>(&device, stream_config, playing, failed),
            SampleFormat::U16 => output::<u16>(&device, stream_config, playing, failed),
            _ => output::<f32>(&device, stream_config, playing, failed),
        };
        stream.map(|stream| (stream, played, faults))
    };
    let (stream, played, faults) =
        in_blocks(&config, build).map_err(|error| refused(Direction::Output, &device, &error))?;
    let started = stream.play();
    started.map_err(|error| refused(Direction::Output, &device, &error))?;
    Ok(Opened {
        name: id_of(&device),
        rate: config.sample_rate(),
        line: OpenStream {
            stream: Box::new(stream),
            counts: played.counts.clone(),
            faults,
        },
        end: played,
    })
}

/// Builds a stream in blocks of 20 ms, or in whatever blocks the device likes if it does not take these.
fn in_blocks<T>(
    config: &SupportedStreamConfig,
    build: impl Fn(StreamConfig) -> Result<T, cpal::Error>,
) -> Result<T, cpal::Error> {
    let wanted = StreamConfig {
        buffer_size: BufferSize::Fixed((config.sample_rate() / BLOCKS_PER_S).max(1)),
        ..config.config()
    };
    build(wanted).or_else(|error| match error.kind() {
        ErrorKind::UnsupportedConfig | ErrorKind::InvalidInput => build(config.config()),
        _ => Err(error),
    })
}

fn input<T>(
    device: &Device,
    config: StreamConfig,
    mut taking: callbacks::Taking,
    failed: impl FnMut(cpal::Error) + Send + 'static,
) -> Result<Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let heard = move |block: &[T], _: &cpal::InputCallbackInfo| {
        taking.take(block, |sample| sample.to_sample::<f32>());
    };
    device.build_input_stream::<T, _, _>(config, heard, failed, Some(OPEN_WITHIN))
}

fn output<T>(
    device: &Device,
    config: StreamConfig,
    mut playing: callbacks::Playing,
    failed: impl FnMut(cpal::Error) + Send + 'static,
) -> Result<Stream, cpal::Error>
where
    T: SizedSample + FromSample<f32>,
{
    let wanted = move |block: &mut [T], info: &cpal::OutputCallbackInfo| {
        let stamp = info.timestamp();
        let delay = stamp.playback.duration_since(stamp.callback);
        playing.fill(block, delay, |sample| T::from_sample(sample));
    };
    device.build_output_stream::<T, _, _>(config, wanted, failed, Some(OPEN_WITHIN))
}

/// The callback for a stream that fails. It runs on a thread of the sound library's, not on that of the sound.
fn on_fault(
    tell: SyncSender<String>,
    counts: Arc<Counts>,
) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| match error.kind() {
        ErrorKind::Xrun => _ = counts.xruns.fetch_add(1, Ordering::Relaxed),
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
        _ => {
            if let Err(TrySendError::Full(_)) = tell.try_send(error.to_string()) {
                std::thread::sleep(FAULT_PAUSE);
            }
        }
    }
}

/// Lists every device, and tries to open each: see [`super::list`].
pub(super) fn devices(stopwatch: Stopwatch) -> Vec<Listed> {
    let mut listed = Vec::new();
    for direction in [Direction::Input, Direction::Output] {
        // The best host's default device is the one that is used.
        let mut default = None;
        for host in hosts() {
            default = default.or_else(|| default_of(&host, direction).as_ref().map(id_of));
            for device in devices_of(&host, direction) {
                let id = id_of(&device);
                let config = config_of(direction, &device);
                let opened = match direction {
                    Direction::Input => tried(direction, id.clone(), move |id| {
                        open_input(Some(id), stopwatch).map(|opened| opened.line)
                    }),
                    Direction::Output => tried(direction, id.clone(), move |id| {
                        open_output(Some(id), stopwatch).map(|opened| opened.line)
                    }),
                };
                listed.push(Listed {
                    direction,
                    is_default: default.as_ref() == Some(&id),
                    id,
                    name: name_of(&device),
                    rate: config.as_ref().ok().map(SupportedStreamConfig::sample_rate),
                    channels: config.as_ref().ok().map(SupportedStreamConfig::channels),
                    fault: opened.err().map(|error| match error {
                        DeviceError::Refused { reason, .. } => reason,
                        other => other.to_string(),
                    }),
                });
            }
        }
    }
    listed
}

/// Opens and closes a device on a thread of its own, since either may hang.
fn tried(
    direction: Direction,
    id: String,
    open: impl FnOnce(&str) -> Result<OpenStream, DeviceError> + Send + 'static,
) -> Result<(), DeviceError> {
    let (tell, opened) = sync_channel(1);
    let thread = std::thread::Builder::new().name("device".into());
    let started = thread.spawn(move || {
        let line = open(&id);
        let _ = tell.send(line.as_ref().map(|_| ()).map_err(Clone::clone));
    });
    if started.is_err() {
        return Err(DeviceError::Stuck(direction));
    }
    opened
        .recv_timeout(OPEN_WITHIN)
        .unwrap_or(Err(DeviceError::Stuck(direction)))
}
