// Makes pages better, and no page needs it: conditions of forms, choosing all rows, values that are found as one types,
// no form sent twice, widgets that ask anew, the height for the frame around. Nothing here writes markup: texts are set
// as texts, and what is exchanged is what this host drew.
"use strict";

(() => {
    const all = (selector, within = document) => [...within.querySelectorAll(selector)];

    // Forms: parts that are shown when another field has a value. What is not shown is not sent.

    const valuesOf = (form, name) => {
        const around = all("[data-field]", form).find((field) => field.dataset.field === name);
        if (!around) return null;
        const entries = all("input, select, textarea", around).filter((entry) => entry.type !== "hidden" || entry.dataset.value !== undefined);
        const boxes = entries.filter((entry) => entry.type === "checkbox");
        if (boxes.length === 1 && boxes[0].getAttribute("role") === "switch") return [String(boxes[0].checked)];
        if (boxes.length > 0 || around.matches("fieldset")) {
            return boxes.filter((box) => box.checked).map((box) => box.value);
        }
        const entry = entries[0];
        if (!entry) return [around.querySelector("output")?.textContent.trim() ?? ""];
        const number = entry.type === "number" && entry.value !== "";
        return [number ? String(Number(entry.value)) : entry.value];
    };

    const textOf = (value) => {
        if (value === null) return "";
        if (Array.isArray(value)) return value.join(", ");
        return typeof value === "object" ? JSON.stringify(value) : String(value);
    };

    const holds = (form, condition) => {
        const values = valuesOf(form, condition.field);
        if (values === null) return false;
        const wanted = condition.values.map(textOf);
        return values.some((value) => wanted.includes(value)) || (values.length === 0 && wanted.includes(""));
    };

    const setShown = (part, shown) => {
        part.toggleAttribute("data-off", !shown);
    };

    const refreshForm = (form) => {
        for (const part of all("[data-shown-when]", form)) {
            const conditions = JSON.parse(part.dataset.shownWhen);
            setShown(part, conditions.every((condition) => holds(form, condition)));
        }
        for (const entry of all("input, select, textarea", form)) {
            const off = entry.closest("[data-off]") !== null;
            if (off && !entry.disabled) {
                entry.disabled = true;
                entry.dataset.wasOn = "";
            } else if (!off && entry.dataset.wasOn !== undefined) {
                entry.disabled = false;
                delete entry.dataset.wasOn;
            }
            if (entry.dataset.required !== undefined) entry.required = !off;
        }
    };

    const startForm = (form) => {
        refreshForm(form);
        form.addEventListener("input", () => refreshForm(form));
        form.addEventListener("change", () => refreshForm(form));
        // What must be filled in is not hidden in a closed part.
        form.addEventListener("invalid", (event) => {
            const closed = event.target.closest("details:not([open])");
            if (closed) closed.open = true;
        }, true);
    };

    // No form is sent twice. A file to download leaves the page as it is: so the form is free again after a while.

    const startGuard = (form) => {
        form.addEventListener("submit", (event) => {
            if (form.dataset.sent !== undefined) {
                event.preventDefault();
                return;
            }
            form.dataset.sent = "";
            // The tab that is shown is shown again: a browser keeps it on the way.
            const action = form.getAttribute("action");
            if (form.method === "post" && action !== null && !action.includes("#")) {
                form.setAttribute("action", action + location.hash);
            }
            event.submitter?.setAttribute("aria-busy", "true");
            setTimeout(() => free(form), 8000);
        });
        // What goes into an address is in the history: what is the host's own stays out of it.
        form.addEventListener("formdata", (event) => {
            if (form.dataset.byAddress === undefined) return;
            delete form.dataset.byAddress;
            for (const name of [...event.formData.keys()]) {
                if (name.startsWith(".")) event.formData.delete(name);
            }
        });
        form.addEventListener("click", (event) => {
            const button = event.target.closest("button[formmethod=get]");
            if (button) form.dataset.byAddress = "";
        });
    };

    const free = (form) => {
        delete form.dataset.sent;
        for (const button of all("[aria-busy]", form)) button.removeAttribute("aria-busy");
    };

    window.addEventListener("pageshow", (event) => {
        if (event.persisted) all("form[data-form]").forEach(free);
    });

    // Lists: one box for all rows.

    const startRows = (form) => {
        const head = form.querySelector("[data-choose-all]");
        if (!head) return;
        const boxes = () => all("[data-choose]", form);
        const follow = () => {
            const chosen = boxes().filter((box) => box.checked).length;
            head.checked = chosen > 0 && chosen === boxes().length;
            head.indeterminate = chosen > 0 && !head.checked;
        };
        head.addEventListener("change", () => {
            for (const box of boxes()) box.checked = head.checked;
        });
        form.addEventListener("change", (event) => {
            if (event.target.matches("[data-choose]")) follow();
        });
        follow();
    };

    // Values that are found as one types: a combobox as ARIA describes it.

    let lists = 0;

    const startLookup = (around) => {
        const several = around.dataset.several !== undefined;
        const entry = around.querySelector("input:not([data-spare])");
        if (!entry) return;
        for (const spare of all("[data-spare]", around)) spare.remove();
        const list = document.createElement("ul");
        list.id = `found-${++lists}`;
        list.setAttribute("role", "listbox");
        list.hidden = true;
        const said = document.createElement("span");
        said.className = "unseen";
        said.setAttribute("role", "status");
        around.append(list, said);
        for (const [name, value] of Object.entries({
            "role": "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
        })) entry.setAttribute(name, value);

        // The value is sent, its label is seen.
        const sent = document.createElement("input");
        sent.type = "hidden";
        if (several) {
            entry.removeAttribute("name");
        } else {
            sent.name = entry.name;
            sent.value = entry.value;
            sent.dataset.value = "";
            entry.removeAttribute("name");
            entry.before(sent);
        }

        let found = [];
        let at = -1;
        let asked = 0;
        let waiting;

        const close = () => {
            list.hidden = true;
            at = -1;
            entry.setAttribute("aria-expanded", "false");
            entry.removeAttribute("aria-activedescendant");
        };

        const mark = (index) => {
            at = index;
            for (const [number, option] of [...list.children].entries()) {
                option.setAttribute("aria-selected", String(number === at));
                if (number === at) {
                    entry.setAttribute("aria-activedescendant", option.id);
                    option.scrollIntoView({ block: "nearest" });
                }
            }
        };

        const changed = () => entry.dispatchEvent(new Event("change", { bubbles: true }));

        const addBox = (choice) => {
            const boxes = around.parentElement.querySelector(".boxes");
            const known = all("input[type=checkbox]", boxes).find((box) => box.value === choice.value);
            if (known) {
                known.checked = true;
                return;
            }
            const label = document.createElement("label");
            const box = document.createElement("input");
            const text = document.createElement("bdi");
            box.type = "checkbox";
            box.name = boxes.querySelector("input[type=hidden]").name;
            box.value = choice.value;
            box.checked = true;
            text.textContent = choice.label || choice.value;
            label.append(box, text);
            boxes.append(label);
        };

        const choose = (index) => {
            const choice = found[index];
            if (!choice || choice.disabled) return;
            if (several) {
                addBox(choice);
                entry.value = "";
            } else {
                entry.value = choice.label || choice.value;
                sent.value = choice.value;
            }
            close();
            changed();
        };

        const show = () => {
            list.replaceChildren(...found.map((choice, index) => {
                const option = document.createElement("li");
                option.id = `${list.id}-${index}`;
                option.setAttribute("role", "option");
                option.setAttribute("aria-selected", "false");
                if (choice.disabled) option.setAttribute("aria-disabled", "true");
                option.textContent = choice.label || choice.value;
                if (choice.label && choice.label !== choice.value) {
                    const small = document.createElement("small");
                    small.textContent = choice.value;
                    option.append(small);
                }
                option.addEventListener("mousedown", (event) => event.preventDefault());
                option.addEventListener("click", () => choose(index));
                return option;
            }));
            list.hidden = found.length === 0;
            entry.setAttribute("aria-expanded", String(!list.hidden));
            said.textContent = found.length === 0 ? around.dataset.none : String(found.length);
            at = -1;
        };

        const ask = async () => {
            const mine = ++asked;
            const address = new URL(around.dataset.lookup, location.href);
            address.searchParams.set("typed", entry.value);
            try {
                const answer = await fetch(address, { credentials: "same-origin", headers: { accept: "application/json" } });
                if (!answer.ok) throw new Error(answer.status);
                const choices = await answer.json();
                if (mine !== asked || document.activeElement !== entry) return;
                found = choices;
                show();
            } catch {
                close();
                said.textContent = around.dataset.failed;
            }
        };

        entry.addEventListener("input", () => {
            if (!several) sent.value = entry.value;
            clearTimeout(waiting);
            waiting = setTimeout(ask, 200);
        });
        entry.addEventListener("keydown", (event) => {
            const open = !list.hidden;
            if (event.key === "ArrowDown") {
                event.preventDefault();
                if (open) mark((at + 1) % found.length);
                else ask();
            } else if (event.key === "ArrowUp" && open) {
                event.preventDefault();
                mark((at + found.length - 1 + (at < 0 ? 1 : 0)) % found.length);
            } else if (event.key === "Enter" && (open || several)) {
                event.preventDefault();
                if (open && at >= 0) choose(at);
                else if (several && entry.value.trim() !== "") {
                    addBox({ value: entry.value.trim(), label: "" });
                    entry.value = "";
                    close();
                    changed();
                } else close();
            } else if (event.key === "Escape" && open) {
                event.preventDefault();
                close();
            }
        });
        entry.addEventListener("blur", () => {
            close();
            if (several && entry.value.trim() !== "") {
                addBox({ value: entry.value.trim(), label: "" });
                entry.value = "";
                changed();
            }
        });
    };

    // Widgets that ask anew: the page is asked for, and what has the same identifier takes the place of the old.

    const startRefresh = () => {
        const due = new Map();
        for (const part of all("[data-refresh][id]")) {
            const seconds = Math.max(5, Number(part.dataset.refresh) || 60);
            due.set(seconds, [...(due.get(seconds) ?? []), part.id]);
        }
        for (const [seconds, ids] of due) setInterval(() => refresh(ids), seconds * 1000);
    };

    const isUsed = (part) =>
        part.contains(document.activeElement) || part.querySelector("details[open], :popover-open, form[data-sent]") !== null;

    const refresh = async (ids) => {
        if (document.hidden) return;
        try {
            const answer = await fetch(location.href, { credentials: "same-origin", headers: { accept: "text/html" } });
            if (!answer.ok) return;
            const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
            for (const id of ids) {
                const old = document.getElementById(id);
                const anew = drawn.getElementById(id);
                if (!old || !anew || isUsed(old)) continue;
                old.replaceWith(document.adoptNode(anew));
                start(anew);
            }
        } catch {
            // The next time will do.
        }
    };

    // The frame around wants to know how high the page is.

    const startHeight = () => {
        if (window.parent === window) return;
        let last = 0;
        const tell = () => {
            const height = Math.ceil(document.body.getBoundingClientRect().height);
            if (height === last) return;
            last = height;
            window.parent.postMessage({ palisade: { height } }, "*");
        };
        new ResizeObserver(tell).observe(document.body);
        tell();
    };

    // Tabs stay where they were when the page is shown anew.

    const startTabs = () => {
        const problems = document.querySelector("[data-problems]");
        const tabs = all("input[data-tab]");
        const named = tabs.find((tab) => `#${tab.id}` === location.hash);
        if (named && !problems) named.checked = true;
        for (const tab of tabs) {
            tab.addEventListener("change", () => history.replaceState(history.state, "", `#${tab.id}`));
        }
        // A link to a field opens what the field is in.
        document.addEventListener("click", (event) => {
            const link = event.target.closest("a[href^='#']");
            const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
            if (!target || !link.closest("[data-problems]")) return;
            event.preventDefault();
            for (let tab = target.closest(".tab"); tab; tab = tab.parentElement.closest(".tab")) {
                tab.previousElementSibling.previousElementSibling.checked = true;
            }
            const closed = target.closest("details:not([open])");
            if (closed) closed.open = true;
            target.focus();
            target.scrollIntoView({ block: "center" });
        });
    };

    const start = (within) => {
        const forms = [...all("form[data-form]", within), ...(within.matches?.("form[data-form]") ? [within] : [])];
        for (const form of forms) startGuard(form);
        for (const form of forms.filter((form) => form.matches(".form"))) startForm(form);
        for (const rows of all("form.rows", within)) startRows(rows);
        for (const lookup of all("[data-lookup]", within)) startLookup(lookup);
        for (const button of all("[data-dismiss]", within)) {
            button.addEventListener("click", () => button.closest("[data-message]")?.remove());
        }
        for (const ask of all("[popover][role=dialog]", within)) {
            // The answer that changes nothing is at hand first.
            ask.addEventListener("toggle", (event) => {
                if (event.newState === "open") ask.querySelector("button")?.focus();
            });
        }
    };

    start(document);
    startTabs();
    startRefresh();
    startHeight();
    document.querySelector("[data-problems]")?.focus();
})();
