//! Where an address is: by the built-in table of countries, or by a MaxMind-format file.

use std::net::IpAddr;
use std::path::Path;

use anyhow::Context;
use maxminddb::{Reader, geoip2};
use model::Place;

/// The source of places.
pub(crate) enum Places {
    /// Countries as the regional registries assigned them (crate `iptocc`).
    BuiltIn,
    File(Box<Reader<Vec<u8>>>),
}

impl Places {
    /// Reads the whole file into memory.
    pub(crate) fn open(file: Option<&Path>) -> anyhow::Result<Places> {
        let Some(file) = file else {
            return Ok(Places::BuiltIn);
        };
        let reader = Reader::open_readfile(file)
            .with_context(|| format!("{} cannot be read as a MaxMind-format file", file.display()))?;
        Ok(Places::File(Box::new(reader)))
    }

    /// As far as is known; empty where nothing is.
    pub(crate) fn of(&self, address: IpAddr) -> Place {
        match self {
            Places::BuiltIn => Place {
                country: iptocc::country_code(address).unwrap_or_default().to_owned(),
                ..Place::default()
            },
            Places::File(reader) => in_file(reader, address).unwrap_or_default(),
        }
    }
}

fn in_file(reader: &Reader<Vec<u8>>, address: IpAddr) -> Option<Place> {
    let found: geoip2::City = reader.lookup(address).ok()?.decode().ok()??;
    let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
    Some(Place {
        country: text(found.country.iso_code),
        region: text(found.subdivisions.first().and_then(|region| region.names.english)),
        city: text(found.city.names.english),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_known_address_has_its_country_and_a_private_one_none() {
        let country = |address: &str| Places::BuiltIn.of(address.parse().unwrap()).country;
        assert_eq!(country("8.8.8.8"), "US");
        assert_eq!(country("193.0.6.139"), "NL");
        assert_eq!(country("192.168.1.1"), "");
        assert_eq!(country("::1"), "");
    }

    #[test]
    fn a_file_of_another_format_is_refused_with_its_name() {
        let error = Places::open(Some(Path::new("Cargo.toml"))).err().expect("no such format");
        assert!(error.to_string().contains("Cargo.toml"), "{error}");
    }
}
