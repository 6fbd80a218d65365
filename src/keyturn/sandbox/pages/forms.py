"""The HTML pages of the authorization endpoints: plain forms that a script can post."""

import html
from collections.abc import Iterable, Mapping

from keyturn.sandbox.http import Answer, Header, render_html

NO_REFERRER: Header = ("referrer-policy", "no-referrer")


def login_page(action: str, fields: Mapping[str, str], *, problem: str = "") -> Answer:
    """Return the page that asks for `login` and `password`."""
    hint = html.escape(fields.get("login_hint", ""))
    body = (
        f'<p role="alert">{html.escape(problem)}</p>{_form(action, fields)}'
        f'<label>Username <input name="login" autocomplete="username" value="{hint}"></label>'
        '<label>Password <input name="password" type="password"></label>'
        "<button>Sign in</button></form>"
    )
    return _page("Sign in", body, 401 if problem else 200)


def consent_page(
    action: str, fields: Mapping[str, str], *, client: str, scopes: Iterable[str]
) -> Answer:
    """Return the page that asks whether a client may have scopes; it posts `consent`."""
    listed = "".join(f"<li>{html.escape(scope)}</li>" for scope in scopes)
    body = (
        f"<p>{html.escape(client)} would like to:</p><ul>{listed}</ul>{_form(action, fields)}"
        '<button name="consent" value="allow">Allow access</button>'
        '<button name="consent" value="deny">Cancel</button></form>'
    )
    return _page("Allow access?", body)


def activation_page(action: str, user_code: str, *, problem: str = "") -> Answer:
    """Return the page on which a person approves a device; it posts `decision`."""
    body = (
        f'<p role="alert">{html.escape(problem)}</p>{_form(action, {})}'
        f'<label>Code <input name="user_code" value="{html.escape(user_code)}"></label>'
        '<label>Username <input name="login" autocomplete="username"></label>'
        '<label>Password <input name="password" type="password"></label>'
        '<button name="decision" value="approve">Activate</button>'
        '<button name="decision" value="deny">Deny</button></form>'
    )
    return _page("Activate your device", body, 400 if problem else 200)


def notice_page(title: str, text: str) -> Answer:
    """Return a page that says one thing."""
    return _page(title, f"<p>{html.escape(text)}</p>")


def error_page(error: str, description: str) -> Answer:
    """Return the page of an error that must not be carried back to any client."""
    body = (
        f"<p>Your request resulted in an error. {html.escape(description)}</p>"
        f"<p>Error code: {html.escape(error)}</p>"
    )
    return _page("400 Bad Request", body, 400)


def post_back_page(redirect_uri: str, result: Mapping[str, str]) -> Answer:
    """Return the page that posts a result to the client by itself (`form_post`)."""
    body = (
        f"{_form(redirect_uri, result)}<noscript><button>Continue</button></noscript></form>"
        "<script>document.forms[0].submit()</script>"
    )
    return _page("Submit this form", body)


def _form(action: str, hidden: Mapping[str, str]) -> str:
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in hidden.items()
    )
    return f'<form method="post" action="{html.escape(action)}">{fields}'


def _page(title: str, body: str, status: int = 200) -> Answer:
    return render_html(
        f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1>{body}</html>", status
    )
