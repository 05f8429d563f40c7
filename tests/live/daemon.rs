//! A private sound server with a virtual microphone and a virtual speaker.
//!
//! Two null sinks of one channel stand for the air: what is played into `mouth` is heard by the microphone `mic`,
//! and what a program plays into the speaker `spk` comes out of `room`. `mic` and `spk` are the default source and
//! sink; they only pass sound on (without a buffer of their own), so that they can be unplugged while the air is
//! recorded.
//! `void` and `deaf` are the sink and the source a server falls back to when those are gone, as on a desktop.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Guard, output_of, wait_until};

/// How long the daemon may take until it is ready.
const READY: Duration = Duration::from_secs(10);
/// How long one order to the daemon may take.
const ORDER: Duration = Duration::from_secs(5);
/// How long one file may be spoken.
const SPEECH: Duration = Duration::from_secs(120);
/// A daemon without clients ends itself after this many seconds, for the case that the test was killed.
const IDLE_S: u32 = 120;

/// Samples per second of the air, in Hz. Of a rate whose samples do not last whole microseconds (16 000 or 48 000 Hz)
/// null sinks make up to 0.1 % too many, and the microphone and the speaker would drift apart.
pub const AIR_RATE: u32 = 40_000;

/// The format of the air, as module arguments.
const FORMAT: &str = "format=s16le rate=40000 channels=1 channel_map=mono";
/// The speaker a program sees.
const SPEAKER: &str = "module-remap-sink sink_name=spk master=room remix=no";
/// The microphone a program sees.
const MICROPHONE: &str = "module-remap-source source_name=mic master=mouth.monitor remix=no";
/// Devices of this class are fallen back to before others.
const FALLBACK: &str = "device.class=sound";

/// Where sound can be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Air {
    /// What the microphone hears.
    Mouth,
    /// What comes out of the speaker.
    Room,
}

impl Air {
    /// The name of the source that records it.
    pub fn source(self) -> &'static str {
        match self {
            Self::Mouth => "mouth.monitor",
            Self::Room => "room.monitor",
        }
    }

    fn sink(self) -> &'static str {
        match self {
            Self::Mouth => "mouth",
            Self::Room => "room",
        }
    }
}

/// A running sound server, ended and removed when it is let go.
pub struct Daemon {
    // Before the folder, so that the daemon has ended when its folder is removed.
    process: Option<Guard>,
    folder: TempDir,
}

impl Daemon {
    /// Starts a daemon and waits until its devices are there.
    ///
    /// # Panics
    ///
    /// When it is not ready within ten seconds; the text holds its log.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sound-")
            .tempdir()
            .expect("a temporary folder");
        let mut daemon = Self {
            process: None,
            folder,
        };
        for name in ["run", "state", "home"] {
            fs::create_dir(daemon.path(name)).expect("a folder in a temporary folder");
        }
        fs::write(daemon.path("modules"), daemon.modules()).expect("a file");
        fs::write(daemon.path("alsa.conf"), daemon.alsa()).expect("a file");
        daemon.run();
        daemon
    }

    /// What a child process needs in its environment to use this daemon's devices as its default devices, through
    /// PulseAudio as well as through ALSA. Its `HOME` stays as it is.
    pub fn env(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        [
            ("PULSE_SERVER", self.server()),
            ("PULSE_COOKIE", text(self.path("cookie"))),
            ("PULSE_RUNTIME_PATH", text(self.path("run"))),
            ("PULSE_STATE_PATH", text(self.path("state"))),
            ("XDG_RUNTIME_DIR", text(self.path("run"))),
            ("ALSA_CONFIG_PATH", text(self.path("alsa.conf"))),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// A command with [`Daemon::env`].
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.env());
        command
    }

    /// Speaks a sound file into the microphone and returns when it has been heard, some 20 ms early or late.
    pub fn speak(&self, path: &Path) {
        self.speaking(path).finish(SPEECH);
    }

    /// Speaks a sound file into the microphone while the test goes on; letting go of the guard ends it.
    pub fn speaking(&self, path: &Path) -> Guard {
        self.playing(Air::Mouth, path)
    }

    /// Plays a sound file into the air, past the devices that programs see.
    pub fn playing(&self, air: Air, path: &Path) -> Guard {
        Guard::spawn(
            self.command("paplay")
                .arg(format!("--device={}", air.sink()))
                .arg(path),
        )
    }

    /// Makes the microphone hear the speaker after roughly `delay`, by `level_db` louder (so usually negative).
    ///
    /// The delay is held, but only roughly the one asked for: measure it in a recording. Echoes add up.
    pub fn echo(&self, delay: Duration, level_db: f32) {
        let module = self.load(&format!(
            "module-loopback source=room.monitor sink=mouth latency_msec={} adjust_time=0 \
             source_dont_move=true sink_dont_move=true",
            delay.as_millis()
        ));
        let inputs = self.pactl(&["list", "sink-inputs"]);
        let owner = format!("Owner Module: {module}");
        let input = inputs
            .split("Sink Input #")
            .find(|text| text.lines().any(|line| line.trim() == owner))
            .and_then(|text| text.lines().next())
            .expect("a loopback plays into its sink");
        self.pactl(&["set-sink-input-volume", input, &format!("{level_db}dB")]);
    }

    /// Unplugs the speaker. Programs are not told: the server moves what they play to a sink nobody hears.
    pub fn remove_speaker(&self) {
        self.pactl(&["unload-module", "module-remap-sink"]);
    }

    /// Plugs the speaker in again, as the default.
    pub fn restore_speaker(&self) {
        self.load(SPEAKER);
        self.pactl(&["set-default-sink", "spk"]);
    }

    /// Ends what programs play into the speaker, and tells them. Returns how many streams that were.
    pub fn kill_playback(&self) -> usize {
        self.kill_streams("sink", "spk", "sink-input")
    }

    /// Ends the daemon at once, as a crash would.
    pub fn crash(&mut self) {
        self.process = None;
    }

    /// Starts the daemon again after [`Daemon::crash`], at the same address.
    pub fn revive(&mut self) {
        self.process = None;
        self.run();
    }

    /// Makes the daemon hang, or lets it go on: its clients stay connected and get no answer.
    pub fn freeze(&mut self, frozen: bool) {
        let signal = if frozen { "STOP" } else { "CONT" };
        let Some(process) = &mut self.process else {
            panic!("no daemon to send SIG{signal}")
        };
        let order = format!("kill -{signal} {}", process.child().id());
        output_of(Command::new("sh").args(["-c", &order]), ORDER).expect("a signal");
    }

    /// What the daemon has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn run(&mut self) {
        // What a crash leaves behind would pass for a daemon that is ready.
        let _ = fs::remove_file(self.path("socket"));
        let _ = fs::remove_file(self.path("orders"));
        let log = fs::File::create(self.path("log")).expect("a file");
        let mut process = Guard::spawn(
            Command::new("pulseaudio")
                .args([
                    "-n",
                    "--daemonize=no",
                    "--use-pid-file=no",
                    "--log-target=stderr",
                    "--disable-shm=true",
                ])
                .arg(format!("--exit-idle-time={IDLE_S}"))
                .arg("-F")
                .arg(self.path("modules"))
                .envs(self.env())
                .env("HOME", self.path("home"))
                .env_remove("DISPLAY")
                .stdout(log.try_clone().expect("a file can be shared"))
                .stderr(log),
        );
        let ready = wait_until(READY, || process.ended().is_some() || self.is_ready());
        if !ready || process.ended().is_some() {
            panic!("no sound server:\n{}", self.log());
        }
        self.process = Some(process);
    }

    fn is_ready(&self) -> bool {
        let info = output_of(self.command("pactl").arg("info"), ORDER).unwrap_or_default();
        info.contains("Default Sink: spk") && info.contains("Default Source: mic")
    }

    fn modules(&self) -> String {
        // With `.fail` a module that does not load ends the daemon.
        let load = [
            format!(
                "module-native-protocol-unix auth-anonymous=1 socket={}",
                self.path("socket").display()
            ),
            format!(
                "module-cli-protocol-unix socket={}",
                self.path("orders").display()
            ),
            format!(
                "module-null-sink sink_name=void norewinds=1 {FORMAT} sink_properties={FALLBACK}"
            ),
            format!("module-null-source source_name=deaf {FORMAT}"),
            format!("module-null-sink sink_name=mouth norewinds=1 {FORMAT}"),
            format!("module-null-sink sink_name=room norewinds=1 {FORMAT}"),
            SPEAKER.to_owned(),
            MICROPHONE.to_owned(),
        ]
        .map(|module| format!("load-module {module}\n"))
        .concat();
        format!(".fail\n{load}set-default-sink spk\nset-default-source mic\n")
    }

    /// An ALSA configuration of its own: one of the machine or the user could send `default` elsewhere.
    fn alsa(&self) -> String {
        ["pulse", "!default"]
            .map(|name| {
                let device = format!("type pulse server \"{}\"", self.server());
                format!(
                    "pcm.{name} {{ {device} hint {{ show on description \"virtual sound card\" }} }}\n\
                     ctl.{name} {{ {device} }}\n"
                )
            })
            .concat()
    }

    fn kill_streams(&self, device: &str, name: &str, stream: &str) -> usize {
        let devices = self.pactl(&["list", "short", &format!("{device}s")]);
        let Some(index) = rows(&devices)
            .find(|row| row.get(1) == Some(&name))
            .map(|row| row[0].to_owned())
        else {
            return 0;
        };
        let streams = self.pactl(&["list", "short", &format!("{stream}s")]);
        rows(&streams)
            .filter(|row| row.get(1) == Some(&index.as_str()))
            .map(|row| self.order(&format!("kill-{stream} {}", row[0])))
            .count()
    }

    /// Gives an order that `pactl` has no word for.
    fn order(&self, order: &str) {
        let mut socket = UnixStream::connect(self.path("orders")).expect("the daemon takes orders");
        socket
            .set_read_timeout(Some(ORDER))
            .expect("a limit on reading");
        socket
            .write_all(format!("{order}\n").as_bytes())
            .expect("an order");
        socket.shutdown(Shutdown::Write).expect("an end of orders");
        // The daemon closes the connection when it has done everything.
        let _ = socket.read_to_end(&mut Vec::new());
    }

    fn load(&self, module: &str) -> String {
        let mut words = vec!["load-module"];
        words.extend(module.split_whitespace());
        self.pactl(&words).trim().to_owned()
    }

    fn pactl(&self, words: &[&str]) -> String {
        output_of(self.command("pactl").env("LC_ALL", "C").args(words), ORDER)
            .unwrap_or_else(|error| panic!("{error}\nlog of the sound server:\n{}", self.log()))
    }

    fn server(&self) -> String {
        format!("unix:{}", self.path("socket").display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The rows of a short list of `pactl`, cut at tabs.
fn rows(list: &str) -> impl Iterator<Item = Vec<&str>> {
    list.lines().map(|line| line.split('\t').collect())
}
