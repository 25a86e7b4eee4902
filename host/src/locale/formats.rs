//! Numbers, sizes, shares and times as a language writes them. Whatever the number, there is a text for it.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use icu_calendar::Gregorian;
use icu_datetime::fieldsets::{T, YMD, YMDT};
use icu_datetime::input::{Date, DateTime, Time};
use icu_datetime::{FixedCalendarDateTimeFormatter, NoCalendarFormatter};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use lru::LruCache;

use super::{Direction, Locale};

/// Languages whose formats are kept, the least used dropped first.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).unwrap();
/// Decimals of a number if nothing else is said, and at most.
const DECIMALS: usize = 3;
const MAX_DECIMALS: usize = 15;
/// From here on a number is written with an exponent, as browsers do it.
const LARGE: f64 = 1e21;
/// Stands for what is no number or no time.
const NOTHING: &str = "—";
/// Units of bytes.
const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
/// Languages that have a space before the sign of percent.
const SPACED_PERCENT: [&str; 19] = [
    "be", "ca", "cs", "da", "de", "es", "fi", "fr", "gl", "hr", "hy", "is", "lt", "nb", "no", "ru",
    "sk", "sv", "uk",
];

/// How a language writes numbers and times. What the library has no data for is written as programs write it.
pub struct Formats {
    numbers: Option<DecimalFormatter>,
    ungrouped: Option<DecimalFormatter>,
    dates: Option<FixedCalendarDateTimeFormatter<Gregorian, YMD>>,
    date_times: Option<FixedCalendarDateTimeFormatter<Gregorian, YMDT>>,
    times: Option<NoCalendarFormatter<T>>,
    short_times: Option<NoCalendarFormatter<T>>,
    percent: Percent,
}

/// Where a language puts the sign of percent.
#[derive(Clone, Copy)]
enum Percent {
    After,
    AfterSpace,
    Before,
    /// Kept from the digits by marks, among words that are written from right to left.
    AfterMarked,
}

/// What is written of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// Decimals, at least.
    pub least: usize,
    /// Decimals, at most.
    pub most: usize,
    /// Whether thousands are set off.
    pub grouping: Grouping,
}

/// Whether thousands are set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// As the language does it.
    Usual,
    /// Never, as in a year.
    Never,
}

impl Default for Digits {
    fn default() -> Self {
        Self { least: 0, most: DECIMALS, grouping: Grouping::Usual }
    }
}

/// The formats that were made.
static MADE: LazyLock<Mutex<LruCache<String, Arc<Formats>>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(KEPT)));

impl Formats {
    /// The formats of a language: those of the nearest that is known.
    pub fn of(locale: &Locale) -> Arc<Self> {
        // A std lock, held for a look-up.
        let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(formats) = made().get(locale.tag()) {
            return formats.clone();
        }
        let formats = Arc::new(Self::make(locale));
        made().put(locale.tag().to_owned(), formats.clone());
        formats
    }

    fn make(locale: &Locale) -> Self {
        let known = icu_locale_core::Locale::try_from_str(locale.tag())
            .unwrap_or(icu_locale_core::Locale::UNKNOWN);
        let decimals = |grouping| {
            let mut options = DecimalFormatterOptions::default();
            options.grouping_strategy = Some(grouping);
            DecimalFormatter::try_new((&known).into(), options).ok()
        };
        Self {
            numbers: decimals(GroupingStrategy::Auto),
            ungrouped: decimals(GroupingStrategy::Never),
            dates: FixedCalendarDateTimeFormatter::try_new((&known).into(), YMD::medium()).ok(),
            date_times: FixedCalendarDateTimeFormatter::try_new((&known).into(), YMDT::medium())
                .ok(),
            times: NoCalendarFormatter::try_new((&known).into(), T::hms()).ok(),
            short_times: NoCalendarFormatter::try_new((&known).into(), T::hm()).ok(),
            percent: Percent::of(locale),
        }
    }

    /// A number with at most three decimals.
    pub fn number(&self, number: f64) -> String {
        self.digits(number, Digits::default())
    }

    /// A whole number, to its last digit.
    pub fn integer(&self, number: i64) -> String {
        self.write(&number.to_string(), Digits::default())
    }

    /// A number with so many digits.
    pub fn digits(&self, number: f64, digits: Digits) -> String {
        if number.is_nan() {
            return NOTHING.to_owned();
        }
        if number.is_infinite() {
            return if number > 0.0 { "∞" } else { "-∞" }.to_owned();
        }
        let most = digits.most.min(MAX_DECIMALS);
        if number.abs() >= LARGE {
            return self.with_exponent(number);
        }
        self.write(&format!("{number:.most$}"), digits)
    }

    /// A number as `1.5E20`.
    fn with_exponent(&self, number: f64) -> String {
        let written = format!("{number:.*e}", DECIMALS);
        let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let plain = Digits { grouping: Grouping::Never, ..Digits::default() };
        format!("{}E{}", self.write(mantissa, plain), self.write(exponent, plain))
    }

    /// Writes digits with a point as the language does, without the zeros at the end that need not be there.
    fn write(&self, written: &str, digits: Digits) -> String {
        let formatter = match digits.grouping {
            Grouping::Usual => &self.numbers,
            Grouping::Never => &self.ungrouped,
        };
        // What is rounded to nothing has no sign.
        let is_nothing = written.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
        let written = if is_nothing { written.trim_start_matches('-') } else { written };
        let (Ok(mut decimal), Some(formatter)) = (written.parse::<Decimal>(), formatter) else {
            return written.to_owned();
        };
        decimal.absolute.trim_end();
        let least = i16::try_from(digits.least.min(MAX_DECIMALS)).unwrap_or_default();
        decimal.absolute.pad_end(-least);
        formatter.format(&decimal).to_string()
    }

    /// A size in bytes, in the unit that fits it.
    pub fn bytes(&self, bytes: f64) -> String {
        if !bytes.is_finite() {
            return NOTHING.to_owned();
        }
        let (mut size, mut unit) = (bytes, 0);
        // What would be rounded to 1,024 of a unit is 1 of the next.
        while size.abs() >= 1023.5 && unit + 1 < UNITS.len() {
            size /= 1024.0;
            unit += 1;
        }
        let most = match size.abs() {
            _ if unit == 0 => 0,
            size if size < 10.0 => 2,
            size if size < 100.0 => 1,
            _ => 0,
        };
        let size = self.digits(size, Digits { most, ..Digits::default() });
        format!("{size}\u{a0}{}", UNITS.get(unit).copied().unwrap_or_default())
    }

    /// A share of 1, in percent, with at most one decimal.
    pub fn percent(&self, share: f64) -> String {
        if !share.is_finite() {
            return NOTHING.to_owned();
        }
        let number = self.digits(share * 100.0, Digits { most: 1, ..Digits::default() });
        match self.percent {
            Percent::After => format!("{number}%"),
            Percent::AfterSpace => format!("{number}\u{a0}%"),
            Percent::Before => format!("%{number}"),
            Percent::AfterMarked => format!("{number}\u{200e}%\u{200e}"),
        }
    }

    /// A moment in milliseconds since the epoch, in UTC.
    pub fn date_time(&self, ms: i64) -> String {
        let Some((date, time)) = moment(ms) else { return NOTHING.to_owned() };
        let formatted = self
            .date_times
            .as_ref()
            .map(|formatter| formatter.format(&DateTime { date, time }).to_string());
        formatted.unwrap_or_else(|| format!("{} {}", self.date(ms), self.time(ms)))
    }

    /// The day of a moment.
    pub fn date(&self, ms: i64) -> String {
        let Some((date, _)) = moment(ms) else { return NOTHING.to_owned() };
        match &self.dates {
            Some(formatter) => formatter.format(&date).to_string(),
            None => format!("{date:?}"),
        }
    }

    /// The time of day of a moment, with seconds where it has some.
    pub fn time(&self, ms: i64) -> String {
        let Some((_, time)) = moment(ms) else { return NOTHING.to_owned() };
        let formatter = match time.second.number() {
            0 => &self.short_times,
            _ => &self.times,
        };
        match formatter {
            Some(formatter) => formatter.format(&time).to_string(),
            None => format!("{:02}:{:02}", time.hour.number(), time.minute.number()),
        }
    }
}

impl std::fmt::Debug for Formats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Formats")
    }
}

impl Percent {
    fn of(locale: &Locale) -> Self {
        let language = locale.identifier().language;
        match locale.direction() {
            Direction::RightToLeft => Self::AfterMarked,
            Direction::LeftToRight if language.as_str() == "tr" => Self::Before,
            Direction::LeftToRight if SPACED_PERCENT.contains(&language.as_str()) => {
                Self::AfterSpace
            }
            Direction::LeftToRight => Self::After,
        }
    }
}

/// A moment in UTC; nothing if it lies beyond the years that there are dates for.
fn moment(ms: i64) -> Option<(Date<Gregorian>, Time)> {
    let at = jiff::Timestamp::from_millisecond(ms).ok()?;
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let part = |number: i8| u8::try_from(number).ok();
    let date =
        Date::try_new_gregorian(at.year().into(), part(at.month())?, part(at.day())?).ok()?;
    let time = Time::try_new(part(at.hour())?, part(at.minute())?, part(at.second())?, 0).ok()?;
    Some((date, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without marks of direction, and with plain spaces.
    fn plain(text: &str) -> String {
        text.chars()
            .filter(|c| !matches!(c, '\u{200e}' | '\u{200f}'))
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .collect()
    }

    fn formats(tag: &str) -> Arc<Formats> {
        Formats::of(&Locale::parse(tag).unwrap())
    }

    /// 2026-11-24, 15:04:05.678.
    const MOMENT: i64 = 1_795_532_645_678;

    fn shown(tag: &str) -> String {
        let its = formats(tag);
        let parts = [
            its.number(-1_234_567.891_6),
            its.bytes(1536.0),
            its.percent(0.125),
            its.date(MOMENT),
            its.date_time(MOMENT),
            its.time(MOMENT),
        ];
        plain(&parts.join(" | "))
    }

    #[test]
    fn each_language_writes_numbers_and_times_in_its_way() {
        insta::assert_snapshot!(shown("en"), @"-1,234,567.892 | 1.5 KiB | 12.5% | Nov 24, 2026 | Nov 24, 2026, 3:04:05 PM | 3:04:05 PM");
        insta::assert_snapshot!(shown("en-GB"), @"-1,234,567.892 | 1.5 KiB | 12.5% | 24 Nov 2026 | 24 Nov 2026, 15:04:05 | 15:04:05");
        insta::assert_snapshot!(shown("de"), @"-1.234.567,892 | 1,5 KiB | 12,5 % | 24.11.2026 | 24.11.2026, 15:04:05 | 15:04:05");
        insta::assert_snapshot!(shown("fr"), @"-1 234 567,892 | 1,5 KiB | 12,5 % | 24 nov. 2026 | 24 nov. 2026, 15:04:05 | 15:04:05");
        insta::assert_snapshot!(shown("es"), @"-1.234.567,892 | 1,5 KiB | 12,5 % | 24 nov 2026 | 24 nov 2026, 15:04:05 | 15:04:05");
        insta::assert_snapshot!(shown("ru"), @"-1 234 567,892 | 1,5 KiB | 12,5 % | 24 нояб. 2026 г. | 24 нояб. 2026 г., 15:04:05 | 15:04:05");
        insta::assert_snapshot!(shown("ar"), @"-1,234,567.892 | 1.5 KiB | 12.5% | 24/11/2026 | 24/11/2026، 3:04:05 م | 3:04:05 م");
        insta::assert_snapshot!(shown("fa"), @"−۱٬۲۳۴٬۵۶۷٫۸۹۲ | ۱٫۵ KiB | ۱۲٫۵% | ۲۴ نوامبر ۲۰۲۶ | ۲۴ نوامبر ۲۰۲۶، ۱۵:۰۴:۰۵ | ۱۵:۰۴:۰۵");
        insta::assert_snapshot!(shown("pl"), @"-1 234 567,892 | 1,5 KiB | 12,5% | 24 lis 2026 | 24 lis 2026, 15:04:05 | 15:04:05");
    }

    #[test]
    fn a_language_that_nobody_knows_has_formats_too() {
        assert_eq!(formats("qya").number(1234.5), formats("und").number(1234.5));
    }

    #[test]
    fn a_number_has_three_decimals_at_most_and_no_zeros_at_its_end() {
        let its = formats("en");
        let written = [0.0, -0.0, 1.0, 0.1 + 0.2, 2.5, -0.0004, 0.0004, 1e15, 1e21, 5e-324];
        let written = written.map(|number| its.number(number));
        insta::assert_snapshot!(written.join(" "), @"0 0 1 0.3 2.5 0 0 1,000,000,000,000,000 1E21 0");
    }

    #[test]
    fn a_size_has_the_unit_that_fits_it() {
        let its = formats("en");
        let sizes = [0.0, 1.0, 1000.0, 1023.0, 1023.5, 1024.0, 10_240.0, 1e6, 1e18, 1e30, -2048.0];
        let written = sizes.map(|size| plain(&its.bytes(size)));
        insta::assert_snapshot!(written.join(", "), @"0 B, 1 B, 1,000 B, 1,023 B, 1 KiB, 1 KiB, 10 KiB, 977 KiB, 888 PiB, 867,361,737,988 EiB, -2 KiB");
    }

    #[test]
    fn whatever_the_number_there_is_a_text_for_it() {
        let its = formats("de");
        let numbers =
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::EPSILON];
        let written = numbers.map(|number| {
            format!("{} {} {}", its.number(number), its.bytes(number), its.percent(number))
        });
        insta::assert_snapshot!(plain(&written.join(" | ")), @"— — — | ∞ — — | -∞ — — | 1,798E308 1,559E290 EiB ∞ % | -1,798E308 -1,559E290 EiB -∞ % | 0 0 B 0 %");
        let digits = Digits { least: usize::MAX, most: usize::MAX, grouping: Grouping::Never };
        assert_eq!(its.digits(1.5, digits), "1,500000000000000");
        assert_eq!(its.integer(i64::MIN), "-9.223.372.036.854.775.808");
        for ms in [i64::MIN, i64::MAX] {
            assert_eq!([its.date_time(ms), its.date(ms), its.time(ms)], [NOTHING; 3]);
        }
    }

    #[test]
    fn seconds_are_shown_where_there_are_some() {
        let its = formats("de");
        assert_eq!(its.time(MOMENT - 5_678), "15:04");
        assert_eq!(its.time(MOMENT), "15:04:05");
        assert_eq!(its.date(-1), "31.12.1969");
    }

    #[test]
    fn formats_of_a_language_are_made_once() {
        assert!(Arc::ptr_eq(&formats("de-CH"), &formats("de-CH")));
    }
}
