//! HestiaCP's hook scripts: `palisade-hook hestia <script> [argument]...`, or a link in the directory of hooks.

use crate::hook::Phase;

/// When a script runs, by its name without `.sh`; nothing for a command that has to be wrapped.
pub(super) fn phase(script: &str) -> Option<Phase> {
    match script {
        "le_pre" | "pre_install" => Some(Phase::Before),
        "le_post" | "post_install" | "add-mail-domain" | "delete-mail-domain" => Some(Phase::After),
        _ => None,
    }
}
