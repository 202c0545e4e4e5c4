"""The lab's page on loopback: one page and one question, for who knows the token in its address."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gradline.errors import OptionError
from gradline.lab.bundle import page
from gradline.lab.opening import Opening
from gradline.lab.verify import answer, question_of

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LARGEST = 500_000
"""Bytes of a question: 2,000 points take a fifth of that."""

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def application(opening: Opening, lang: str, token: str, port: int) -> Starlette:
    """The page under /token/, and /token/verify, which takes numbers and options.

    Whoever asks must name this server as the host: a page of another site whose name was made to point here cannot.
    A question must come from the page itself.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
    from starlette.routing import Route

    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    html = page({"address": opening.address, "given": opening.given, "lang": lang, "verify": "verify"})
    one_at_a_time = asyncio.Lock()

    def refused(request: Request) -> Response | None:
        if request.headers.get("host") not in hosts:
            return PlainTextResponse("This server answers on loopback only.", 403)
        if not secrets.compare_digest(request.path_params["token"].encode(), token.encode()):
            return PlainTextResponse("Open the address that gradline lab has printed.", 404)
        origin = request.headers.get("origin")
        if request.method == "POST" and origin != f"http://{request.headers['host']}":
            return PlainTextResponse("Questions come from the lab's page only.", 403)
        return None

    async def show(request: Request) -> Response:
        return refused(request) or HTMLResponse(html, headers=_HEADERS)

    async def verify(request: Request) -> Response:
        no = refused(request)
        if no is not None:
            return no
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                return JSONResponse({"error": f"a question has at most {LARGEST} bytes."}, 413)
        try:
            question = question_of(json.loads(body))
            async with one_at_a_time:
                return JSONResponse(await run_in_threadpool(answer, question), headers=_HEADERS)
        except (OptionError, ValueError, RecursionError) as error:
            said = str(error) if isinstance(error, OptionError) else "expected JSON."
            return JSONResponse({"error": said}, 400, headers=_HEADERS)

    return Starlette(
        routes=[Route("/{token}/", show, methods=["GET"]), Route("/{token}/verify", verify, methods=["POST"])]
    )


def serve(opening: Opening, *, lang: str, port: int, show: bool, say: Callable[[str], Any]) -> None:
    """Serve the lab on loopback until it is interrupted.

    Args:
        opening: What it opens with.
        lang: "en" or "ko".
        port: 0 for a free one.
        show: Whether to open a browser.
        say: Told the address.

    Raises:
        OptionError: the extra `lab` is not installed, or the port is taken.
    """
    try:
        import uvicorn
        from starlette import applications  # noqa: F401
    except ImportError:
        raise OptionError(
            "gradline lab serves its page with starlette and uvicorn.\n"
            "Install them: pip install 'gradline[lab]'. Or, without: --save page.html"
        ) from None
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "a port is a number up to 65535"
        raise OptionError(f"port {port}: {reason}.\nTry another one, or leave --port out.") from None
    listener.listen()  # a browser that is opened at once waits for the first answer, and is not turned away
    with listener:
        token, port = secrets.token_urlsafe(16), listener.getsockname()[1]
        address = f"http://127.0.0.1:{port}/{token}/"
        say(address)
        if show:
            webbrowser.open(address)
        config = uvicorn.Config(application(opening, lang, token, port), log_level="error", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])
