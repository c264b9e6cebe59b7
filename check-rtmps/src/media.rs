//! A synthetic live stream: real H.264 pictures and AAC silence, made heavy by filler.
//!
//! The picture is 64 × 64 samples of grey: an IDR picture every two seconds, skipped pictures between them, and
//! filler data (NAL unit type 12) that brings the stream to its bitrate. Decoders accept it and show grey.

use crate::amf::Value;

/// Milliseconds from one picture to the next.
pub const PICTURE_MS: u32 = 40;
/// Pictures from one IDR picture to the next.
const GROUP: u32 = 50;
/// Samples a second, and samples in an AAC frame.
const RATE: u64 = 44_100;
const SAMPLES: u64 = 1024;
/// Macroblocks of a picture: 4 × 4.
const BLOCKS: u32 = 16;

/// Bits written from the most significant on (H.264 section 7.2 and 9.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(mut self, value: u32, count: u32) -> Self {
        for shift in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(value >> shift & 1 == 1) << (7 - self.used % 8);
            }
            self.used += 1;
        }
        self
    }

    /// Exp-Golomb numbers, ue(v).
    fn ue(mut self, values: &[u32]) -> Self {
        for value in values {
            let length = 32 - (value + 1).leading_zeros();
            self = self.put(0, length - 1).put(value + 1, length);
        }
        self
    }

    /// A NAL unit: its header byte, the bits, the stop bit, and escapes against start codes (section 7.4.1).
    fn unit(self, header: u8) -> Vec<u8> {
        let raw = self.put(1, 1).bytes;
        let mut unit = vec![header];
        let mut zeros = 0;
        for byte in raw {
            if zeros == 2 && byte <= 3 {
                unit.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            unit.push(byte);
        }
        unit
    }
}

/// Sequence parameters: constrained baseline, level 3.1, pictures in order of output (section 7.3.2.1).
fn sequence_parameters() -> Vec<u8> {
    let head = Bits::default().put(0x42_c01f, 24).ue(&[0, 0, 2, 1]).put(0, 1);
    head.ue(&[3, 3]).put(0b1100, 4).unit(0x67)
}

/// Picture parameters: everything plain (section 7.3.2.2).
fn picture_parameters() -> Vec<u8> {
    let head = Bits::default().ue(&[0, 0]).put(0, 2).ue(&[0, 0, 0]).put(0, 3);
    head.ue(&[0, 0, 0]).put(0, 3).unit(0x68)
}

/// One picture (section 7.3.3). An IDR picture predicts every macroblock from nothing, which is grey, and has no
/// residual: the eight bits 00100 1 1 1 each. Any other picture skips all macroblocks.
fn picture(nth: u32) -> Vec<u8> {
    let in_group = nth % GROUP;
    if in_group == 0 {
        let group = nth / GROUP % 2;
        let mut bits = Bits::default().ue(&[0, 7, 0]).put(0, 4).ue(&[group]).put(0, 2).ue(&[0]);
        for _ in 0..BLOCKS {
            bits = bits.ue(&[3, 0, 0]).put(1, 1);
        }
        return bits.unit(0x65);
    }
    Bits::default().ue(&[0, 5, 0]).put(in_group % 16, 4).put(0, 3).ue(&[0, BLOCKS]).unit(0x41)
}

fn framed(out: &mut Vec<u8>, unit: &[u8]) {
    out.extend(u32::try_from(unit.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(unit);
}

/// The video tag that comes first: AVCDecoderConfigurationRecord (ISO 14496-15 section 5.2.4.1).
pub fn video_header() -> Vec<u8> {
    let (sps, pps) = (sequence_parameters(), picture_parameters());
    let mut tag = vec![0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1f, 0xff, 0xe1];
    for (unit, after) in [(&sps, Some(1)), (&pps, None)] {
        tag.extend(u16::try_from(unit.len()).unwrap_or(u16::MAX).to_be_bytes());
        tag.extend(unit);
        tag.extend(after);
    }
    tag
}

/// The audio tag that comes first: AudioSpecificConfig of AAC-LC, 44.1 kHz, mono (ISO 14496-3 section 1.6.2.1).
pub fn audio_header() -> Vec<u8> {
    vec![0xaf, 0, 0x12, 0x08]
}

/// The video tag of picture `nth`, about `size` bytes long.
pub fn video(nth: u32, size: usize) -> Vec<u8> {
    let first = if nth.is_multiple_of(GROUP) { 0x17 } else { 0x27 };
    let mut tag = Vec::with_capacity(size);
    tag.extend([first, 1, 0, 0, 0]);
    framed(&mut tag, &picture(nth));
    let room = size.saturating_sub(tag.len() + 4);
    if room >= 2 {
        let mut filler = vec![0xff; room];
        (filler[0], filler[room - 1]) = (0x0c, 0x80);
        framed(&mut tag, &filler);
    }
    tag
}

/// The audio tag of any frame: one channel, nothing coded (ISO 14496-3 table 4.4, max_sfb = 0): silence.
pub fn audio() -> Vec<u8> {
    vec![0xaf, 1, 0, 0, 0, 7]
}

/// When audio frame `nth` is due, in milliseconds.
pub fn audio_ms(nth: u64) -> u64 {
    nth * SAMPLES * 1000 / RATE
}

/// The description of the stream in `@setDataFrame`.
pub fn metadata(bitrate: u32) -> [Value; 3] {
    let number = |name: &str, value: f64| (name.to_owned(), Value::Number(value));
    let fields = vec![
        number("width", 64.0),
        number("height", 64.0),
        number("framerate", 1000.0 / f64::from(PICTURE_MS)),
        number("videocodecid", 7.0),
        number("videodatarate", f64::from(bitrate)),
        number("audiocodecid", 10.0),
        number("audiosamplerate", 44_100.0),
        ("stereo".to_owned(), Value::Boolean(false)),
        ("encoder".to_owned(), Value::text("check-rtmps")),
    ];
    [Value::text("@setDataFrame"), Value::text("onMetaData"), Value::Object(fields)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_numbers_are_those_of_the_standard() {
        let bits = Bits::default().ue(&[0, 1, 2, 3, 7]);
        assert_eq!(bits.used, 1 + 3 + 3 + 5 + 7);
        assert_eq!(bits.bytes, [0b1010_0110, 0b0100_0001, 0b0000_0000]);
    }

    #[test]
    fn no_start_code_appears_inside_a_unit() {
        for nth in 0..2 * GROUP {
            let unit = picture(nth);
            assert!(!unit.windows(3).any(|three| three[..2] == [0, 0] && three[2] < 3), "picture {nth}");
        }
        assert_eq!(Bits::default().put(0, 16).put(1, 8).unit(0x41), [0x41, 0, 0, 3, 1, 0x80]);
    }

    #[test]
    fn a_tag_has_the_size_that_was_asked_for() {
        for size in [100, 1000, 12_000] {
            assert_eq!(video(0, size).len(), size);
            assert_eq!(video(1, size).len(), size);
        }
        assert!(video(1, 0).len() < 20);
    }

    #[test]
    fn a_second_has_25_pictures_and_43_frames_of_sound() {
        assert_eq!(1000 / PICTURE_MS, 25);
        assert_eq!((0..).take_while(|nth| audio_ms(*nth) < 1000).count(), 44);
    }
}
