//! What the checks of all parts of the settings share: where faults are gathered, and the kinds of value that occur in
//! several parts.
//!
//! A check never ends at its first fault. It hands back [`Told`] in place of a value, which exists only once a fault
//! has been told, so that no part can be missing from the settings without a reason the reader gets to see.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Faults, Source, nearest};

use super::address;
use super::units::{Amount, UnitError};
use super::value::{At, RawCount, RawNumber, Scalar};

/// Proof that a fault has been told. Only [`Check`] makes one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told(());

/// What is wrong with a value, apart from its place.
#[derive(Debug)]
pub(super) struct Problem {
    message: String,
    help: Option<String>,
    /// Whether there may be a secret behind it, which must not be shown.
    secret: bool,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, secret: false }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(super) fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// The faults of a file of settings, as they are found.
#[derive(Debug)]
pub(super) struct Check<'a> {
    source: Source<'a>,
    base: &'a Path,
    faults: Vec<Fault>,
    /// Keys that were meant but could not be read: they are at fault, and not missing.
    spoilt: Vec<String>,
    /// Addresses that something listens on.
    taken: Vec<(SocketAddr, Range<usize>)>,
}

impl<'a> Check<'a> {
    pub(super) fn new(source: Source<'a>, base: &'a Path) -> Self {
        Self { source, base, faults: Vec::new(), spoilt: Vec::new(), taken: Vec::new() }
    }

    pub(super) fn text(&self) -> &'a str {
        self.source.text()
    }

    /// Tells what is wrong with the value at a key.
    pub(super) fn tell(&mut self, span: Range<usize>, key: &str, problem: Problem) -> Told {
        let message = if key.is_empty() { problem.message } else { format!("{key}: {}", problem.message) };
        let mut fault = self.source.fault(span, message);
        fault.help = problem.help;
        self.faults.push(if problem.secret { fault.concealed() } else { fault });
        Told(())
    }

    /// Notes a key that was meant and whose fault is told, so that it does not count as missing.
    pub(super) fn spoil(&mut self, key: &str) {
        self.spoilt.push(key.to_owned());
    }

    /// The settings, or every fault there is.
    pub(super) fn finish<T>(self, checked: Result<T, Told>) -> Result<T, Faults> {
        match checked {
            Ok(settings) if self.faults.is_empty() => Ok(settings),
            Ok(_) | Err(Told(())) => Err(Faults::new(self.faults)),
        }
    }

    /// A table that must be there.
    pub(super) fn table<T>(&mut self, name: &str, table: Option<At<T>>) -> Result<At<T>, Told> {
        table.ok_or_else(|| self.missing(0..0, name, Problem::new("the table is missing")))
    }

    /// A value that must be there, in the table that `span` is the place of.
    pub(super) fn required<T>(
        &mut self,
        span: &Range<usize>,
        key: &str,
        value: Option<T>,
        example: &str,
    ) -> Result<T, Told> {
        value.ok_or_else(|| {
            let name = key.rsplit('.').next().unwrap_or(key);
            let problem = Problem::new("it is missing").help(format!("for example: {name} = {example}"));
            self.missing(span.clone(), key, problem)
        })
    }

    fn missing(&mut self, span: Range<usize>, key: &str, problem: Problem) -> Told {
        let inside =
            |spoilt: &String| spoilt == key || key.strip_prefix(spoilt.as_str()).is_some_and(|k| k.starts_with('.'));
        if self.spoilt.iter().any(inside) { Told(()) } else { self.tell(span, key, problem) }
    }

    /// A value that `parse` knows how to read.
    pub(super) fn value<R, T>(
        &mut self,
        key: &str,
        raw: &At<R>,
        parse: impl FnOnce(&R) -> Result<T, Problem>,
    ) -> Result<T, Told> {
        parse(&raw.value).map_err(|problem| {
            let end = if problem.secret { raw.span.start } else { raw.span.end };
            self.tell(raw.span.start..end, key, problem)
        })
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        raw: Option<&At<String>>,
        words: &[(&str, T)],
        default: T,
    ) -> Result<T, Told> {
        let Some(raw) = raw else { return Ok(default) };
        self.value(key, raw, |text| match words.iter().find(|(word, _)| word == text) {
            Some((_, value)) => Ok(*value),
            None => {
                let known = || words.iter().map(|(word, _)| *word);
                let listed: Vec<_> = known().map(|word| format!("{word:?}")).collect();
                let problem = Problem::new(format!("{text:?} is none of {}", listed.join(", ")));
                Err(match nearest(text, known()) {
                    Some(meant) => problem.help(format!("write {meant:?}")),
                    None => problem,
                })
            }
        })
    }

    /// A path, made relative to the directory of the settings. Whether anything is there is for its reader to find.
    pub(super) fn path(&mut self, key: &str, raw: &At<String>) -> Result<PathBuf, Told> {
        let base = self.base;
        self.value(key, raw, |text| match text.as_str() {
            "" => Err(Problem::new("the path is empty")),
            text if text.contains('\0') => Err(Problem::new("the path has a NUL in it")),
            text => Ok(base.join(text)),
        })
    }

    /// A path that may be left out.
    pub(super) fn optional_path(&mut self, key: &str, raw: Option<&At<String>>) -> Result<Option<PathBuf>, Told> {
        raw.map(|raw| self.path(key, raw)).transpose()
    }

    /// An address to listen on, which nothing else in the settings may have.
    pub(super) fn address(&mut self, key: &str, raw: &At<String>) -> Result<SocketAddr, Told> {
        let address = self.value(key, raw, |text| address::parse(text))?;
        let taken = self.taken.iter().find(|(taken, _)| *taken == address && address.port() != 0);
        if let Some((_, first)) = taken {
            let line = self.source.line(first.start);
            let problem = Problem::new(format!("{address} is already listened on: see line {line}"));
            return Err(self.tell(raw.span.clone(), key, problem));
        }
        self.taken.push((address, raw.span.clone()));
        Ok(address)
    }

    /// A duration or a size.
    pub(super) fn amount<A: Amount>(
        &mut self,
        key: &str,
        raw: Option<&At<A>>,
        default: A::Value,
        range: RangeInclusive<A::Value>,
    ) -> Result<A::Value, Told> {
        let Some(raw) = raw else { return Ok(default) };
        let value = self.value(key, raw, |raw| raw.value().map_err(|error| no_amount(raw, error)))?;
        if range.contains(&value) {
            return Ok(value);
        }
        let bounds = format!("{} to {}", A::write(*range.start()), A::write(*range.end()));
        Err(self.tell(raw.span.clone(), key, Problem::new(format!("it must be from {bounds}"))))
    }

    /// A whole number.
    pub(super) fn number(
        &mut self,
        key: &str,
        raw: Option<&At<RawNumber>>,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> Result<u32, Told> {
        let Some(raw) = raw else { return Ok(default) };
        self.value(key, raw, |RawNumber(number)| within(*number, range))
    }

    /// A number of things that each keep a core busy; one for each core unless said otherwise.
    pub(super) fn count(&mut self, key: &str, raw: Option<&At<RawCount>>, most: u32) -> Result<NonZeroUsize, Told> {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let Some(raw) = raw else { return Ok(cores()) };
        self.value(key, raw, |RawCount(scalar)| match scalar {
            Scalar::Text(text) if text == "auto" => Ok(cores()),
            Scalar::Text(text) => Err(Problem::new(format!("{text:?} is neither a whole number nor \"auto\""))),
            Scalar::Number(number) => {
                let number = within(*number, 1..=most)?;
                Ok(NonZeroUsize::new(number as usize).unwrap_or(NonZeroUsize::MIN))
            }
        })
    }
}

fn within(number: i64, range: RangeInclusive<u32>) -> Result<u32, Problem> {
    let bounds = format!("{} to {}", range.start(), range.end());
    let number = u32::try_from(number).ok().filter(|number| range.contains(number));
    number.ok_or_else(|| Problem::new(format!("it must be from {bounds}")))
}

fn no_amount<A: Amount>(raw: &A, error: UnitError) -> Problem {
    let units: Vec<_> = A::UNITS.iter().map(|(unit, _)| *unit).collect();
    let units = units.join(", ");
    let written = match raw.scalar() {
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => format!("{text:?}"),
    };
    match error {
        UnitError::Form => {
            Problem::new(format!("{written} is not a whole number with a unit, such as {:?}", A::EXAMPLE))
                .help(format!("units are {units}"))
        }
        UnitError::NoUnit(number) => {
            let unit = A::EXAMPLE.trim_start_matches(|c: char| c.is_ascii_digit());
            Problem::new(format!("{written} has no unit, one of {units}")).help(format!("write \"{number}{unit}\""))
        }
        UnitError::Unknown(unit, meant) => {
            let problem = Problem::new(format!("{unit:?} is no unit: there are {units}"));
            match (meant, raw.scalar()) {
                (Some(meant), Scalar::Text(text)) => {
                    let number = text.strip_suffix(&*unit).unwrap_or(text);
                    problem.help(format!("write \"{number}{meant}\""))
                }
                _ => problem,
            }
        }
        UnitError::TooMuch => Problem::new(format!("{written} is out of all bounds")),
    }
}
