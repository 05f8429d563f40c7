//! µ-law, the 8 bits a sample of telephones (ITU-T G.711).

/// What is added before a sample is cut to its exponent and mantissa.
const BIAS: i32 = 0x84;
/// The loudest sample that can be told.
const CLIP: i32 = 32_635;

/// A sample in -1..=1 as a byte.
pub(crate) fn encode(sample: f32) -> u8 {
    let linear = i32::from(crate::audio::wav::to_16_bit(sample));
    let sign = if linear < 0 { 0x80 } else { 0 };
    let biased = linear.abs().min(CLIP) + BIAS;
    // The highest bit that is set is bit 7 at least, and bit 14 at most.
    let exponent = 24 - biased.leading_zeros() as i32;
    let mantissa = (biased >> (exponent + 3)) & 0x0F;
    !((sign | (exponent << 4) | mantissa) as u8)
}

/// A byte as a sample in -1..=1.
pub(crate) fn decode(byte: u8) -> f32 {
    let bits = i32::from(!byte);
    let magnitude = ((((bits & 0x0F) << 3) + BIAS) << ((bits & 0x70) >> 4)) - BIAS;
    let linear = if bits & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    };
    linear as f32 / 32_768.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_samples_are_known_bytes() {
        let in_16_bit = |sample: i16| f32::from(sample) / 32_768.0;
        for (sample, byte) in [
            (0, 0xFF),
            (-1, 0x7F),
            (32_124, 0x80),
            (-32_124, 0x00),
            (132, 0xEF),
            (1_000, 0xCE),
        ] {
            assert_eq!(encode(in_16_bit(sample)), byte, "{sample}");
        }
        assert_eq!(decode(0xFF), 0.0);
        assert_eq!(decode(0x80), in_16_bit(32_124));
        assert_eq!(decode(0x00), in_16_bit(-32_124));
        assert_eq!(
            (encode(1.0), encode(-1.0), encode(f32::NAN)),
            (0x80, 0x00, 0xFF)
        );
    }

    #[test]
    fn every_byte_comes_back() {
        for byte in 0..=255u8 {
            // Zero has two bytes.
            let again = encode(decode(byte));
            assert!(
                again == byte || (byte == 0x7F && again == 0xFF),
                "{byte:#x}"
            );
        }
    }

    #[test]
    fn what_is_heard_is_near_what_was_said() {
        for step in -100..=100 {
            let sample = step as f32 / 100.0 * 0.99;
            assert!(
                (decode(encode(sample)) - sample).abs() <= 0.002 + sample.abs() / 25.0,
                "{sample}"
            );
        }
    }
}
