//! Writes the picture: boxes with what is heard, exits as small plates from which their arrows go.

use std::fmt::Write;

use super::{
    Drawn, Marks, Sketch,
    layout::{Laid, Link, Route, Shape, lay},
};

const LETTER: f64 = 6.7;
const BOX_WIDTH: f64 = 208.0;
const WORDS_PER_LINE: usize = 28;
const LABEL_MAX: usize = 24;
const PLATE_HEIGHT: f64 = 20.0;
const HEAD: f64 = 46.0;

const STYLE: &str = "text{font-family:system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:12px;fill:#1f2933}\
.title{font-size:17px;font-weight:600}.name{font-weight:600;font-size:13px}.kind{fill:#52606d;font-size:11px}\
.note{fill:#0b6e4f;font-size:11px;font-weight:600}.plate{font-size:11px}\
.box{stroke:#9aa5b1;stroke-width:1.2}.arrow{fill:none;stroke:#52606d;stroke-width:1.5}\
.taken{stroke:#0b6e4f;stroke-width:2}.untaken{stroke:#b0762a;stroke-dasharray:5 4}\
.wrong{stroke:#c81e1e;stroke-width:2}text.wrong,.wrong text{fill:#c81e1e;stroke:none}";

/// The picture as an SVG document.
pub fn svg(sketch: &Sketch, marks: &Marks) -> String {
    let shapes: Vec<Shape> = sketch.steps.iter().map(|step| shape(step, marks)).collect();
    let mut links = Vec::new();
    let mut of = Vec::new();
    for (from, step) in sketch.steps.iter().enumerate() {
        for (port, exit) in step.exits.iter().enumerate() {
            if let Some(to) = exit.to {
                links.push(Link { from, port, to });
                of.push((from, port));
            }
        }
    }
    let laid = lay(&shapes, &links, sketch.start);
    let reached = sketch.reached();
    let mut out = String::new();
    head(&mut out, sketch, marks, &laid);
    // What was taken lies above what was not.
    for above in [false, true] {
        for ((from, port), route) in of.iter().zip(&laid.routes) {
            let class = arrow_class(sketch, marks, *from, *port, reached.contains(from));
            if (class == "taken") == above {
                arrow(&mut out, route, class);
            }
        }
    }
    for (index, step) in sketch.steps.iter().enumerate() {
        let wrong = step.faulty || !reached.contains(&index);
        draw_box(&mut out, step, &shapes[index], laid.boxes[index], marks, wrong, sketch.start == Some(index));
    }
    out.push_str("</g></svg>\n");
    out
}

fn shape(step: &Drawn, marks: &Marks) -> Shape {
    let plates: Vec<f64> = step.exits.iter().map(|exit| plate_width(&exit.label)).collect();
    let total: f64 = plates.iter().map(|width| width + 6.0).sum::<f64>() + 10.0;
    let width = BOX_WIDTH.max(total).max(width_of(&step.name) + width_of(&step.kind) + 34.0);
    let mut at = (width - total) / 2.0 + 8.0;
    let mut ports = Vec::new();
    for plate in plates {
        ports.push(at + plate / 2.0);
        at += plate + 6.0;
    }
    let lines = lines(step, marks);
    #[expect(clippy::cast_precision_loss, reason = "three lines at most")]
    let words = lines.len() as f64 * 15.0;
    let plates = if step.exits.is_empty() { 4.0 } else { PLATE_HEIGHT + 6.0 };
    Shape { width, height: 26.0 + words + 4.0 + plates, ports }
}

fn plate_width(label: &str) -> f64 {
    width_of(&shortened(label, LABEL_MAX)) + 10.0
}

fn width_of(text: &str) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a line of text")]
    let letters = text.chars().count() as f64;
    letters * LETTER
}

/// What stands in the box below its name, and whether it is a note of ours.
fn lines(step: &Drawn, marks: &Marks) -> Vec<(String, bool)> {
    let mut lines: Vec<(String, bool)> = wrapped(&step.words).into_iter().map(|line| (line, false)).collect();
    lines.extend(marks.notes.get(&step.name).map(|note| (note.clone(), true)));
    lines
}

/// Two lines at most.
fn wrapped(words: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = words.split_whitespace().peekable();
    while let Some(word) = rest.peek() {
        let count = lines.len();
        let line = lines.last_mut().expect("there is a line from the start");
        if line.is_empty() || line.chars().count() + word.chars().count() < WORDS_PER_LINE {
            let gap = if line.is_empty() { "" } else { " " };
            let _ = write!(line, "{gap}{}", shortened(word, WORDS_PER_LINE));
            rest.next();
        } else if count == 2 {
            line.push_str(" …");
            break;
        } else {
            lines.push(String::new());
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

fn head(out: &mut String, sketch: &Sketch, marks: &Marks, laid: &Laid) {
    let width = laid.width.max(width_of(&sketch.title) * 1.5 + 60.0).max(620.0);
    let height = laid.height + HEAD + 34.0;
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n",
        title = escaped(&sketch.title)
    );
    out.push_str("<defs>");
    for (class, colour) in [("plain", "#52606d"), ("taken", "#0b6e4f"), ("untaken", "#b0762a"), ("wrong", "#c81e1e")] {
        let _ = write!(
            out,
            "<marker id=\"{class}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" \
             markerUnits=\"userSpaceOnUse\" orient=\"auto-start-reverse\"><path d=\"M0 0 10 5 0 10z\" fill=\"{colour}\"/></marker>"
        );
    }
    let _ = write!(out, "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    let _ = writeln!(out, "<text class=\"title\" x=\"28\" y=\"34\">{}</text>", escaped(&sketch.title));
    legend(out, marks, height - 18.0);
    let _ = writeln!(out, "<g transform=\"translate(0 {HEAD})\">");
}

fn legend(out: &mut String, marks: &Marks, y: f64) {
    let mut entries = vec![("wrong", "wrong: not reached, missing or leading nowhere")];
    if marks.taken.is_some() {
        entries = vec![("taken", "taken by a test call"), ("untaken", "not tested"), entries[0]];
    }
    let mut x = 28.0;
    for (class, words) in entries {
        let _ = writeln!(
            out,
            "<path class=\"arrow {class}\" d=\"M{x:.0} {:.0}h30\" marker-end=\"url(#{class})\"/>\
             <text class=\"kind\" x=\"{:.0}\" y=\"{y:.0}\">{words}</text>",
            y - 4.0,
            x + 38.0
        );
        x += 38.0 + width_of(words) + 24.0;
    }
}

fn arrow_class(sketch: &Sketch, marks: &Marks, from: usize, port: usize, reached: bool) -> &'static str {
    if !reached {
        return "wrong";
    }
    let written_at = sketch.steps[from].exits[port].written_at;
    match (&marks.taken, written_at) {
        (Some(taken), Some(place)) if taken.contains(&place) => "taken",
        (Some(_), _) => "untaken",
        (None, _) => "plain",
    }
}

fn arrow(out: &mut String, route: &Route, class: &str) {
    let mut path = String::new();
    match route {
        Route::Down(points) => {
            let Some(first) = points.first() else { return };
            let _ = write!(path, "M{:.1} {:.1}", first.0, first.1);
            for pair in points.windows(2) {
                let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
                if (x1 - x2).abs() < 0.5 {
                    let _ = write!(path, "L{x2:.1} {y2:.1}");
                } else {
                    let middle = (y1 + y2) / 2.0;
                    let _ = write!(path, "C{x1:.1} {middle:.1} {x2:.1} {middle:.1} {x2:.1} {y2:.1}");
                }
            }
        }
        Route::Back(points) => {
            for (index, (x, y)) in points.iter().enumerate() {
                let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
            }
        }
    }
    let _ = writeln!(out, "<path class=\"arrow {class}\" d=\"{path}\" marker-end=\"url(#{class})\"/>");
}

/// Who asks is blue, who reaches a human green, what records yellow, what ends grey.
fn fill(kind: &str) -> &'static str {
    match kind {
        "menu" | "pin" | "language" | "collect" | "intake" => "#e3f0fb",
        "connect" | "forward" | "callback" => "#dff3e6",
        "voicemail" => "#fdf1d3",
        "hangup" => "#e9edf1",
        _ => "#f8fafb",
    }
}

fn draw_box(out: &mut String, step: &Drawn, shape: &Shape, at: (f64, f64), marks: &Marks, wrong: bool, start: bool) {
    let (x, y) = at;
    let class = if wrong { "box wrong" } else { "box" };
    let _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\" fill=\"{}\"/>",
        shape.width,
        shape.height,
        fill(&step.kind)
    );
    let name = if start { format!("▶ {}", step.name) } else { step.name.clone() };
    let colour = if wrong { " wrong" } else { "" };
    let _ = writeln!(
        out,
        "<text class=\"name{colour}\" x=\"{:.1}\" y=\"{:.1}\">{}</text><text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\" \
         text-anchor=\"end\">{}</text>",
        x + 10.0,
        y + 18.0,
        escaped(&name),
        x + shape.width - 10.0,
        y + 18.0,
        escaped(&step.kind)
    );
    let mut line_y = y + 34.0;
    for (line, is_note) in lines(step, marks) {
        let class = if is_note { " class=\"note\"" } else { "" };
        let _ = writeln!(out, "<text{class} x=\"{:.1}\" y=\"{line_y:.1}\">{}</text>", x + 10.0, escaped(&line));
        line_y += 15.0;
    }
    for (exit, port) in step.exits.iter().zip(&shape.ports) {
        let width = plate_width(&exit.label);
        let top = y + shape.height - PLATE_HEIGHT - 3.0;
        let class = if exit.to.is_none() { "wrong" } else { "plain" };
        let stroke = if exit.to.is_none() { "#c81e1e" } else { "#cbd2d9" };
        let _ = writeln!(
            out,
            "<g class=\"{class}\"><rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{PLATE_HEIGHT}\" rx=\"4\" \
             fill=\"#ffffff\" stroke=\"{stroke}\"/><text class=\"plate\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
            x + port - width / 2.0,
            x + port,
            top + 14.0,
            escaped(&shortened(&exit.label, LABEL_MAX))
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
