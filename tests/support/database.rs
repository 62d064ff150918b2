//! A database of its own for each test: a temporary SQLite file, or a new database on the
//! PostgreSQL server of `PIKETT_TEST_POSTGRES`. Without that variable a throw-away cluster is started
//! once per test process; it ends with the process, because it waits for the end of a pipe.
//!
//! Knows nothing of Pikett, so that unit tests and integration tests can both include it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::Connection;

pub struct Scratch {
    pub url: String,
    _folder: Option<tempfile::TempDir>,
    /// The server and the name of the database to drop.
    postgres: Option<(String, String)>,
}

struct Server {
    url: String,
    /// Holds the pipe open whose end stops the cluster.
    _child: Option<Child>,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let url = format!("sqlite://{}", folder.path().join("pikett.db").display());
        Self { url, _folder: Some(folder), postgres: None }
    }

    pub async fn postgres() -> Self {
        let server = &SERVER.get_or_init(Server::start).url;
        let name = format!("pikett_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        on(server, &format!("DROP DATABASE IF EXISTS {name}")).await;
        on(server, &format!("CREATE DATABASE {name}")).await;
        let mut url = url::Url::parse(server).expect("PIKETT_TEST_POSTGRES is a URL");
        url.set_path(&name);
        Self { url: url.to_string(), _folder: None, postgres: Some((server.clone(), name)) }
    }

    /// Removes what a test made; after a failure it stays on a server of one's own.
    pub async fn remove(self) {
        if let Some((server, name)) = &self.postgres {
            on(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

impl Server {
    fn start() -> Self {
        if let Ok(url) = std::env::var("PIKETT_TEST_POSTGRES") {
            return Self { url, _child: None };
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh");
        let mut child = Command::new("bash")
            .args([script, "--hold"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash is there to start PostgreSQL");
        let mut url = String::new();
        let output = child.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut url).expect("the script's output is text");
        assert!(!url.is_empty(), "PostgreSQL did not start; the line above says why");
        Self { url: url.trim().to_owned(), _child: Some(child) }
    }
}

async fn on(server: &str, statement: &str) {
    let mut db = sqlx::PgConnection::connect(server).await.expect("the PostgreSQL server answers");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut db).await.expect(statement);
    db.close().await.expect("the connection closes");
}
