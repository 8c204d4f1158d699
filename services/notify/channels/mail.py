"""E-mail by SMTP: smtplib in threads of its own, connected to the address that was judged, cut off when it hangs."""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from email.utils import format_datetime
from html import escape

from services.notify.channels.base import BATCH, SEND_S, in_turn
from services.notify.channels.guard import CONNECT_S, Guard
from services.notify.core.contacts import Endpoint
from services.notify.core.delivery import Outcome, Result
from services.notify.core.gateways import Security, SmtpGateway
from services.notify.core.message import Message
from services.notify.core.render import Form, Renderer, cut
from services.notify.core.target import TargetRefused
from shared.clock import utc_now

THREADS = 2
MOST_CHARACTERS = 50_000
MOST_SUBJECT = 120
_NO_SUCH_PLACE = frozenset({550, 551, 553, 556})


class MailChannel:
    """One mail endpoint's queue out: a connection for each message."""

    batch = BATCH

    def __init__(
        self, endpoint: Endpoint, gateway: SmtpGateway, secret: str, renderer: Renderer, guard: Guard, *,
        send_s: float = SEND_S, tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """`secret` is the login's password; empty when the gateway needs no login."""
        self._endpoint = endpoint
        self._gateway = gateway
        self._secret = secret
        self._renderer = renderer
        self._guard = guard
        self._send_s = send_s
        self._tls = tls or ssl.create_default_context()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mail")

    async def send_many(self, messages: Sequence[Message]) -> list[Result]:
        """Send each in a mail of its own."""
        return await in_turn(messages, self._send, workers=THREADS)

    async def close(self) -> None:
        """Let the threads go; what hangs was cut off."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _send(self, message: Message) -> Result:
        try:
            addresses = await self._guard.find(self._gateway.host, self._gateway.port)
        except (OSError, TimeoutError) as error:
            return Result(Outcome.FAILED, f"{type(error).__name__} when looking the host up")
        except TargetRefused as refused:
            return Result(Outcome.FAILED, str(refused))
        talk = _Talk(self._gateway, self._secret, addresses[0], self._tls)
        mail = write_mail(message, self._endpoint, self._gateway.sender, self._renderer)
        running = asyncio.get_running_loop().run_in_executor(self._threads, talk.deliver, mail, self._endpoint.to)
        done, _ = await asyncio.wait({running}, timeout=self._send_s)
        if not done:
            talk.cut_off()
            await asyncio.wait({running}, timeout=CONNECT_S)
        return running.result() if running.done() else Result(Outcome.AMBIGUOUS, "no answer in time")


def write_mail(message: Message, endpoint: Endpoint, sender: str, renderer: Renderer) -> bytes:
    """The mail: its subject is the text's first line, and its id is the message's at every attempt."""
    text = cut(renderer.words(message, endpoint.language), MOST_CHARACTERS)
    html = renderer.words(message, endpoint.language, Form.HTML)
    if len(html) > MOST_CHARACTERS:
        html = escape(text).replace("\n", "<br>\n")  # markup that is cut would be broken markup
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["Subject"] = cut(" ".join(text.split("\n", 1)[0].split()), MOST_SUBJECT)
    mail["From"] = sender
    mail["To"] = ", ".join(endpoint.to)
    mail["Date"] = format_datetime(utc_now())
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text, cte="base64")
    mail.add_alternative(f"<!doctype html><meta charset=utf-8>{html}", subtype="html", cte="base64")
    return mail.as_bytes()


class _Talk:
    """One conversation with a mail server, in a thread. `cut_off` ends it from outside."""

    def __init__(self, gateway: SmtpGateway, secret: str, address: str, tls: ssl.SSLContext) -> None:
        self._gateway = gateway
        self._secret = secret
        self._address = address
        self._tls = tls
        self._socket: socket.socket | None = None
        self._smtp: smtplib.SMTP | None = None
        self._in_doubt = False

    def deliver(self, mail: bytes, to: Sequence[str]) -> Result:
        """Hand the mail over; never raises for what the server does."""
        try:
            return self._hand_over(self._connect(), mail, to)
        except (smtplib.SMTPException, OSError, ValueError) as error:  # ValueError: a login's challenge is no base64
            code = getattr(error, "smtp_code", "")
            doubt = self._in_doubt and not isinstance(error, smtplib.SMTPDataError)  # a no before the mail itself
            outcome = Outcome.AMBIGUOUS if doubt else Outcome.FAILED
            return Result(outcome, f"{type(error).__name__} {code}".strip())
        finally:
            # Without a QUIT: what counts has been said, and its answer could only hang.
            if self._smtp is not None:
                self._smtp.close()
            if self._socket is not None:
                self._socket.close()

    def cut_off(self) -> None:
        """Close the connection under the thread."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already

    def _connect(self) -> smtplib.SMTP:
        gateway = self._gateway
        name = gateway.sender.rpartition("@")[2]
        self._smtp = smtp = _Pinned(
            self._keep(socket.create_connection((self._address, gateway.port), CONNECT_S)), name
        )
        if gateway.security is Security.TLS:
            smtp.given = self._keep(self._tls.wrap_socket(smtp.given, server_hostname=gateway.host))
        code, _ = smtp.connect(gateway.host, gateway.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, b"")
        if gateway.security is Security.STARTTLS:
            smtp.starttls(context=self._tls)
            self._keep(smtp.sock or smtp.given)
        if gateway.user:
            smtp.login(gateway.user, self._secret)
        return smtp

    def _keep(self, connected: socket.socket) -> socket.socket:
        self._socket = connected
        return connected

    def _hand_over(self, smtp: smtplib.SMTP, mail: bytes, to: Sequence[str]) -> Result:
        smtp.ehlo_or_helo_if_needed()
        code, _ = smtp.mail(self._gateway.sender)
        if code != 250:
            return Result(Outcome.FAILED, f"SMTP {code} to the sender", is_alive=500 <= code < 600)
        codes = [smtp.rcpt(address)[0] for address in to]
        taken = sum(code in (250, 251) for code in codes)
        if not taken:
            gone = all(code in _NO_SUCH_PLACE for code in codes)
            outcome = Outcome.GONE if gone else Outcome.FAILED
            return Result(outcome, f"SMTP {codes[0]} to the recipient", is_alive=True)
        self._in_doubt = True
        code, _ = smtp.data(mail)
        if code != 250:
            return Result(Outcome.FAILED, f"SMTP {code} to the mail", is_alive=500 <= code < 600)
        return Result(Outcome.DELIVERED, f"taken for {taken} of {len(to)}", is_alive=True)


class _Pinned(smtplib.SMTP):
    """smtplib over a connection that is already there."""

    def __init__(self, given: socket.socket, name: str) -> None:
        self.given = given
        super().__init__(local_hostname=name, timeout=CONNECT_S)

    def connect(self, host: str = "localhost", port: int = 0, source_address: object = None) -> tuple[int, bytes]:
        """Take the connection up; `host` is whom TLS must find at its other end."""
        self._host = host
        self.sock = self.given
        self.file = None
        return self.getreply()
