//! Basic credentials, compared with the plainest reader there is.
//!
//! Input: lines, each an Authorization field's value. What stands behind a `~` is sent in base64.

#![no_main]

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use portcullis::fuzzing::{Presented, credentials};
use portcullis_fuzz::basic;

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(4) {
        let value = match line.iter().position(|byte| *byte == b'~') {
            Some(place) => [&line[..place], basic::encode(&line[place + 1..]).as_bytes()].concat(),
            None => line.to_vec(),
        };
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.append(AUTHORIZATION, value);
        }
    }
    let values: Vec<_> = headers.get_all(AUTHORIZATION).iter().collect();
    let expected = match values[..] {
        [] => Presented::Nothing,
        [value] => {
            let read = basic::read(value.as_bytes());
            read.map_or(Presented::Malformed, |(name, secret)| Presented::Basic(name, secret))
        }
        _ => Presented::Several,
    };
    assert_eq!(credentials(&headers), expected, "{values:?}");
});
