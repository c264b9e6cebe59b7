//! Random bytes for transaction ids, connection ids and marks.

use std::sync::{Mutex, PoisonError};

use ring::rand::{SecureRandom, SystemRandom};

/// Random bytes. Without a source of randomness they are zeros: a question is then still answered.
pub fn random<const N: usize>() -> [u8; N] {
    // Drawn from the system a block at a time: in a sweep, a system call for each probe would count.
    static BLOCK: Mutex<(usize, [u8; 1536])> = Mutex::new((0, [0; 1536]));
    let mut block = BLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (left, bytes) = &mut *block;
    if *left < N {
        let _ = SystemRandom::new().fill(bytes);
        *left = bytes.len();
    }
    *left -= N;
    // No byte is handed out twice.
    let mut drawn = [0; N];
    drawn.swap_with_slice(&mut bytes[*left..*left + N]);
    drawn
}
