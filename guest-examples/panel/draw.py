"""HTML of the panel: its templates, and forms of extensions drawn from data in the panel's own style."""

from html import escape
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent


class Markup(str):
    """HTML that this panel wrote itself. Every other text is escaped when it goes into a template."""


def markup(value):
    """A value as HTML."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, (list, tuple)):
        return Markup("".join(markup(item) for item in value))
    return Markup(escape(str(value)))


def fill(html, /, **values):
    """HTML with values in the places `$name`, escaped unless they are markup."""
    filled = {name: markup(value) for name, value in values.items()}
    return Markup(Template(html).substitute(filled))


def template(name, /, **values):
    """A template of the directory `templates`."""
    return fill((HERE / "templates" / f"{name}.html").read_text("utf-8"), **values)


def table(columns, rows):
    """A table: headings, and rows of cells."""
    heads = [fill('<th scope="col">$label</th>', label=label) for label in columns]
    lines = []
    for row in rows:
        lines.append(fill("<tr>$cells</tr>", cells=[fill("<td>$cell</td>", cell=cell) for cell in row]))
    html = '<div class="wide"><table><thead><tr>$heads</tr></thead><tbody>$lines</tbody></table></div>'
    return fill(html, heads=heads, lines=lines)


def notes(items):
    """Messages in boxes."""
    html = '<p class="note $tone" role="status">$text</p>'
    return [fill(html, tone=item["tone"], text=item["text"]) for item in items]


def cell(value, kind):
    """A cell of a column that an extension added."""
    if value is None:
        return ""
    if kind.get("type") == "badge":
        tones = dict(kind.get("tones", []))
        return fill('<span class="badge $tone">$value</span>', tone=tones.get(value, "neutral"), value=value)
    return value


def can_draw(view):
    """Whether this panel draws such a page itself: a form of texts and choices."""
    known = {"text", "textarea", "select", "shown"}
    fields = [field for section in view.get("sections", []) for field in section["fields"]]
    return view["type"] == "form" and all(
        field["control"]["type"] in known
        and field["control"].get("choices", {}).get("type", "fixed") == "fixed"
        for field in fields
    )


def form(view, action, problems=(), entered=None):
    """A form of an extension, drawn from data. `problems` and `entered` are of the attempt before."""
    entered = entered or {}
    at = {problem.get("field"): problem["message"] for problem in problems}
    fields = []
    for section in view["sections"]:
        if section.get("title"):
            fields.append(fill("<h3>$title</h3>", title=section["title"]))
        for its in section["fields"]:
            value = entered.get(its["name"], its["value"])
            fields.append(field(its, "" if value is None else value, at.get(its["name"])))
    general = [{"tone": "danger", "text": at[None]}] if None in at else []
    buttons = [button(its) for its in view["buttons"] if its["target"]["type"] == "act"]
    html = """
      <form method="post" action="$action">
        <h2>$title</h2>$notes
        <input type="hidden" name="state" value="$state">
        $fields
        <p class="buttons">$buttons</p>
      </form>"""
    return fill(
        html,
        action=action,
        title=view["title"],
        notes=notes(view["notes"] + general),
        state=view.get("state", ""),
        fields=fields,
        buttons=buttons,
    )


def field(its, value, problem):
    """An entry field."""
    kind, name = its["control"]["type"], its["name"]
    said = fill('<span class="problem" id="problem-$name">$problem</span>', name=name, problem=problem) if problem else ""
    wrong = fill(' aria-invalid="true" aria-describedby="problem-$name"', name=name) if problem else Markup()
    values = {"name": name, "value": value, "wrong": wrong, "hint": its["control"].get("placeholder", "")}
    if kind == "textarea":
        entry = fill('<textarea id="in-$name" name="in.$name" rows="5" placeholder="$hint"$wrong>\n$value</textarea>', **values)
    elif kind == "select":
        entry = fill('<select id="in-$name" name="in.$name"$wrong>$choices</select>', choices=choices(its, value), **values)
    elif kind == "shown":
        entry = fill('<output id="in-$name">$value</output>', **values)
    else:
        entry = fill('<input id="in-$name" name="in.$name" value="$value" placeholder="$hint"$wrong>', **values)
    html = '<div class="field"><label for="in-$name">$label</label>$entry$said</div>'
    return fill(html, name=name, label=its["label"], entry=entry, said=said)


def choices(its, value):
    """The values to choose from."""
    options = []
    for choice in its["control"]["choices"]["values"]:
        selected = Markup(" selected" if choice["value"] == value else "")
        html = '<option value="$value"$selected>$label</option>'
        options.append(fill(html, value=choice["value"], selected=selected, label=choice["label"]))
    return options


def button(its):
    """A button that has the extension act."""
    html = '<button name="button" value="$id" class="$tone">$label</button>'
    return fill(html, id=its["id"], tone=its["tone"], label=its["label"])
