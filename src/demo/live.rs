//! The demo for a person at a browser: everything in this process, in real time, with the phones on the
//! console.

use std::{collections::BTreeMap, net::Ipv4Addr, path::Path};

use axum::Router;

use super::{
    DemoError,
    stage::{Set, Stage},
};
use crate::{
    app::{Extras, Service},
    clock::{Clock, Ids},
    console,
    model::phone::Phone,
    sim::Times,
};

/// Where the console finds the simulator's control API.
const PHONES: &str = "/demo/phones";
const PORT: u16 = 8080;

pub struct Live {
    pub stage: Stage,
    pub service: Service,
}

impl Live {
    pub async fn start(folder: &Path) -> Result<Self, DemoError> {
        let clock = Clock::system();
        // A person does not want to wait as long as a real network lets them.
        let times =
            Times { setup_s: (0.3, 0.8), sms_delivered_s: (0.5, 2.0), sms_sent_s: (0.2, 0.5), ..Times::default() };
        let stage = Stage::set(Set {
            folder,
            listen: (Ipv4Addr::LOCALHOST, PORT).into(),
            clock: clock.clone(),
            seed: 1,
            times,
            database: None,
        })
        .await?;
        stage.apply().await?;
        let extras = Extras {
            console: console::Settings { phones: Some(PHONES.to_owned()), hints: hints() },
            beside: Router::new().nest(PHONES, stage.sim.control()),
            log: None,
        };
        let service = Service::start_with(&stage.config, clock, Ids::random(), extras).await.map_err(DemoError::App)?;
        Ok(Self { stage, service })
    }
}

/// What somebody who plays a caller has to know.
fn hints() -> BTreeMap<Phone, String> {
    let callers = [("+4930555010", "Petra Klein, ACME: PIN 730164"), ("+4930555011", "Olaf Brandt, ACME: PIN 281950")];
    let hint =
        |(number, hint): (&str, &str)| (number.parse().expect("the sample's numbers are numbers"), hint.to_owned());
    callers.map(hint).into()
}
