//! Why a command could not do its work, and how that is said.

use std::error::Error;

use thiserror::Error;

use crate::model::fault::Fault;

#[derive(Debug, Error)]
pub enum Failure {
    /// What is wrong in files that people wrote.
    #[error("{}", listed(.0))]
    Faults(Vec<Fault>),
    /// A whole sentence for whoever typed the command.
    #[error("{0}")]
    Refused(String),
    #[error("could not {doing}")]
    Failed {
        doing: String,
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl Failure {
    pub fn of(doing: impl Into<String>, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Failed { doing: doing.into(), cause: Box::new(cause) }
    }

    /// Itself and its causes in one line; faults with one line each.
    pub fn in_words(&self) -> String {
        let mut words = match self {
            Self::Faults(_) => self.to_string(),
            Self::Refused(_) | Self::Failed { .. } => format!("pikett: {self}"),
        };
        let mut cause = self.source();
        while let Some(error) = cause {
            words.push_str(": ");
            words.push_str(&error.to_string());
            cause = error.source();
        }
        words
    }
}

fn listed(faults: &[Fault]) -> String {
    let mut lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.push(match faults.len() {
        1 => "1 fault".to_owned(),
        count => format!("{count} faults"),
    });
    lines.join("\n")
}
