//! Pictures: everything is in them, nothing overlaps, what is wrong is red.

use super::*;
use crate::ivr::parse_and_sketch;

const SLA: &str = include_str!("../../../ivr-flows/sla-hotline.toml");

fn picture(text: &str, marks: &Marks) -> String {
    svg(&parse_and_sketch("test.toml", text).1, marks)
}

/// A flow of so many menus, each of which leads on to two others and back.
fn many(count: usize) -> String {
    let mut text = "id = 'f'\nlanguages = ['en']\nstart = 's0'\n".to_owned();
    for n in 0..count {
        let (a, b) = ((n + 1).min(count), (n * 2 + 1).min(count));
        text.push_str(&format!(
            "[steps.s{n}]\ndo = 'menu'\nprompt = 'Step {n}: what is it about?'\noptions = {{ 1 = {{ label = 'On', to = 's{a}' }}, \
             2 = {{ to = 's{b}' }}, 3 = {{ to = 's{}' }} }}\ninvalid = 's{count}'\n",
            n / 2
        ));
    }
    text.push_str(&format!("[steps.s{count}]\ndo = 'hangup'\n"));
    text
}

#[test]
fn every_step_and_exit_of_a_flow_is_drawn() {
    let picture = picture(SLA, &Marks::default());
    let (flow, sketch) = parse_and_sketch("test.toml", SLA);
    let flow = flow.unwrap();
    for (id, step) in flow.steps() {
        let drawn = &sketch.steps[id.index];
        assert_eq!(drawn.name, step.name);
        let mut labels: Vec<String> = step.kind.exits().iter().map(|exit| exit.label.to_string()).collect();
        let mut shown: Vec<String> = drawn.exits.iter().map(|exit| exit.label.clone()).collect();
        labels.sort();
        shown.sort();
        assert_eq!(labels, shown, "step {}", step.name);
        assert!(picture.contains(&format!(">{}</text>", step.name)) || picture.contains(&format!("▶ {}", step.name)));
    }
    assert!(picture.contains("Willkommen bei der"));
    assert!(!picture.contains("class=\"box wrong\""));
}

#[test]
fn what_is_wrong_is_red() {
    let text = SLA.replace("nobody = \"sorry\"\n", "").replace("to = \"voicemail\" }", "to = \"voicemial\" }");
    let sketch = parse_and_sketch("test.toml", &text).1;
    let of = |name: &str| sketch.steps.iter().find(|step| step.name == name).unwrap();
    let missing: Vec<&str> =
        of("connect").exits.iter().filter(|exit| exit.to.is_none()).map(|exit| exit.label.as_str()).collect();
    assert_eq!(missing, ["nobody"]);
    assert!(of("category").exits.iter().any(|exit| exit.label == "3 Question" && exit.to.is_none()));
    let picture = svg(&sketch, &Marks::default());
    assert!(picture.contains("class=\"box wrong\""), "nobody gets to `sorry` any more");
}

#[test]
fn exits_that_a_test_call_took_differ_from_the_others() {
    let sketch = parse_and_sketch("test.toml", SLA).1;
    let one = sketch.steps[0].exits[0].written_at.unwrap();
    let marks = Marks { taken: Some(BTreeSet::from([one])), ..Marks::default() };
    let picture = svg(&sketch, &marks);
    assert_eq!(picture.matches("class=\"arrow taken\"").count(), 2, "the exit, and the legend");
    assert!(picture.matches("class=\"arrow untaken\"").count() > 10);
}

#[test]
fn boxes_never_overlap() {
    for text in [SLA.to_owned(), many(1), many(40), many(80)] {
        let picture = picture(&text, &Marks::default());
        let boxes: Vec<[f64; 4]> =
            picture.lines().filter(|line| line.starts_with("<rect class=\"box")).map(numbers).collect();
        for (index, a) in boxes.iter().enumerate() {
            for b in &boxes[..index] {
                let apart = a[0] + a[2] <= b[0] || b[0] + b[2] <= a[0] || a[1] + a[3] <= b[1] || b[1] + b[3] <= a[1];
                assert!(apart, "{a:?} {b:?}");
            }
        }
    }
}

/// x, y, width, height of a box.
fn numbers(line: &str) -> [f64; 4] {
    ["x=\"", "y=\"", "width=\"", "height=\""].map(|key| {
        let rest = &line[line.find(&format!(" {key}")).unwrap() + key.len() + 1..];
        rest[..rest.find('"').unwrap()].parse().unwrap()
    })
}

#[test]
fn what_people_wrote_cannot_become_markup() {
    let text =
        "id = 'f'\ntitle = '<b>&'\nlanguages = ['en']\nstart = 'a'\n[steps.a]\ndo = 'hangup'\nsay = '<script>'\n";
    let picture = picture(text, &Marks::default());
    assert!(picture.contains("&lt;script&gt;") && picture.contains("&lt;b&gt;&amp;") && !picture.contains("<script>"));
}
