//! Where an address is: by the built-in table of countries, or by a MaxMind-format file.

use std::net::IpAddr;
use std::path::Path;

use anyhow::Context;
use maxminddb::{Reader, geoip2};
use model::Place;

/// The source of places.
pub enum Places {
    /// Countries as the regional registries assigned them (crate `iptocc`).
    BuiltIn,
    File(Box<Reader<Vec<u8>>>),
}

impl Places {
    /// Reads the whole file into memory.
    pub fn open(file: Option<&Path>) -> anyhow::Result<Places> {
        let Some(file) = file else {
            return Ok(Places::BuiltIn);
        };
        let reader = Reader::open_readfile(file)
            .with_context(|| format!("{} cannot be read as a MaxMind-format file", file.display()))?;
        Ok(Places::File(Box::new(reader)))
    }

    /// As far as is known; empty where nothing is.
    pub fn of(&self, address: IpAddr) -> Place {
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

    /// A value as the MaxMind DB file format, version 2.0, writes it; sizes stay under 29.
    enum Value {
        Text(&'static str),
        Number(u16),
        Map(Vec<(&'static str, Value)>),
        List(Vec<Value>),
    }

    impl Value {
        fn write(&self, out: &mut Vec<u8>) {
            match self {
                Value::Text(text) => {
                    out.push(2 << 5 | text.len() as u8);
                    out.extend(text.as_bytes());
                }
                Value::Number(number) => {
                    out.push(5 << 5 | 2);
                    out.extend(number.to_be_bytes());
                }
                Value::Map(fields) => {
                    out.push(7 << 5 | fields.len() as u8);
                    for (name, value) in fields {
                        Value::Text(name).write(out);
                        value.write(out);
                    }
                }
                Value::List(items) => {
                    out.extend([items.len() as u8, 11 - 7]);
                    items.iter().for_each(|item| item.write(out));
                }
            }
        }
    }

    /// A file in which the lower half of all IPv4 addresses has this record, and the upper half has none.
    fn file(record: Value) -> tempfile::NamedTempFile {
        let metadata = Value::Map(vec![
            ("binary_format_major_version", Value::Number(2)),
            ("binary_format_minor_version", Value::Number(0)),
            ("build_epoch", Value::Number(1)),
            ("database_type", Value::Text("Test-City")),
            ("description", Value::Map(vec![])),
            ("ip_version", Value::Number(4)),
            ("languages", Value::List(vec![])),
            ("node_count", Value::Number(1)),
            ("record_size", Value::Number(24)),
        ]);
        // One node: left, to the record behind node and separator; right, to nothing.
        let mut bytes = vec![0, 0, 1 + 16, 0, 0, 1];
        bytes.extend([0; 16]);
        record.write(&mut bytes);
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        metadata.write(&mut bytes);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn a_file_tells_the_place_as_far_as_it_knows() {
        let named = |name| Value::Map(vec![("names", Value::Map(vec![("en", Value::Text(name))]))]);
        let country = || Value::Map(vec![("iso_code", Value::Text("FR"))]);
        let city = vec![
            ("city", named("Paris")),
            ("country", country()),
            ("subdivisions", Value::List(vec![named("Ile-de-France"), named("Paris")])),
        ];
        let check = |record: Value, address: &str, expected: [&str; 3]| {
            let place = Places::open(Some(file(record).path())).unwrap().of(address.parse().unwrap());
            assert_eq!([&*place.country, &*place.region, &*place.city], expected, "{address}");
        };
        check(Value::Map(city), "2.0.0.1", ["FR", "Ile-de-France", "Paris"]);
        check(Value::Map(vec![("country", country())]), "2.0.0.1", ["FR", "", ""]);
        check(Value::Map(vec![("country", country())]), "200.0.0.1", ["", "", ""]);
        check(Value::Map(vec![("country", country())]), "2001:db8::1", ["", "", ""]);
        check(Value::Map(vec![("country", Value::Text("France"))]), "2.0.0.1", ["", "", ""]);
        check(Value::Text("no place"), "2.0.0.1", ["", "", ""]);
    }

    #[test]
    fn a_file_of_another_format_is_refused_with_its_name() {
        let error = Places::open(Some(Path::new("Cargo.toml"))).err().expect("no such format");
        assert!(error.to_string().contains("Cargo.toml"), "{error}");
    }
}
