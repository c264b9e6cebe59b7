//! Certificates compressed with brotli, as browsers accept them (RFC 8879).

use std::io::Read;

use rustls::CertificateCompressionAlgorithm;
use rustls::compress::{CertDecompressor, DecompressionFailed};

/// How much is read at a time.
const BUFFER: usize = 4096;

/// Reads brotli.
#[derive(Debug)]
pub(super) struct Brotli;

impl CertDecompressor for Brotli {
    fn decompress(&self, input: &[u8], output: &mut [u8]) -> Result<(), DecompressionFailed> {
        let mut reader = brotli_decompressor::Decompressor::new(input, BUFFER);
        reader.read_exact(output).map_err(|_| DecompressionFailed)?;
        // The announced length is the whole of it.
        match reader.read(&mut [0]) {
            Ok(0) => Ok(()),
            _ => Err(DecompressionFailed),
        }
    }

    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        CertificateCompressionAlgorithm::Brotli
    }
}
