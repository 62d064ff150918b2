//! `pikett check`: whether carrier, mail server and service answer.

use crate::house::House;

fn carrier<'a>(base_url: &'a str, account_sid: &'a str, token: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("PIKETT_SERVER__PUBLIC_URL", "https://hotline.example.com"),
        ("PIKETT_CARRIERS__0__ID", "twilio"),
        ("PIKETT_CARRIERS__0__KIND", "twilio"),
        ("PIKETT_CARRIERS__0__FROM", "+4930901820"),
        ("PIKETT_CARRIERS__0__BASE_URL", base_url),
        ("PIKETT_CARRIERS__0__ACCOUNT_SID", account_sid),
        ("PIKETT_CARRIERS__0__AUTH_TOKEN", token),
    ]
}

#[tokio::test]
async fn carriers_and_the_mail_server_are_asked() {
    let house = House::open().await;
    let (url, sid) = (house.sim.base_url(), house.sim.account_sid());
    let (code, said) = house.asks(&["check"], &carrier(&url, &sid, "simulated-token")).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("carrier        `twilio` answers and knows the account\n"), "{said}");
    assert!(said.contains("email          the mail server answers\n"), "{said}");

    let (code, said) = house.asks(&["check"], &carrier(&url, &sid, "another")).await;
    assert_eq!(code, 1);
    assert!(said.contains("wrong          carrier `twilio`: the carrier answered error 20003"), "{said}");
    assert!(said.contains("; check its `account_sid`, `auth_token` and `base_url`"), "{said}");

    let (code, said) = house.asks(&["check"], &carrier("http://127.0.0.1:1", &sid, "simulated-token")).await;
    assert_eq!(code, 1);
    assert!(said.contains("; check its `base_url` and that this machine reaches it"), "{said}");

    let (code, said) = house.asks(&["check"], &[("PIKETT_EMAIL__SMTP", "smtp://127.0.0.1:1")]).await;
    assert_eq!(code, 1);
    assert!(said.contains("wrong          [email]: ") && said.contains("; check `smtp`"), "{said}");
    house.close().await;
}

#[tokio::test]
async fn the_running_service_is_asked_whether_it_is_ready() {
    let house = House::open().await;
    let at = |url: &str| url.trim_start_matches("http://").to_owned();
    let ready = async |address: &str| house.asks(&["check", "--ready"], &[("PIKETT_SERVER__LISTEN", address)]).await;
    assert_eq!(ready(&at(&house.url)).await, (0, "ready\n".to_owned()));
    let another = house.another().await;
    let address = another.address().to_string();
    another.store().close().await;
    let (code, said) = ready(&address).await;
    assert_eq!(
        (code, said.as_str()),
        (1, "wrong          not ready: the database does not work: the store is closed\n")
    );
    another.stop().await;
    let (code, said) = ready(&address).await;
    assert!(code == 1 && said.contains("cannot be reached; does the service run"), "{said}");
    let (code, said) = ready(&house.sim.address().to_string()).await;
    assert!(code == 1 && said.contains("does another program listen there?"), "{said}");
    house.close().await;
}
