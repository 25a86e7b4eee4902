//! Finds what the contract does not document or date.

use wit_parser::{
    Docs, Function, InterfaceId, Resolve, Stability, TypeDef, TypeDefKind, TypeId, WorldId,
    WorldItem,
};

use super::check::own_package;

/// Returns what is wrong, one text for each item, and how many items there are.
pub fn check(resolve: &Resolve) -> (Vec<String>, usize) {
    let mut check = Check { resolve, problems: Vec::new(), items: 0 };
    for (id, package) in &resolve.packages {
        let Some(name) = own_package(resolve, id) else { continue };
        for (interface, id) in &package.interfaces {
            check.interface(&format!("{name}/{interface}"), *id);
        }
        for (world, id) in &package.worlds {
            check.world(&format!("{name}/{world}"), *id);
        }
    }
    (check.problems, check.items)
}

struct Check<'a> {
    resolve: &'a Resolve,
    problems: Vec<String>,
    items: usize,
}

impl Check<'_> {
    fn interface(&mut self, name: &str, id: InterfaceId) {
        let Some(interface) = self.resolve.interfaces.get(id) else { return };
        self.documented(&format!("interface `{name}`"), &interface.docs);
        self.dated(&format!("interface `{name}`"), &interface.stability);
        for id in interface.types.values() {
            self.type_def(name, *id);
        }
        for function in interface.functions.values() {
            self.function(name, function);
        }
    }

    fn world(&mut self, name: &str, id: WorldId) {
        let Some(world) = self.resolve.worlds.get(id) else { return };
        self.documented(&format!("world `{name}`"), &world.docs);
        self.dated(&format!("world `{name}`"), &world.stability);
        for item in world.imports.values().chain(world.exports.values()) {
            match item {
                WorldItem::Function(function) => self.function(name, function),
                WorldItem::Type { id, .. } => self.type_def(name, *id),
                // A named interface is checked in its own package.
                WorldItem::Interface { .. } => {}
            }
        }
    }

    fn function(&mut self, parent: &str, function: &Function) {
        // `[method]event.id` and the like.
        let name = function.name.split(']').next_back().unwrap_or(&function.name);
        let what = format!("function `{parent}.{name}`");
        self.documented(&what, &function.docs);
        self.dated(&what, &function.stability);
    }

    fn type_def(&mut self, parent: &str, id: TypeId) {
        let Some(definition) = self.resolve.types.get(id) else { return };
        let Some(name) = &definition.name else { return };
        if self.is_used_from_elsewhere(definition) {
            return;
        }
        let name = format!("{parent}.{name}");
        let kind = definition.kind.as_str();
        self.documented(&format!("{kind} `{name}`"), &definition.docs);
        self.dated(&format!("{kind} `{name}`"), &definition.stability);
        let parts: Vec<(&str, &Docs)> = match &definition.kind {
            TypeDefKind::Record(record) => {
                record.fields.iter().map(|field| (field.name.as_str(), &field.docs)).collect()
            }
            TypeDefKind::Variant(variant) => {
                variant.cases.iter().map(|case| (case.name.as_str(), &case.docs)).collect()
            }
            TypeDefKind::Enum(cases) => {
                cases.cases.iter().map(|case| (case.name.as_str(), &case.docs)).collect()
            }
            TypeDefKind::Flags(flags) => {
                flags.flags.iter().map(|flag| (flag.name.as_str(), &flag.docs)).collect()
            }
            _ => Vec::new(),
        };
        let part_kind = match &definition.kind {
            TypeDefKind::Record(_) => "field",
            TypeDefKind::Flags(_) => "flag",
            _ => "case",
        };
        for (part, docs) in parts {
            self.documented(&format!("{part_kind} `{name}.{part}`"), docs);
        }
    }

    /// Whether a type stands here because of a `use`.
    fn is_used_from_elsewhere(&self, definition: &TypeDef) -> bool {
        let TypeDefKind::Type(wit_parser::Type::Id(target)) = definition.kind else { return false };
        let owner = self.resolve.types.get(target).map(|target| target.owner);
        owner.is_some_and(|owner| owner != definition.owner)
    }

    fn documented(&mut self, what: &str, docs: &Docs) {
        self.items += 1;
        let text = docs.contents.as_deref().unwrap_or_default();
        if text.trim().is_empty() {
            self.problems.push(format!("{what} has no documentation"));
        }
    }

    fn dated(&mut self, what: &str, stability: &Stability) {
        if !matches!(stability, Stability::Stable { .. }) {
            self.problems.push(format!("{what} has no `@since`"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::parse;
    use super::check;

    fn problems(wit: &str) -> Vec<String> {
        check(&parse(&[wit])).0
    }

    #[test]
    fn a_documented_contract_has_no_problems() {
        let wit = "package palisade:core@1.0.0;
            /// Logs.
            @since(version = 1.0.0)
            interface log {
              /// Writes a line.
              @since(version = 1.0.0)
              write: func(text: string);
            }";
        assert_eq!(problems(wit), [""; 0]);
    }

    #[test]
    fn undocumented_items_are_found() {
        let wit = "package palisade:core@1.0.0;
            @since(version = 1.0.0)
            interface log {
              @since(version = 1.0.0)
              record line { text: string }
              @since(version = 1.0.0)
              enum level { low }
              @since(version = 1.0.0)
              flags marks { red }
              @since(version = 1.0.0)
              variant target { file(string) }
              @since(version = 1.0.0)
              resource sink {
                @since(version = 1.0.0)
                write: func(line: line);
              }
            }
            @since(version = 1.0.0)
            world imports { import log; }";
        let expected = [
            "interface `palisade:core/log` has no documentation",
            "record `palisade:core/log.line` has no documentation",
            "field `palisade:core/log.line.text` has no documentation",
            "enum `palisade:core/log.level` has no documentation",
            "case `palisade:core/log.level.low` has no documentation",
            "flags `palisade:core/log.marks` has no documentation",
            "flag `palisade:core/log.marks.red` has no documentation",
            "variant `palisade:core/log.target` has no documentation",
            "case `palisade:core/log.target.file` has no documentation",
            "resource `palisade:core/log.sink` has no documentation",
            "function `palisade:core/log.sink.write` has no documentation",
            "world `palisade:core/imports` has no documentation",
        ];
        assert_eq!(problems(wit), expected);
    }

    #[test]
    fn an_undated_item_is_found() {
        let wit = "package palisade:core@1.0.0;
            /// Logs.
            interface log {
              /// Writes a line.
              write: func(text: string);
            }";
        let expected = [
            "interface `palisade:core/log` has no `@since`",
            "function `palisade:core/log.write` has no `@since`",
        ];
        assert_eq!(problems(wit), expected);
    }

    #[test]
    fn a_used_type_is_documented_where_it_is_defined() {
        let wit = "package palisade:core@1.0.0;
            /// Types.
            @since(version = 1.0.0)
            interface types {
              /// A line.
              @since(version = 1.0.0)
              type line = string;
            }
            /// Logs.
            @since(version = 1.0.0)
            interface log {
              use types.{line};
              /// Writes a line.
              @since(version = 1.0.0)
              write: func(line: line);
            }";
        assert_eq!(problems(wit), [""; 0]);
    }

    #[test]
    fn packages_of_others_are_not_checked() {
        assert_eq!(problems("package wasi:log@1.0.0; interface log { write: func(); }"), [""; 0]);
    }
}
