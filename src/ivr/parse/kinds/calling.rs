//! Reads `flow`: another flow goes on with the call, and comes back.

use crate::ivr::{flow::Kind, parse::step::StepReader};

pub fn flow(step: &StepReader<'_, '_>) -> Option<Kind> {
    let flow = step.reader.need_parsed("flow");
    if let Some(flow) = flow.as_ref().filter(|flow| step.book.id.as_ref() == Some(&flow.value)) {
        let mend = "lead an exit to the step where it begins";
        step.fault(flow.span.clone(), format!("flow `{}` calls itself", flow.value), mend);
    }
    let vars = step.values("vars", |_| ());
    let next = step.exit("next");
    Some(Kind::Flow { flow: flow?.value, vars, next: next? })
}
