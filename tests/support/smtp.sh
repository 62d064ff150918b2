#!/usr/bin/env bash
# A mail server that is not ours (aiosmtpd, from PyPI, in a throw-away environment), with TLS, a password
# and a certificate authority of its own:
#
#   tests/support/smtp.sh     prints SMTP_PORT SMTPS_PORT FOLDER and runs until its input ends
#
# FOLDER holds `authority.pem` and, for every email, a line of JSON in `emails`. Without python3, pip or
# PyPI it says so, in the file $PIKETT_TEST_LEFT_OUT as well, and exits with 3.
set -euo pipefail

without() {
    echo "left out: no mail server of others was started, because $*" >&2
    # `make test` tells it once more at its end.
    [ -z "${PIKETT_TEST_LEFT_OUT:-}" ] || echo "emails through a mail server of others (tests/email.rs): $*" >>"$PIKETT_TEST_LEFT_OUT"
    exit 3
}

command -v python3 >/dev/null || without "there is no python3"
folder=$(mktemp -d /tmp/pikett-smtp.XXXXXX)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python" >/dev/null 2>&1 || without "python3 cannot make an environment (on Debian: install python3-venv)"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check --timeout 20 aiosmtpd trustme >/dev/null 2>&1 ||
    without "pip could not install aiosmtpd and trustme"

cat >"$folder/server.py" <<'PYTHON'
import asyncio, json, ssl, sys, threading, os
import trustme
from aiosmtpd.smtp import SMTP, AuthResult

folder = sys.argv[1]
authority = trustme.CA()
authority.cert_pem.write_to_path(f"{folder}/authority.pem")
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("127.0.0.1").configure_cert(tls)


class Box:
    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "replace"),
            "tls": session.ssl is not None or server.transport.get_extra_info("cipher") is not None,
            "user": session.auth_data.decode() if session.auth_data else None,
        }
        with open(f"{folder}/emails", "a") as file:
            file.write(json.dumps(mail) + "\n")
        return "250 OK"


def check(server, session, envelope, mechanism, data):
    good = data.login == b"pikett" and data.password == b"secret"
    return AuthResult(success=good, handled=False, auth_data=data.login)


def dialogue(**options):
    return SMTP(Box(), hostname="mail.example", authenticator=check, auth_required=True, **options)


async def serve():
    loop = asyncio.get_running_loop()
    starttls = lambda: dialogue(tls_context=tls, require_starttls=True, loop=loop)
    direct = lambda: dialogue(auth_require_tls=False, loop=loop)
    first = await loop.create_server(starttls, "127.0.0.1", 0)
    second = await loop.create_server(direct, "127.0.0.1", 0, ssl=tls)
    ports = [server.sockets[0].getsockname()[1] for server in (first, second)]
    print(*ports, folder, flush=True)
    await asyncio.gather(first.serve_forever(), second.serve_forever())


# The end of the input ends everything.
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
asyncio.run(serve())
PYTHON

"$folder/python/bin/python" -W ignore "$folder/server.py" "$folder" 2>/dev/null
