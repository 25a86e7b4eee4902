//! Figures for Prometheus. Labels are bounded: no action, object or actor is one; the journal answers for those.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::hook::{Decision, Phase};
use crate::host::{Decided, Host};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    phase: PhaseLabel,
    verdict: VerdictLabel,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    phase: PhaseLabel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names are the label values")]
enum PhaseLabel {
    before,
    after,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names are the label values")]
enum VerdictLabel {
    proceed,
    skip,
    deny,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    extension: Arc<str>,
    /// `proceed`, `alter`, `skip`, `deny`, or the code of a fault.
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExtensionLabels {
    extension: Arc<str>,
}

/// What is counted.
pub(super) struct Metrics {
    registry: Mutex<Registry>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<PhaseLabels, Histogram, fn() -> Histogram>,
    outcomes: Family<OutcomeLabels, Counter>,
    fuel: Family<ExtensionLabels, Counter>,
    handler_seconds: Family<ExtensionLabels, Counter<f64, AtomicU64>>,
    /// Hook calls that are being decided.
    pub(super) in_flight: Gauge,
    /// Connections that are open.
    pub(super) connections: Gauge,
    extensions: Gauge,
    bypassed: Family<ExtensionLabels, Gauge>,
    concurrent: Family<ExtensionLabels, Gauge>,
    veto_alarms: Family<ExtensionLabels, Counter>,
    overloaded: Counter,
    journal_dropped: Gauge,
    store_bytes: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_01, 2.5, 16));
        let metrics = Self {
            registry: Mutex::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(buckets),
            outcomes: Family::default(),
            fuel: Family::default(),
            handler_seconds: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            extensions: Gauge::default(),
            bypassed: Family::default(),
            concurrent: Family::default(),
            veto_alarms: Family::default(),
            overloaded: Counter::default(),
            journal_dropped: Gauge::default(),
            store_bytes: Gauge::default(),
        };
        let mut registry = Registry::with_prefix("palisade");
        registry.register("hook_calls", "Hook calls decided", metrics.calls.clone());
        registry.register(
            "hook_call_duration_seconds",
            "Time to decide a hook call, all handlers together",
            metrics.call_seconds.clone(),
        );
        registry.register(
            "handler_outcomes",
            "What handlers decided, or the code of the fault that kept them from it",
            metrics.outcomes.clone(),
        );
        registry.register("handler_fuel", "Units of fuel that handlers used", metrics.fuel.clone());
        registry.register(
            "handler_seconds",
            "Time that handlers took",
            metrics.handler_seconds.clone(),
        );
        registry.register(
            "hook_calls_in_flight",
            "Hook calls that are being decided",
            metrics.in_flight.clone(),
        );
        registry.register("connections", "Connections that are open", metrics.connections.clone());
        registry.register("extensions", "Extensions installed", metrics.extensions.clone());
        registry.register(
            "handlers_bypassed",
            "Handlers that are not called for what they did",
            metrics.bypassed.clone(),
        );
        registry.register(
            "handlers_running",
            "Calls of an extension that run",
            metrics.concurrent.clone(),
        );
        registry.register(
            "veto_alarms",
            "Times that an extension denied more of its calls than it should",
            metrics.veto_alarms.clone(),
        );
        registry.register(
            "hook_calls_overloaded",
            "Hook calls decided without their handlers, since too many came at one time",
            metrics.overloaded.clone(),
        );
        registry.register(
            "journal_dropped",
            "Entries that the journal could not take since the start",
            metrics.journal_dropped.clone(),
        );
        registry.register(
            "store_bytes",
            "Bytes of the database on disk",
            metrics.store_bytes.clone(),
        );
        Self { registry: Mutex::new(registry), ..metrics }
    }
}

impl Metrics {
    /// Counts a decided hook call.
    pub(super) fn decided(&self, decided: &Decided) {
        let phase = match decided.call.phase() {
            Phase::Before => PhaseLabel::before,
            Phase::After => PhaseLabel::after,
        };
        let verdict = match decided.verdict.decision {
            Decision::Proceed => VerdictLabel::proceed,
            Decision::Skip => VerdictLabel::skip,
            Decision::Deny => VerdictLabel::deny,
        };
        self.calls.get_or_create(&CallLabels { phase, verdict }).inc();
        self.call_seconds
            .get_or_create(&PhaseLabels { phase })
            .observe(decided.duration.as_secs_f64());
        for trace in &decided.verdict.trace {
            let outcome = match &trace.outcome {
                Ok(word) => word,
                Err(fault) => fault.code(),
            };
            let extension = trace.extension.clone();
            self.outcomes
                .get_or_create(&OutcomeLabels { extension: extension.clone(), outcome })
                .inc();
            let labels = ExtensionLabels { extension };
            self.fuel.get_or_create(&labels).inc_by(trace.fuel);
            self.handler_seconds.get_or_create(&labels).inc_by(trace.duration.as_secs_f64());
        }
    }

    /// Takes over how the installed extensions stand; those that were removed have no figures any more.
    fn conduct(&self, host: &Host) {
        self.overloaded.inner().store(host.conduct.overloaded(), Ordering::Relaxed);
        self.bypassed.clear();
        self.concurrent.clear();
        self.veto_alarms.clear();
        for id in host.registry.snapshot_owned().extensions.keys() {
            let report = host.conduct.report(id, Instant::now());
            let labels = ExtensionLabels { extension: id.clone() };
            let bypassed = i64::try_from(report.bypassed.len()).unwrap_or(i64::MAX);
            self.bypassed.get_or_create(&labels).set(bypassed);
            self.concurrent.get_or_create(&labels).set(report.running.into());
            let alarms = self.veto_alarms.get_or_create(&labels);
            alarms.inner().store(report.veto_alarms, Ordering::Relaxed);
        }
    }

    /// Everything as text.
    pub(super) fn text(&self, host: &Host) -> Result<String, std::fmt::Error> {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.extensions.set(number(host.registry.snapshot().extensions.len() as u64));
        self.conduct(host);
        self.journal_dropped.set(number(host.journal.dropped()));
        self.store_bytes.set(number(host.storage.size()));
        let mut text = String::new();
        encode(
            &mut text,
            &self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        )?;
        Ok(text)
    }
}
