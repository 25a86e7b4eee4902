//! Messages in several languages, as Fluent writes them: those of the host, and the message catalogues of extensions.
//!
//! A catalogue is a stranger's text: what it could cost to read or to resolve is bounded, and what could not be resolved
//! is refused when it is read. No I/O.

mod check;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::resolver::ResolverError;
use fluent_bundle::types::FluentNumber;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue};
use intl_memoizer::Memoizable;
use intl_memoizer::concurrent::IntlLangMemoizer;
use unic_langid::LanguageIdentifier;

pub use self::check::MessagesError;
use crate::locale::{Digits, Direction, Formats, Grouping, Locale};

/// Bytes of one message with everything in it.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// Decimals that a catalogue can demand.
const MAX_DECIMALS: usize = 15;

/// What stands in for a variable of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument<'a> {
    /// A text.
    Text(&'a str),
    /// A number, as the reader's language writes it.
    Number(f64),
}

/// The messages of one language.
pub struct Messages {
    locale: Locale,
    bundle: FluentBundle<FluentResource>,
}

/// Why a message cannot be shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is too long.
    #[error("the message `{0}` has more than {MAX_MESSAGE_BYTES} bytes")]
    TooLong(String),
    /// It refers to itself or to too much.
    #[error("the message `{0}` refers to itself, or to more than 100 things")]
    TooMuch(String),
}

impl Messages {
    /// Reads the messages of a language.
    pub fn parse(locale: Locale, text: &str) -> Result<Self, MessagesError> {
        let resource = check::parse(text)?;
        let mut bundle = FluentBundle::new_concurrent(vec![locale.identifier().clone()]);
        // Marks are set by `isolated`, where they are needed.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(format));
        let formats = Formats::of(&locale);
        let functions = bundle
            .add_function("NUMBER", number)
            .and_then(|()| {
                bundle.add_function("DATETIME", move |its, how| moment(&formats, its, how))
            })
            .and_then(|()| bundle.add_resource(resource).map_err(|mut errors| errors.remove(0)));
        match functions {
            Ok(()) => Ok(Self { locale, bundle }),
            Err(FluentError::Overriding { id, .. }) => Err(MessagesError::twice(text, &id)),
            Err(error) => Err(MessagesError::whole(error.to_string())),
        }
    }

    /// The language.
    pub fn locale(&self) -> &Locale {
        &self.locale
    }

    /// Whether there is such a message.
    pub fn has(&self, id: &str) -> bool {
        self.bundle.get_message(id).is_some_and(|message| message.value().is_some())
    }

    /// A message with its variables; nothing if there is none of this identifier.
    pub fn get(
        &self,
        id: &str,
        arguments: &[(&str, Argument<'_>)],
    ) -> Option<Result<String, MessageError>> {
        let message = self.bundle.get_message(id)?;
        let pattern = message.value()?;
        let mut values = FluentArgs::with_capacity(arguments.len());
        for (name, argument) in arguments {
            values.set(
                *name,
                match argument {
                    Argument::Text(text) => isolated(text, self.locale.direction()).into(),
                    Argument::Number(number) => FluentValue::from(*number),
                },
            );
        }
        let mut written = Bounded::default();
        let mut errors = Vec::new();
        let done = self.bundle.write_pattern(&mut written, pattern, Some(&values), &mut errors);
        let is_beyond = |error: &FluentError| {
            let beyond = [ResolverError::TooManyPlaceables, ResolverError::Cyclic];
            matches!(error, FluentError::ResolverError(error) if beyond.contains(error))
        };
        // A variable that was not given is shown as its name, which is of more use than nothing.
        Some(match done {
            Err(fmt::Error) => Err(MessageError::TooLong(id.to_owned())),
            Ok(()) if errors.iter().any(is_beyond) => Err(MessageError::TooMuch(id.to_owned())),
            Ok(()) => Ok(written.0),
        })
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Messages({})", self.locale.tag())
    }
}

/// A text that grows so far and no further.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_MESSAGE_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// The message catalogue of an extension.
#[derive(Debug, Default)]
pub struct Catalogue {
    locales: Vec<Locale>,
    languages: Vec<Messages>,
    /// Which language has what the others lack.
    default: Option<usize>,
}

/// Which of some languages has what the others lack: the one that is named, or English, or the first.
pub fn default_language(languages: &[Messages], named: Option<&Locale>) -> Option<usize> {
    let of = |tag: &str| languages.iter().position(|its| its.locale.tag() == tag);
    let first = if languages.is_empty() { None } else { Some(0) };
    named.and_then(|locale| of(locale.tag())).or_else(|| of("en")).or(first)
}

/// A catalogue as one reader reads it.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    catalogue: Arc<Catalogue>,
    order: Vec<usize>,
}

impl Catalogue {
    /// A catalogue of these languages, in which a default language may be named.
    pub fn new(languages: Vec<Messages>, default: Option<&Locale>) -> Self {
        let locales = languages.iter().map(|its| its.locale.clone()).collect();
        let default = default_language(&languages, default);
        Self { locales, languages, default }
    }

    /// The catalogue as a reader of this language reads it: the nearest languages first, the default one last.
    pub fn read_in(self: &Arc<Self>, locale: &Locale) -> Reading {
        let nearest = locale.nearest(&self.locales);
        let place = |its: &Locale| self.locales.iter().position(|locale| locale == its);
        let mut order: Vec<_> = nearest.into_iter().filter_map(place).collect();
        order.extend(self.default.filter(|default| !order.contains(default)));
        Reading { catalogue: self.clone(), order }
    }
}

impl Reading {
    /// A message in the nearest language that has it; nothing if none has.
    pub fn get(
        &self,
        id: &str,
        arguments: &[(&str, Argument<'_>)],
    ) -> Option<Result<String, MessageError>> {
        let mut languages = self.order.iter().filter_map(|at| self.catalogue.languages.get(*at));
        languages.find_map(|messages| messages.get(id, arguments))
    }
}

/// Formats of a language for what stands in its messages.
struct InMessages(Arc<Formats>);

impl Memoizable for InMessages {
    type Args = ();
    type Error = String;

    fn construct(language: LanguageIdentifier, (): ()) -> Result<Self, String> {
        Ok(Self(Formats::of(&Locale::parse(&language.to_string())?)))
    }
}

/// Writes a number as the language of the message does.
fn format(value: &FluentValue<'_>, memoizer: &IntlLangMemoizer) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    let written = memoizer.with_try_get::<InMessages, _, _>((), |its| written(&its.0, number));
    Some(written.unwrap_or_else(|_| number.value.to_string()))
}

fn written(formats: &Formats, number: &FluentNumber) -> String {
    let options = &number.options;
    let usual = Digits::default();
    let least = options.minimum_fraction_digits.unwrap_or(usual.least).min(MAX_DECIMALS);
    let most = options.maximum_fraction_digits.unwrap_or(usual.most).max(least);
    let grouping = if options.use_grouping { Grouping::Usual } else { Grouping::Never };
    formats.digits(number.value, Digits { least, most, grouping })
}

/// The function `NUMBER` of Fluent.
fn number<'a>(its: &[FluentValue<'a>], how: &FluentArgs<'_>) -> FluentValue<'a> {
    let Some(FluentValue::Number(number)) = its.first() else { return FluentValue::Error };
    let mut number = number.clone();
    number.options.merge(how);
    // The library raises 10 to the power of it.
    let least = number.options.minimum_fraction_digits;
    number.options.minimum_fraction_digits = least.map(|digits| digits.min(MAX_DECIMALS));
    FluentValue::Number(number)
}

/// The function `DATETIME` of Fluent, of milliseconds since the epoch: with `dateStyle` alone the day, with `timeStyle`
/// alone the time.
fn moment<'a>(formats: &Formats, its: &[FluentValue<'a>], how: &FluentArgs<'_>) -> FluentValue<'a> {
    let Some(FluentValue::Number(number)) = its.first() else { return FluentValue::Error };
    if !number.value.is_finite() {
        return FluentValue::Error;
    }
    // What is beyond an `i64` becomes the last of it, for which there is no date.
    let ms = number.value as i64;
    let written = match (how.get("dateStyle"), how.get("timeStyle")) {
        (Some(_), None) => formats.date(ms),
        (None, Some(_)) => formats.time(ms),
        _ => formats.date_time(ms),
    };
    FluentValue::from(written)
}

/// A text that stands in a message of this direction: kept apart by marks if it has letters of the other direction.
/// Marks of its own, which would turn the message around it, are left out.
fn isolated(text: &str, direction: Direction) -> Cow<'_, str> {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_other = |c: char| match direction {
        Direction::LeftToRight => is_right_to_left(c),
        Direction::RightToLeft => c.is_alphabetic() && !is_right_to_left(c),
    };
    let plain: Cow<'_, str> = match text.contains(turns) {
        true => text.replace(turns, "").into(),
        false => text.into(),
    };
    match plain.contains(is_other) {
        true => format!("\u{2068}{plain}\u{2069}").into(),
        false => plain,
    }
}

/// Whether a letter is of a script that is written from right to left.
fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests;
