"""A number of thousands of digits in a form is no fault of the page."""

import pytest
from api_kit import NO_ID
from web_kit import WebHouse


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"/secrets/imports/{NO_ID}/move", "position"),
        (f"/rollouts/{NO_ID}/continue", "skip"),
    ],
)
async def test_number_of_any_length_is_read(web: WebHouse, path: str, field: str) -> None:
    """What is asked about does not exist, and that is what is told."""
    token = (await web.visitor.open("/secrets")).value("form_token")
    place = {"form_token": token, "project": "example", "env": "dev", "path": "/"}
    answer = await web.visitor.http.post(path, data=place | {field: "9" * 5000})
    assert answer.status_code == 404
