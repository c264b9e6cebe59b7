//! An ASN database in MaxMind's format (MMDB 2.0), as `--networks` may name one.

use std::net::IpAddr;

use ipnet::IpNet;
use maxminddb::Reader;
use serde::Deserialize;

/// What stands before the metadata, in the last 128 KiB of every MMDB file.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
const TAIL: usize = 128 * 1024;

/// The number of a record, as MaxMind, DB-IP and others write it, or as IPinfo does.
#[derive(Deserialize)]
struct Entry {
    autonomous_system_number: Option<u32>,
    asn: Option<String>,
}

impl Entry {
    fn number(&self) -> Option<u32> {
        let worded = || self.asn.as_deref()?.strip_prefix("AS")?.parse().ok();
        self.autonomous_system_number.or_else(worded)
    }
}

/// An ASN database.
pub struct Database {
    reader: Reader<Vec<u8>>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("type", &self.reader.metadata().database_type).finish()
    }
}

impl Database {
    /// Whether a file is a database at all.
    #[must_use]
    pub fn is_one(file: &[u8]) -> bool {
        let tail = file.get(file.len().saturating_sub(TAIL)..).unwrap_or_default();
        tail.windows(MARKER.len()).any(|window| window == MARKER)
    }

    /// Reads it whole.
    ///
    /// # Errors
    /// It is damaged, or its records carry no AS numbers.
    pub fn read(file: Vec<u8>) -> Result<Database, String> {
        let reader = Reader::from_source(file).map_err(|error| format!("damaged MMDB file: {error}"))?;
        let database = Database { reader };
        // A country or city database would put every address outside every network.
        let known = ["17.57.144.10", "8.8.8.8", "2001:4860:4860::8888"]
            .iter()
            .filter_map(|text| text.parse().ok())
            .any(|address| database.asn(address).is_some());
        if known {
            Ok(database)
        } else {
            Err("an MMDB file without AS numbers: an ASN database is needed".into())
        }
    }

    /// The autonomous system an address is announced by, and the prefix.
    #[must_use]
    pub fn asn(&self, address: IpAddr) -> Option<(u32, IpNet)> {
        let found = self.reader.lookup(address).ok()?;
        let entry: Entry = found.decode().ok()??;
        let network = found.network().ok()?;
        let prefix = IpNet::new(network.ip(), network.prefix()).ok()?;
        Some((entry.number()?, prefix.trunc()))
    }
}
