//! Whose numbers are whose.

use super::*;

#[test]
fn where_no_flow_can_answer_there_is_no_hotline() {
    let faults = |numbers: &str| {
        let hotline = format!("[[hotlines]]\n{numbers}\ncontract = \"acme-gold\"\nflow = \"sla-hotline\"\n");
        let flow = ("sla-hotline.toml", include_str!("../../../ivr-flows/sla-hotline.toml"));
        let files =
            [("msp/customers.toml", CUSTOMERS), ("msp/people.toml", PEOPLE), ("h.toml", hotline.as_str()), flow];
        let faults = plan_with("0123456789abcdef", &Documents::new(), &files).unwrap_err();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let told = |place: &str| {
        format!(
            "h.toml:{place}: +4921190000 is a number at sipgate, which can run no flow; give the hotline a number at \
             another carrier, and name that as `forward_to` of [[carriers]]"
        )
    };
    assert_eq!(faults("number = \"+4921190000\""), [told("2:10")]);
    assert_eq!(faults("numbers = [\"+4930901820\", \"+4921190000\"]"), [told("2:27")]);
}

#[test]
fn a_hotline_may_have_several_numbers_and_a_number_one_hotline() {
    let hotline =
        |numbers: &str| format!("[[hotlines]]\n{numbers}\ncontract = \"acme-gold\"\nflow = \"sla-hotline\"\n");
    let flow = ("sla-hotline.toml", include_str!("../../../ivr-flows/sla-hotline.toml"));
    let two = hotline("numbers = [\"+4930901820\", \"+4940901820\"]");
    let files = [("msp/customers.toml", CUSTOMERS), ("msp/people.toml", PEOPLE), ("h.toml", two.as_str()), flow];
    let stored = plan_with("0123456789abcdef", &Documents::new(), &files);
    let stored = stored.unwrap_or_else(|faults| panic!("{faults:?}")).documents;
    let directory = assembled(&stored);
    let found = |number: &str| directory.hotline(&number.parse().unwrap()).map(|hotline| hotline.number.as_str());
    assert_eq!((found("+4940901820"), found("+4940901821")), (Some("+4930901820"), None));
    for (numbers, what) in [
        ("numbers = [\"+4930901829\", \"+4940901820\"]", "+4940901820 is a number of hotline +4930901820 as well"),
        ("number = \"+4930901829\"\nnumbers = [\"+4930901828\"]", "there are both `number` and `numbers`"),
        ("numbers = []", "this hotline has no number"),
        ("numbers = [\"+4930901829\", \"+4915110000001\"]", "the hotline's number is also a phone of anna"),
    ] {
        let told = plan_with("x", &stored, &[("h.toml", &hotline(numbers)), flow]).unwrap_err();
        assert!(told.iter().any(|fault| fault.what.contains(what)), "{told:?}");
    }
}
