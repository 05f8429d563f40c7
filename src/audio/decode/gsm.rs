//! GSM 06.10 full rate (ETSI EN 300 961), as WAV holds it: the decoder, to the bit.
//!
//! A frame of 260 bits holds 160 samples: eight coefficients of the vocal tract's shape, and four times a pitch with
//! its gain, and thirteen pulses. All arithmetic is in 16 bits that saturate.

/// Bytes of two frames, the lowest bit first (Microsoft's packing, and Asterisk's WAV49).
pub(super) const BLOCK_BYTES: usize = 65;
/// Samples of two frames.
pub(super) const BLOCK_SAMPLES: usize = 2 * FRAME_SAMPLES;

const FRAME_SAMPLES: usize = 160;
/// Samples that share a pitch.
const QUARTER: usize = 40;
/// The longest pitch, in samples.
const PITCH_MAX: usize = 120;

/// The coefficients as they are sent: bits, the smallest value, an offset, and the inverse of the step.
const COEFFICIENTS: [(u32, i16, i16, i16); 8] = [
    (6, -32, 0, 13_107),
    (6, -32, 0, 13_107),
    (5, -16, 2_048, 13_107),
    (5, -16, -2_560, 13_107),
    (4, -8, 94, 19_223),
    (4, -8, -1_792, 17_476),
    (3, -4, -341, 31_454),
    (3, -4, -1_144, 29_708),
];
/// How much of the sound a pitch ago is added.
const PITCH_GAINS: [i16; 4] = [3_277, 11_469, 21_299, 32_767];
/// The mantissas of the pulses' size.
const MANTISSAS: [i16; 8] = [
    18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767,
];

/// What a decoder remembers of the frames before.
pub(super) struct Decoder {
    /// The excitation of the last [`PITCH_MAX`] samples.
    excitation: [i16; PITCH_MAX],
    pitch: usize,
    coefficients: [i16; 8],
    lattice: [i16; 9],
    deemphasis: i16,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            excitation: [0; PITCH_MAX],
            pitch: QUARTER,
            coefficients: [0; 8],
            lattice: [0; 9],
            deemphasis: 0,
        }
    }

    /// Appends the [`BLOCK_SAMPLES`] of a block to `sound`.
    pub(super) fn decode(&mut self, block: &[u8; BLOCK_BYTES], sound: &mut Vec<f32>) {
        let mut bits = Bits { block, position: 0 };
        for _ in 0..2 {
            let mut samples = [0; FRAME_SAMPLES];
            let sent = COEFFICIENTS.map(|(width, ..)| bits.next(width));
            for quarter in samples.chunks_exact_mut(QUARTER) {
                self.excite(&mut bits, quarter);
            }
            self.shape(coefficients(sent), &mut samples);
            let each = samples.map(|sample| self.deemphasise(sample));
            sound.extend(each.map(|sample| f32::from(sample) / 32_768.0));
        }
    }

    /// A quarter's pulses, and the sound a pitch ago.
    fn excite(&mut self, bits: &mut Bits, quarter: &mut [i16]) {
        let pitch = bits.next(7) as usize;
        let gain = PITCH_GAINS[bits.next(2) as usize];
        let grid = bits.next(2) as usize;
        let size = bits.next(6);
        let (exponent, mantissa) = exponent_and_mantissa(size);
        let shift = 6 - exponent;
        for pulse in 0..13 {
            let steps = bits.next(3) * 2 - 7;
            let scaled = times(MANTISSAS[mantissa], steps << 12);
            let rounding = if shift > 0 { 1 << (shift - 1) } else { 0 };
            if let Some(at) = quarter.get_mut(grid + 3 * pulse) {
                *at = scaled.saturating_add(rounding) >> shift;
            }
        }
        // A pitch out of range was sent wrong: the last one goes on.
        if (QUARTER..=PITCH_MAX).contains(&pitch) {
            self.pitch = pitch;
        }
        let past = self.excitation;
        let earlier = &past[PITCH_MAX - self.pitch..];
        for (sample, before) in quarter.iter_mut().zip(earlier) {
            *sample = sample.saturating_add(times(gain, *before));
        }
        self.excitation.copy_within(QUARTER.., 0);
        self.excitation[PITCH_MAX - QUARTER..].copy_from_slice(quarter);
    }

    /// Puts a frame's excitation through the vocal tract, whose shape glides from that of the frame before.
    fn shape(&mut self, coefficients: [i16; 8], samples: &mut [i16; FRAME_SAMPLES]) {
        let before = std::mem::replace(&mut self.coefficients, coefficients);
        let glide = |mix: fn(i16, i16) -> i16| -> [i16; 8] {
            std::array::from_fn(|at| reflection(mix(before[at], coefficients[at])))
        };
        let stretches = [
            (
                0..13,
                glide(|a, b| (a >> 2).saturating_add(b >> 2).saturating_add(a >> 1)),
            ),
            (13..27, glide(|a, b| (a >> 1).saturating_add(b >> 1))),
            (
                27..40,
                glide(|a, b| (a >> 2).saturating_add(b >> 2).saturating_add(b >> 1)),
            ),
            (40..160, glide(|_, b| b)),
        ];
        for (stretch, reflections) in stretches {
            for sample in &mut samples[stretch] {
                for at in (0..8).rev() {
                    let held = self.lattice[at];
                    *sample = sample.saturating_sub(times(reflections[at], held));
                    self.lattice[at + 1] = held.saturating_add(times(reflections[at], *sample));
                }
                self.lattice[0] = *sample;
            }
        }
    }

    fn deemphasise(&mut self, sample: i16) -> i16 {
        self.deemphasis = sample.saturating_add(times(self.deemphasis, 28_180));
        self.deemphasis.saturating_add(self.deemphasis) & !7
    }
}

/// The coefficients (logarithms of area ratios) from what was sent.
fn coefficients(sent: [i16; 8]) -> [i16; 8] {
    std::array::from_fn(|at| {
        let (_, least, offset, inverse) = COEFFICIENTS[at];
        let steps = (sent[at] + least) << 10;
        let scaled = times(inverse, steps.saturating_sub(offset * 2));
        scaled.saturating_add(scaled)
    })
}

/// A reflection coefficient from the logarithm of an area ratio, by three straight lines.
fn reflection(ratio: i16) -> i16 {
    let magnitude = match ratio.saturating_abs() {
        small @ ..11_059 => small * 2,
        middle @ ..20_070 => middle + 11_059,
        large => (large >> 2).saturating_add(26_112),
    };
    if ratio < 0 { -magnitude } else { magnitude }
}

/// The size of a quarter's largest pulse, taken apart.
fn exponent_and_mantissa(size: i16) -> (i16, usize) {
    let mut exponent = if size > 15 { (size >> 3) - 1 } else { 0 };
    let mut mantissa = size - (exponent << 3);
    if mantissa == 0 {
        return (-4, 7);
    }
    while mantissa <= 7 {
        mantissa = mantissa << 1 | 1;
        exponent -= 1;
    }
    (exponent, (mantissa - 8) as usize & 7)
}

/// The product of two fractions, rounded.
fn times(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b) + 16_384) >> 15;
    product.min(i32::from(i16::MAX)) as i16
}

/// The bits of a block, the lowest of each byte first.
struct Bits<'a> {
    block: &'a [u8; BLOCK_BYTES],
    position: usize,
}

impl Bits<'_> {
    fn next(&mut self, width: u32) -> i16 {
        (0..width).fold(0, |value, place| {
            let byte = self.block.get(self.position / 8).copied().unwrap_or(0);
            let bit = i16::from(byte >> (self.position % 8) & 1);
            self.position += 1;
            value | bit << place
        })
    }
}
